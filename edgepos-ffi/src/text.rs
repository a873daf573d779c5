//! Texts that the library hands out.

use std::ffi::c_char;
use std::ptr;

use serde::Serialize;

use crate::argument::Output;
use crate::handle::{self, Handle, Table};
use crate::status::{EDGEPOS_NOTHING, Failure};

/// A text in UTF-8 that a call has answered with, mostly JSON. Whoever got it frees it. Any thread may call its functions, and what they
/// lend is good until it is freed.
pub struct TextHandle(());

/// With the zero byte behind it.
#[derive(Debug)]
pub(crate) struct Text(Box<[u8]>);

impl Text {
    fn new(mut text: Vec<u8>) -> Self {
        text.push(0);
        Self(text.into())
    }
}

impl Handle for TextHandle {
    type Value = Text;
    const WHAT: &'static str = "text";
    fn table() -> &'static Table<Text> {
        static TABLE: Table<Text> = Table::new();
        &TABLE
    }
}

impl Output<*mut TextHandle> {
    /// Answers with a text.
    pub(crate) fn text(self, text: impl Into<String>) -> Result<i32, Failure> {
        self.give(Text::new(text.into().into_bytes()))
    }

    /// Answers with JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<i32, Failure> {
        // It is the library's own: that it cannot be written is a fault of ours, and nothing that the caller could mend.
        let json =
            serde_json::to_vec(value).map_err(|error| Failure::of(crate::status::EDGEPOS_DAMAGED, &error))?;
        self.give(Text::new(json))
    }

    /// The same where there is something.
    pub(crate) fn some_json(self, value: Option<&impl Serialize>) -> Result<i32, Failure> {
        value.map_or(Ok(EDGEPOS_NOTHING), |value| self.json(value))
    }
}

/// The bytes of a text, with a zero byte behind them; NULL where `text` is no living text. They are good until the text is freed.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_text_data(text: *const TextHandle) -> *const c_char {
    handle::look(text, |text| text.0.as_ptr().cast()).unwrap_or(ptr::null())
}

/// How many bytes a text has, without the zero byte behind it; 0 where `text` is no living text.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_text_length(text: *const TextHandle) -> usize {
    handle::look(text, |text| text.0.len() - 1).unwrap_or(0)
}

/// Frees a text. NULL and a text that was freed are let pass.
///
/// Threads: any, once nobody reads what it has lent.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_text_free(text: *mut TextHandle) {
    handle::free(text);
}

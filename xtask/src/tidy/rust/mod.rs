//! As much of Rust as the rules of the modules need: which names a file defines, imports and mentions. Types, expressions and
//! macros are not understood, so it reads the whole tree in a fraction of the time that a full parser takes.

mod crates;
mod lexer;
mod reader;
mod scope;

pub(super) use crates::{Crate, Place};
pub(super) use scope::Visible;

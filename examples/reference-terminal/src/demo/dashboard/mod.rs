//! The page that shows a running demo, and whose buttons break and mend it.
//!
//! The supervisor serves it, not a terminal: it stays when a leader dies. The browser gets one page with its style and its script, all
//! from this program, and a stream of what the store looks like (server-sent events), twice a second. A button is a POST that answers in
//! words. Nothing on the page decides anything.

mod act;
mod bulletins;
mod floor;
mod gate;
mod lanes;
mod manager;
mod receipt;
mod serve;
mod served;
mod shelf;
mod timeline;
mod view;

pub(super) use self::floor::{Floor, Parts};
pub(super) use self::serve::{Dashboard, Shown};
pub(super) use self::shelf::{products, stocking};

/// What a till recognises when somebody presses the button.
const PICTURE: &[u8] = include_bytes!("../../../../../models/samples/espresso.png");

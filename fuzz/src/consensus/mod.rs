//! The election under input that nobody foresaw.

mod decode;
mod forge;
mod guard;
mod input;
mod operations;
mod rows;
mod shop;

pub use decode::message_decode;
pub use guard::guard;
pub use operations::operations;
pub use rows::restored_rows;

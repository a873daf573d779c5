//! What a till asks for, as JSON: the forms of the reference terminal's HTTP, with the same names, in which a name is text and an amount is
//! a whole number of minor units. A field that a form does not have is refused.

pub(crate) mod basket;
pub(crate) mod payment;
pub(crate) mod record;
pub(crate) mod resolving;

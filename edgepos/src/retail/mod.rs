//! The rooms of the shop: a folder a subject, with what its events say, its commands, what it does to rows, and its queries.
//!
//! A room owns its state and is told through a [`Turn`](crate::terminal::turn::Turn). Rooms know those that stand before them in this
//! list and no others.

pub(crate) mod redact;

pub(crate) mod code;
pub(crate) mod series_name;

pub(crate) mod effect;
pub(crate) mod envelope;
pub(crate) mod kind;
pub(crate) mod money;

pub(crate) mod sums;

mod applied;
pub(crate) mod counters;
pub(crate) mod quarantine;
pub(crate) mod record;
pub(crate) mod reissued;
pub(crate) mod set_aside;
pub(crate) mod stored_event;
pub(crate) mod tail;
pub(crate) mod uncounted;
pub(crate) mod unreadable;

pub(crate) mod keys;
pub(crate) mod rebuilt;
pub(crate) mod recordings;
pub(crate) mod sold;

pub(crate) mod attachment;
pub(crate) mod catalogue;
pub(crate) mod change;
pub(crate) mod counting;
pub(crate) mod customer;
pub(crate) mod day;
pub(crate) mod document;
pub(crate) mod exception;
pub(crate) mod figures;
pub(crate) mod parked;
pub(crate) mod payment;
pub(crate) mod returns;
pub(crate) mod sale;
pub(crate) mod stock;

pub(crate) mod label;

pub(crate) mod calls;

mod desk;

pub(crate) mod body;
pub(crate) mod taking_back;

pub(crate) mod shop;

//! In place of models, where the library is built without them.

use std::time::Duration;

use edgepos::Node;
use serde::de::IgnoredAny;
use tokio::runtime::Handle;

use crate::status::{EDGEPOS_NO_MODEL, Failure};

/// What nobody can have.
pub(crate) enum Models {}

impl Models {
    pub(crate) fn new(_: &Node, _: &Handle, _: IgnoredAny) -> Result<Self, Failure> {
        let detail = "this library was built without models".into();
        Err(Failure { status: EDGEPOS_NO_MODEL, detail })
    }

    pub(crate) fn start(&self, _: bool) {
        match *self {}
    }

    pub(crate) fn recognise(&self, _: &[u8], _: Duration) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn read_barcode(&self, _: &[u8], _: Duration) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn score(&self, _: IgnoredAny, _: Duration) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn hear(&self, _: &[u8], _: Duration) -> Result<(), Failure> {
        match *self {}
    }
}

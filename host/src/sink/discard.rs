//! Drops every row: for measuring a pipeline, and for streams that are run only for their dead letters.

use serde::Deserialize;

use super::{Delivery, Opening, Sink, SinkError, Writer};
use crate::record::{BatchTime, Partition};

/// A sink that drops what it is given. It has no options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discard {}

impl Sink for Discard {
    fn kind(&self) -> &'static str {
        "discard"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Nowhere
    }

    fn open(&self, _opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(Box::new(*self))
    }
}

impl Writer for Discard {
    fn stages_outside(&self) -> bool {
        true
    }

    fn stage(&mut self, _time: BatchTime, _partitions: &[Partition]) -> Result<(), SinkError> {
        Ok(())
    }

    fn publish(&mut self, _time: BatchTime) -> Result<(), SinkError> {
        Ok(())
    }
}

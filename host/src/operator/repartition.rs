//! `repartition`: the rows of a stream in so many partitions, for work that is worth more or fewer tasks.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::Deserialize;

use super::{Exchange, Opened, Opening, Operator, OperatorError, Shape, Wide};
use crate::partition::NUM_KEY_GROUPS;

/// The options of `repartition`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repartition {
    /// How many partitions.
    pub partitions: NonZeroUsize,
}

impl Operator for Repartition {
    fn kind(&self) -> &'static str {
        "repartition"
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let partitions = self.partitions.get();
        if partitions > NUM_KEY_GROUPS {
            let problem =
                format!("{partitions} partitions are too many; at most {NUM_KEY_GROUPS} are possible");
            return Err(OperatorError::Option { key: "partitions", problem });
        }
        let shape = Shape::Wide(Wide::exchange(Exchange::Recut(partitions), None));
        Ok(Opened { shape, ..Opened::new(opening, Arc::clone(opening.input()?)) })
    }
}

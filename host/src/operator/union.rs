//! `union`: the rows of several streams of one schema, stream after stream.

use std::sync::Arc;

use serde::Deserialize;

use super::{Exchange, Inputs, Opened, Opening, Operator, OperatorError, Shape, Wide};
use crate::record::describe;

/// The options of `union`: none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Union {}

impl Operator for Union {
    fn kind(&self) -> &'static str {
        "union"
    }

    fn inputs(&self) -> Inputs {
        Inputs::Several
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Opened, OperatorError> {
        let schema = opening.input()?;
        if let Some(other) = opening.inputs.iter().find(|other| other.fields() != schema.fields()) {
            let problem = format!(
                "the streams of a union need the same columns; one has ({}), another ({})",
                describe(schema),
                describe(other)
            );
            return Err(OperatorError::Option { key: "from", problem });
        }
        let shape = Shape::Wide(Wide::exchange(Exchange::Concatenate, None));
        Ok(Opened { shape, ..Opened::new(opening, Arc::clone(schema)) })
    }
}

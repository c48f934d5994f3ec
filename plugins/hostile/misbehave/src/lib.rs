//! Passes lines on, and does what a plugin should not where a line asks for it, or the config for when it is
//! opened: `{ open = "spin" }`.
//!
//! Every other line goes through as it is, so that a test sees what becomes of the rows around a bad one.

mod deed;

use serde::Deserialize;
use tidemill_plugin::{
    Batch, Column, DataType, Field, Output, Plan, Schema, Transform, Values, VarlenBuilder, export_transform,
    parse_config,
};

/// What to do when it is opened.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    open: String,
}

/// The transform.
pub struct Misbehave;

impl Transform for Misbehave {
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String> {
        let config: Option<Config> = parse_config(config)?;
        deed::copies(&config.unwrap_or_default().open)?;
        let line = input.want("line", DataType::Utf8)?;
        let produces = vec![Field::new("line", DataType::Utf8)];
        Ok((Misbehave, Plan { reads: vec![line], carries: vec![], produces }))
    }

    fn process(&self, input: Batch) -> Result<Output, String> {
        let Values::Utf8(lines) = &input.column(0)?.values else { return Err("line is no text".into()) };
        let mut passed = VarlenBuilder::with_capacity(input.rows as usize, lines.data.len());
        let mut origins = vec![];
        for (row, span) in (0..).zip(lines.offsets.windows(2)) {
            let line = lines.data.get(span[0] as usize..span[1] as usize).unwrap_or_default();
            for _ in 0..deed::copies(&String::from_utf8_lossy(line))? {
                passed.push(line);
                origins.push(row);
            }
        }
        let batch = Batch {
            rows: origins.len() as u32,
            columns: vec![Column { values: Values::Utf8(passed.finish()), valid: None }],
        };
        Ok(Output { batch, origins: Some(origins), rejects: vec![] })
    }
}

export_transform!(Misbehave);

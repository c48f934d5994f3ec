//! A dead letter as a line of a file: what is written, and what is read of it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::{BatchTime, DeadLetter, DeadLetterKind, PluginId};

/// A letter as it is written.
#[derive(Serialize)]
struct Written<'a> {
    pipeline: &'a str,
    batch_time: String,
    origin: &'a str,
    kind: DeadLetterKind,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a PluginId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    row: &'a serde_json::Value,
}

/// Appends `letter` as a line.
pub(super) fn write_line(
    pipeline: &str,
    time: BatchTime,
    letter: &DeadLetter,
    out: &mut Vec<u8>,
) -> serde_json::Result<()> {
    let written = Written {
        pipeline,
        batch_time: time.to_string(),
        origin: &letter.origin,
        kind: letter.kind,
        reason: letter.kept_reason(),
        position: letter.position.as_deref(),
        plugin: letter.plugin.as_ref(),
        input: letter.input.as_deref(),
        row: &letter.row,
    };
    serde_json::to_writer(&mut *out, &written)?;
    out.push(b'\n');
    Ok(())
}

/// What all lines of a batch begin with, and those of no other.
pub(super) fn beginning_of_lines(pipeline: &str, time: BatchTime) -> Vec<u8> {
    let pipeline = serde_json::Value::from(pipeline);
    format!("{{\"pipeline\":{pipeline},\"batch_time\":\"{time}\",").into_bytes()
}

/// A letter as it is read.
#[derive(Clone, Debug, Deserialize)]
pub struct Letter {
    /// The pipeline that it is of.
    pub pipeline: String,
    /// The time of the batch.
    #[serde(deserialize_with = "time")]
    pub batch_time: BatchTime,
    /// The source or stream that set the row aside.
    pub origin: String,
    /// What went wrong, by kind.
    pub kind: DeadLetterKind,
    /// What went wrong, in words.
    pub reason: String,
    /// Where the row came from, where its source knew.
    pub position: Option<String>,
    /// The plugin that didn't take it.
    pub plugin: Option<PluginId>,
    /// Which of its inputs the row came from, where the operator has several.
    pub input: Option<String>,
    /// The row's columns as a JSON object, as it is written: numbers are read as what the column is.
    pub row: Box<RawValue>,
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BatchTime, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

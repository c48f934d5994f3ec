//! Rows on their way to sinks that can't stage them outside.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use crate::record::{BatchTime, Partition, decode_rows, encode_rows};

/// Rows of a committed batch that a sink may not have seen.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// The time of the batch.
    pub time: BatchTime,
    /// The sink's name.
    pub sink: String,
    /// The rows.
    pub partitions: Vec<Partition>,
}

/// The key of a sink's rows: batches in the order of their times.
pub(super) fn key(time: BatchTime, sink: &str) -> Vec<u8> {
    // Flipping the sign sorts times before 1970 first.
    let mut key = (time.millis() ^ i64::MIN).to_be_bytes().to_vec();
    key.extend_from_slice(sink.as_bytes());
    key
}

/// The time and the sink of a key.
pub(super) fn from_key(key: &[u8]) -> Option<(BatchTime, String)> {
    let (time, sink) = key.split_first_chunk()?;
    let time = BatchTime::from_millis(i64::from_be_bytes(*time) ^ i64::MIN);
    Some((time, String::from_utf8(sink.to_vec()).ok()?))
}

/// Partitions one after the other, each as its length in bytes and its rows.
pub(super) fn encode(schema: &SchemaRef, partitions: &[Partition]) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    for blocks in partitions {
        let rows = encode_rows(schema, blocks, Vec::new())?;
        bytes.extend_from_slice(&(rows.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&rows);
    }
    Ok(bytes)
}

/// What `encode` made bytes of; none where it can't have.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Partition>> {
    let mut partitions = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (rows, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        partitions.push(decode_rows(None, rows).ok()?);
        bytes = rest;
    }
    Some(partitions)
}

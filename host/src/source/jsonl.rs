//! JSON lines: an object a line, its members put into the columns of their names.
//!
//! Members that no column is named for are passed over, blank lines too. A member that is missing is null. A
//! line that is no object, or has a value that does not fit its column, is a misfit that says which and why.

use std::fmt;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::columns::Columns;
use super::format::{Decoded, Decoder, MAX_BLOCK_ROWS, Misfit, not_utf8, too_long};
use super::lines::WholeLines;

/// Decodes JSON lines.
pub struct Jsonl {
    names: Vec<String>,
    columns: Columns,
    max_line: usize,
}

impl Jsonl {
    /// Into the columns of `schema`; lines longer than `max_line` bytes are misfits.
    pub fn new(schema: &SchemaRef, max_line: usize) -> Result<Self, ArrowError> {
        let columns = Columns::new(schema)?;
        Ok(Self { names: columns.names().map(str::to_owned).collect(), columns, max_line })
    }

    fn push<'a>(&mut self, line: &'a [u8], found: &mut Vec<Option<&'a str>>) -> Result<(), String> {
        if line.len() > self.max_line {
            return Err(too_long(self.max_line));
        }
        let text = simdutf8::compat::from_utf8(line).map_err(|e| not_utf8(&e))?;
        found.clear();
        found.resize(self.names.len(), None);
        let mut json = serde_json::Deserializer::from_str(text);
        let members = Members { names: &self.names, found };
        members.deserialize(&mut json).and_then(|()| json.end()).map_err(|e| describe(&e))?;
        self.columns.push_row(|i, column| match found.get(i).copied().flatten() {
            Some(raw) => column.push_json(raw),
            None => column.push_null("is missing"),
        })
    }
}

impl Decoder for Jsonl {
    fn decode(&mut self, input: &[u8], misfits: &mut Vec<Misfit>) -> Result<Decoded, ArrowError> {
        let mut lines = WholeLines::new(input);
        let mut found = Vec::new();
        let mut num_lines = 0;
        while self.columns.num_rows() < MAX_BLOCK_ROWS {
            let Some((start, line)) = lines.next() else { break };
            if !line.trim_ascii().is_empty()
                && let Err(reason) = self.push(line, &mut found)
            {
                misfits.push(Misfit { bytes: start..start + line.len(), lines_before: num_lines, reason });
            }
            num_lines += 1;
        }
        Ok(Decoded { rows: self.columns.finish()?, num_bytes: lines.num_bytes(), num_lines })
    }
}

/// What JSON is wrong, with the column but without the line, which is always the first.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("the line is not a JSON object: {what} at byte {}", error.column())
}

/// The values of an object by column, as they are written; of a member named twice the last.
struct Members<'a, 'de> {
    names: &'a [String],
    found: &'a mut [Option<&'de str>],
}

impl<'de> DeserializeSeed<'de> for Members<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Name(self.names))? {
            match place.and_then(|i| self.found.get_mut(i)) {
                Some(slot) => *slot = Some(map.next_value::<&'de RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The index of the column that a member is named for.
struct Name<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|ours| ours == name))
    }
}

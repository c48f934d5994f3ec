//! JSON lines: an object a line, its members put into the columns of their names.
//!
//! Members that no column is named for are passed over, blank lines too. A member that is missing is null. A
//! line that is no object, or has a value that does not fit its column, is a misfit that says which and why.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
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

/// All rows of `input`, JSON lines; the error is what is wrong with the first line that does not fit.
pub fn jsonl_rows(schema: &SchemaRef, input: &[u8]) -> Result<RecordBatch, String> {
    let text = |error: ArrowError| error.to_string();
    let mut decoder = Jsonl::new(schema, usize::MAX).map_err(text)?;
    let (mut blocks, mut rest, mut misfits) = (Vec::new(), input, Vec::new());
    loop {
        let decoded = decoder.decode(rest, &mut misfits).map_err(text)?;
        if let Some(misfit) = misfits.pop() {
            return Err(misfit.reason);
        }
        if decoded.num_bytes == 0 {
            break;
        }
        rest = rest.get(decoded.num_bytes..).unwrap_or_default();
        blocks.push(decoded.rows);
    }
    concat_batches(schema, &blocks).map_err(text)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::format::Format;
    use super::super::testing::{Collected, encoding, unpack};

    const SCHEMA: &str = r#"{ "id": "int64", "name": "utf8?", "at": "timestamp?" }"#;

    fn jsonl(bytes: &[u8]) -> Collected {
        unpack(&encoding(Format::Jsonl, Some(SCHEMA), 1000), &[bytes])
    }

    #[test]
    fn members_go_into_the_columns_of_their_names() {
        let collected = jsonl(
            b"{\"name\": \"a\\n\\u00e9\", \"other\": [1, {\"id\": 3}], \"id\": 1}\r\n\n\
              {\"id\": -2, \"at\": \"2026-11-20T20:30:01+01:00\", \"name\": null}\n{\"id\": 3, \"name\": [1, {\"a\": 2}]}",
        );
        assert_eq!(
            collected.rows(),
            [
                json!({ "id": 1, "name": "a\né", "at": null }),
                json!({ "id": -2, "name": null, "at": "2026-11-20T19:30:01Z" }),
                json!({ "id": 3, "name": "[1, {\"a\": 2}]", "at": null }),
            ]
        );
    }

    #[test]
    fn lines_that_do_not_fit_say_where_and_why() {
        let lines = [
            r#"{"id": 1}"#,
            r#"{"id": "1"}"#,
            r#"{"name": "x"}"#,
            r#"{"id": 1.5}"#,
            r#"{"id": 1, "name": 7}"#,
            r#"[1]"#,
            r#"{"id": 1"#,
            r#"{"id": 1} {"id": 2}"#,
            r#"{"id": 2}"#,
        ];
        let collected = jsonl(lines.join("\n").as_bytes());
        assert_eq!(collected.rows().len(), 2);
        let refused: Vec<(String, String)> =
            collected.refused().into_iter().map(|(place, reason, _)| (place, reason)).collect();
        let expected = [
            ("file:2", "column `id`: `\"1\"` is no int64"),
            ("file:3", "column `id` is missing, and its type int64 has no `?`"),
            ("file:4", "column `id`: `1.5` is no int64"),
            ("file:5", "column `name`: `7` is no utf8"),
            ("file:6", "the line is not a JSON object: invalid type: sequence, expected an object"),
            ("file:7", "the line is not a JSON object: EOF while parsing an object"),
            ("file:8", "the line is not a JSON object: trailing characters"),
        ];
        assert_eq!(refused.len(), expected.len());
        for ((place, reason), (expected_place, expected_reason)) in refused.iter().zip(expected) {
            assert_eq!(place, expected_place);
            assert!(reason.starts_with(expected_reason), "{reason}");
        }
    }

    #[test]
    fn every_type_has_its_values_its_nulls_and_its_misfits() {
        let schema = r#"{ "b": "boolean?", "i": "int64?", "f": "float64?", "t": "timestamp?", "u": "utf8?", "x": "binary?" }"#;
        let lines = [
            r#"{"b": true, "i": 9223372036854775807, "f": 2, "t": "2026-11-20 19:30:01", "u": "true", "x": "00\u0066F"}"#,
            r#"{"b": null, "i": null, "f": null, "t": null, "u": null, "x": null}"#,
            "{}",
            r#"{"b": "true"}"#,
            r#"{"i": 9223372036854775808}"#,
            r#"{"f": "1"}"#,
            r#"{"t": 1795548601}"#,
            r#"{"u": false}"#,
            r#"{"x": "0"}"#,
            "null",
            r#""text""#,
        ];
        let collected =
            unpack(&encoding(Format::Jsonl, Some(schema), 1000), &[lines.join("\r\n").as_bytes()]);
        let nulls = json!({ "b": null, "i": null, "f": null, "t": null, "u": null, "x": null });
        let full = json!({
            "b": true, "i": i64::MAX, "f": 2.0, "t": "2026-11-20T19:30:01Z", "u": "true", "x": "00ff",
        });
        assert_eq!(collected.rows(), [full, nulls.clone(), nulls]);
        let expected = [
            "column `b`: `\"true\"` is no boolean",
            "column `i`: `9223372036854775808` is no int64",
            "column `f`: `\"1\"` is no float64",
            "column `t`: `1795548601` is no timestamp",
            "column `u`: `false` is no utf8",
            "column `x`: `\"0\"` is no binary",
            "the line is not a JSON object: invalid type: null, expected an object",
            "the line is not a JSON object: invalid type: string \"text\", expected an object",
        ];
        let refused = collected.refused();
        assert_eq!(refused.len(), expected.len());
        for (i, ((place, reason, line), expected)) in refused.iter().zip(expected).enumerate() {
            assert_eq!((place, line.as_str()), (&format!("file:{}", i + 4), lines[i + 3]));
            assert!(reason.starts_with(expected), "{reason}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_and_lines_that_are_too_long_cost_themselves_only() {
        let bytes = b"{\"id\": 1}\n{\"name\": \"\xff\"}\n{\"id\":             2}\n{\"id\": 3}\n";
        for chunk in 1..=bytes.len() {
            let chunks: Vec<&[u8]> = bytes.chunks(chunk).collect();
            let collected = unpack(&encoding(Format::Jsonl, Some(SCHEMA), 16), &chunks);
            let ids: Vec<_> = collected.rows().iter().map(|row| row["id"].clone()).collect();
            assert_eq!(ids, [1, 3]);
            let expected = [
                ("file:2", "the line is not UTF-8 from its byte 10 on", "{\"name\": \"\u{fffd}\"}"),
                ("file:3", "the line is longer than max_line, 16 B", "{\"id\":          "),
            ];
            assert_eq!(
                collected.refused(),
                expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(rows in prop::collection::vec((any::<i64>(), any::<Option<String>>()), 0..20)) {
            let objects: Vec<_> = rows.iter().map(|(id, name)| json!({ "id": id, "name": name, "at": null })).collect();
            let bytes: String = objects.iter().map(|object| format!("{object}\n")).collect();
            prop_assert_eq!(unpack(&encoding(Format::Jsonl, Some(SCHEMA), 100_000), &[bytes.as_bytes()]).rows(), objects);
        }
    }
}

//! A function applied to the records of a block: the config of the plugin `named_transform`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::function::{all, answer_to, keeps, many, one};
use crate::record::{Cell, Record, as_pair};

/// A function and how it is applied.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How it is applied.
    pub form: Form,
    /// Which one it is; nothing where the form needs none.
    #[serde(default)]
    pub function: String,
    /// The records it is given.
    pub input: Record,
}

/// How a function is applied to the records of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// One record out for each one.
    Map,
    /// Any number out for each one.
    FlatMap,
    /// Which records stay.
    Filter,
    /// The second side of a pair is mapped.
    MapValues,
    /// The second side of a pair is flat-mapped, each with its key.
    FlatMapValues,
    /// All records of the block at once.
    Whole,
    /// All records of the block as a list in one record.
    Glom,
}

impl Step {
    /// The records that come out.
    pub fn output(&self) -> Result<Record, String> {
        let values = || {
            let (key, value) = self.input.sides().ok_or("its input should be pairs")?;
            let mapped = answer_to(&self.function, &Record::single(value))?.whole();
            Ok(Record::pair(key, mapped))
        };
        match self.form {
            Form::Map | Form::FlatMap | Form::Whole => answer_to(&self.function, &self.input),
            Form::Filter => Ok(self.input.normal()),
            Form::MapValues | Form::FlatMapValues => values(),
            Form::Glom => Ok(Record::single(Cell::Json)),
        }
    }

    /// The records that come out of `records`, each with the index of one that it comes from.
    pub fn apply(&self, records: Vec<Value>) -> Result<Vec<(u32, Value)>, String> {
        let name = self.function.as_str();
        let whole = |values: Vec<Value>| Ok(values.into_iter().map(|value| (0, value)).collect());
        match self.form {
            Form::Whole => return whole(all(name, &records)?),
            Form::Glom => return whole(vec![Value::Array(records)]),
            _ => {}
        }
        let mut out = Vec::with_capacity(records.len());
        for (row, record) in (0..).zip(records) {
            let pair = || as_pair(&record).ok_or_else(|| format!("{record} is not a pair"));
            match self.form {
                Form::Map => out.push((row, one(name, &record)?)),
                Form::FlatMap => out.extend(many(name, &record)?.into_iter().map(|value| (row, value))),
                Form::Filter if !keeps(name, &record)? => {}
                Form::MapValues => {
                    let (key, value) = pair()?;
                    out.push((row, Value::Array(vec![key.clone(), one(name, value)?])));
                }
                Form::FlatMapValues => {
                    let (key, value) = pair()?;
                    let values = many(name, value)?.into_iter();
                    out.extend(values.map(|value| (row, Value::Array(vec![key.clone(), value]))));
                }
                _ => out.push((row, record)),
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    /// What comes of `input`, and in which cells it stands.
    fn apply(form: Form, function: &str, input: Value) -> (Value, Vec<Cell>) {
        let records = input.as_array().unwrap().clone();
        let step = Step {
            form,
            function: function.to_owned(),
            input: Record::of(&records.iter().collect::<Vec<_>>()),
        };
        let cells = step.output().unwrap().columns().into_iter().map(|column| column.cell).collect();
        (step.apply(records).unwrap().into_iter().map(|(_, record)| record).collect(), cells)
    }

    #[test]
    fn functions_do_what_their_names_say() {
        use Cell::{Int, Json, Text};
        for (form, function, input, output, cells) in [
            (Form::Map, "to_string", json!([1, 20]), json!(["1", "20"]), vec![Text]),
            (Form::Map, "length", json!(["", "été"]), json!([0, 3]), vec![Int]),
            (Form::Map, "swap", json!([["a", 1]]), json!([[1, "a"]]), vec![Int, Text]),
            (Form::Map, "pair_with_x", json!([1, "a"]), json!([[1, "x"], ["a", "x"]]), vec![Json, Text]),
            (
                Form::FlatMap,
                "n_letter_pairs",
                json!([["hi", 2]]),
                json!([[2, "h"], [2, "i"]]),
                vec![Int, Text],
            ),
            (Form::Filter, "is_even", json!([1, 2, -4]), json!([2, -4]), vec![Int]),
            (
                Form::Filter,
                "key_contains_a",
                json!([["ab", 1], ["b", 1]]),
                json!([["ab", 1]]),
                vec![Text, Int],
            ),
            (Form::MapValues, "to_string", json!([["a", 1]]), json!([["a", "1"]]), vec![Text, Text]),
            (
                Form::FlatMapValues,
                "v_and_v10",
                json!([["a", 1]]),
                json!([["a", 1], ["a", 11]]),
                vec![Text, Int],
            ),
            (Form::Whole, "sum_partition", json!([1, 2, 3]), json!([6]), vec![Int]),
            (Form::Whole, "batch_keys", json!([["b", 1], ["a", 2]]), json!(["b", "a"]), vec![Text]),
            (
                Form::Whole,
                "batch_sort_by_key",
                json!([[10, 1], [9, 2]]),
                json!([[9, 2], [10, 1]]),
                vec![Int, Int],
            ),
            (
                Form::Whole,
                "batch_cartesian_self",
                json!([1, 2]),
                json!([[1, 1], [1, 2], [2, 1], [2, 2]]),
                vec![Int, Int],
            ),
        ] {
            assert_eq!(apply(form, function, input), (output, cells), "{function}");
        }
    }

    #[test]
    fn functions_that_fail_do() {
        let step = |function: &str| Step {
            form: Form::Map,
            function: function.to_owned(),
            input: Record::single(Cell::Int),
        };
        assert_eq!(step("fail_on_1").apply(vec![json!(2)]).unwrap(), [(0, json!(2))]);
        assert!(step("fail_on_1").apply(vec![json!(2), json!(1)]).is_err());
        assert!(step("fail_always").apply(vec![json!(2)]).is_err());
        assert!(step("guess").output().is_err());
    }
}

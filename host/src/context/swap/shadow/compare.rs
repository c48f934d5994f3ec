//! What two versions put out of one batch, row by row: equal rows in any order, then those of one key, or in one place.

use std::collections::{HashMap, VecDeque};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::checkpoint::{ShadowReport, ShadowSample};
use crate::partition::KeyEncoder;
use crate::record::{Partition, json_rows};

/// How many rows that differ are shown.
const MAX_SAMPLES: usize = 5;

/// How much of a row is shown.
const SAMPLE_BYTES: usize = 500;

/// The rows that a version put out.
pub(super) struct Side<'a> {
    blocks: Vec<&'a RecordBatch>,
}

/// A row by its bytes.
type Bytes = Box<[u8]>;

/// A row by its block and its place in it.
type Place = (usize, usize);

impl<'a> Side<'a> {
    pub(super) fn new(partitions: &'a [Partition]) -> Self {
        Self { blocks: partitions.iter().flatten().collect() }
    }

    /// The first `num_columns` columns of each row, or all, as bytes that are the same where the values are.
    fn encode(&self, num_columns: Option<usize>) -> Result<Vec<(Bytes, Place)>, ArrowError> {
        let mut rows = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            let num_columns = num_columns.map_or(block.num_columns(), |most| most.min(block.num_columns()));
            let fields: Vec<_> = block.schema_ref().fields().iter().take(num_columns).cloned().collect();
            let columns = block.columns().get(..num_columns).unwrap_or_default();
            let keys = KeyEncoder::new(&fields)?.encode(columns, block.num_rows())?;
            let mut row = 0;
            keys.for_each(|key| {
                rows.push((key.into(), (index, row)));
                row += 1;
            });
        }
        Ok(rows)
    }

    fn show(&self, (block, row): Place) -> Option<String> {
        let block = self.blocks.get(block).filter(|block| row < block.num_rows())?.slice(row, 1);
        let mut text = json_rows(&block).ok()?.pop()?.to_string();
        if text.len() > SAMPLE_BYTES {
            text.truncate(text.floor_char_boundary(SAMPLE_BYTES));
            text.push('…');
        }
        Some(text)
    }
}

/// Compares what the version in use and the new one put out of `stream`, whose first `num_key_columns` columns are a key.
pub(super) fn compare(
    stream: &str,
    num_key_columns: usize,
    [old, new]: [Side<'_>; 2],
    report: &mut ShadowReport,
) {
    let compared = apart(&old, &new, num_key_columns, report);
    // Rows that can't be compared differ.
    let pairs = compared.unwrap_or_else(|_| {
        let all = |side: &Side<'_>| -> Vec<Place> {
            let blocks = side.blocks.iter().enumerate();
            blocks.flat_map(|(block, rows)| (0..rows.num_rows()).map(move |row| (block, row))).collect()
        };
        in_order(all(&old), all(&new))
    });
    for (before, after) in pairs {
        match (before, after) {
            (Some(_), Some(_)) => report.changed += 1,
            (Some(_), None) => report.missing += 1,
            (None, _) => report.added += 1,
        }
        if report.samples.len() < MAX_SAMPLES {
            let (before, after) = (before.and_then(|row| old.show(row)), after.and_then(|row| new.show(row)));
            report.samples.push(ShadowSample { stream: stream.to_owned(), before, after });
        }
    }
}

type Pairs = Vec<(Option<Place>, Option<Place>)>;

/// Counts rows that both have, and pairs the others.
fn apart(
    old: &Side<'_>,
    new: &Side<'_>,
    num_key_columns: usize,
    report: &mut ShadowReport,
) -> Result<Pairs, ArrowError> {
    let types = |side: &Side<'_>| side.blocks.first().map(|block| block.schema());
    let (old_rows, new_rows) = match (types(old), types(new)) {
        (Some(old_schema), Some(new_schema)) if old_schema.fields() != new_schema.fields() => {
            // Other columns: no row is the same.
            (old.encode(None)?, Vec::new())
        }
        _ => (old.encode(None)?, new.encode(None)?),
    };
    let mut counts: HashMap<&[u8], usize> = HashMap::with_capacity(old_rows.len());
    old_rows.iter().for_each(|(row, _)| *counts.entry(row).or_default() += 1);
    let mut only_new = Vec::new();
    for (row, place) in &new_rows {
        match counts.get_mut(&**row).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                report.equal += 1;
            }
            None => only_new.push(*place),
        }
    }
    if new_rows.is_empty() {
        only_new = new.encode(None)?.into_iter().map(|(_, place)| place).collect();
    }
    let mut only_old = Vec::new();
    for (row, place) in &old_rows {
        if let Some(count) = counts.get_mut(&**row).filter(|count| **count > 0) {
            *count -= 1;
            only_old.push(*place);
        }
    }
    match num_key_columns {
        0 => Ok(in_order(only_old, only_new)),
        num => by_key(old.encode(Some(num))?, &only_old, new.encode(Some(num))?, &only_new),
    }
}

/// Pairs rows as they come.
fn in_order(old: Vec<Place>, new: Vec<Place>) -> Pairs {
    let len = old.len().max(new.len());
    (0..len).map(|row| (old.get(row).copied(), new.get(row).copied())).collect()
}

/// Pairs rows of one key as they come.
fn by_key(
    old_keys: Vec<(Bytes, Place)>,
    old: &[Place],
    new_keys: Vec<(Bytes, Place)>,
    new: &[Place],
) -> Result<Pairs, ArrowError> {
    let keys = |keys: Vec<(Bytes, Place)>| -> HashMap<Place, Bytes> {
        keys.into_iter().map(|(key, place)| (place, key)).collect()
    };
    let (old_keys, new_keys) = (keys(old_keys), keys(new_keys));
    let mut waiting: HashMap<&[u8], VecDeque<Place>> = HashMap::new();
    for place in new {
        let key = new_keys.get(place).map(|key| &**key).unwrap_or_default();
        waiting.entry(key).or_default().push_back(*place);
    }
    let mut pairs: Pairs = Vec::with_capacity(old.len());
    for place in old {
        let key = old_keys.get(place).map(|key| &**key).unwrap_or_default();
        pairs.push((Some(*place), waiting.get_mut(key).and_then(VecDeque::pop_front)));
    }
    let mut left: Vec<Place> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    pairs.extend(left.into_iter().map(|place| (None, Some(place))));
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn rows(rows: &[(&str, i64)]) -> Vec<Partition> {
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|(key, _)| key)));
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, value)| *value)));
        vec![vec![RecordBatch::try_from_iter([("key", keys), ("n", values)]).unwrap()]]
    }

    fn counts(key: usize, old: &[(&str, i64)], new: &[(&str, i64)]) -> [u64; 4] {
        let (old, new, mut report) = (rows(old), rows(new), ShadowReport::default());
        compare("s", key, [Side::new(&old), Side::new(&new)], &mut report);
        assert_eq!(report.samples.len() as u64, report.changed + report.missing + report.added);
        [report.equal, report.changed, report.missing, report.added]
    }

    #[test]
    fn equal_rows_are_found_wherever_they_stand_and_as_often_as_they_are_there() {
        assert_eq!(counts(0, &[("a", 1), ("b", 2)], &[("b", 2), ("a", 1)]), [2, 0, 0, 0]);
        assert_eq!(counts(0, &[("a", 1), ("a", 1)], &[("a", 1)]), [1, 0, 1, 0]);
        assert_eq!(counts(0, &[], &[("a", 1)]), [0, 0, 0, 1]);
        assert_eq!(counts(0, &[("a", 1)], &[]), [0, 0, 1, 0]);
    }

    #[test]
    fn other_rows_pair_by_key_or_in_order() {
        let (old, new) = ([("a", 1), ("b", 2), ("c", 3)], [("b", 9), ("d", 4), ("a", 1)]);
        assert_eq!(counts(1, &old, &new), [1, 1, 1, 1], "b changed, c is missing, d was added");
        assert_eq!(counts(0, &old, &new), [1, 2, 0, 0]);
    }

    #[test]
    fn rows_with_other_columns_differ_and_are_shown() {
        let (old, mut report) = (rows(&[("a", 1)]), ShadowReport::default());
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let new = vec![vec![RecordBatch::try_from_iter([("key", texts)]).unwrap()]];
        compare("s", 0, [Side::new(&old), Side::new(&new)], &mut report);
        assert_eq!((report.equal, report.changed), (0, 1));
        assert_eq!(report.samples[0].to_string(), r#"s: {"key":"a"} rather than {"key":"a","n":1}"#);
    }
}

//! What is expected of a window with an inverse, where the engine differs on purpose.
//!
//! Spark keeps a key whose rows have all left the window, with what the inverse made of its value, until a filter drops
//! it. The engine forgets a key with its last row. So the keys that have no rows in the window are taken out of
//! what is expected.

use named::{Form, Record, Step};
use serde_json::Value;

use crate::Case;
use crate::case::StepSpec;

/// What the engine should answer, where that is not what Spark does.
pub fn adapted(case: &Case, expected: &[Value]) -> Option<Vec<Value>> {
    let (last, before) = case.pipeline.as_ref()?.split_last()?;
    last.inv.as_ref().filter(|_| last.filter.is_none())?;
    let interval = i64::try_from(case.batch_ms?).ok()?;
    let (length, slide) = (millis(last.window_ms)?, millis(last.slide_ms).unwrap_or(interval));
    let records: Vec<Vec<Value>> =
        case.inputs.iter().map(|batch| narrow(before, batch.clone()?)).collect::<Option<_>>()?;
    let is_keyed = last.op == "reduceByKeyAndWindow";
    let adapt = |(number, batch): (i64, &Value)| {
        let end = number * slide;
        let covered = (1..).zip(&records).filter(|(n, _)| n * interval > end - length && n * interval <= end);
        let there: Vec<&Value> = covered.flat_map(|(_, batch)| batch).collect();
        let stays = |record: &&Value| match is_keyed {
            true => there.iter().any(|one| one.get(0) == record.get(0)),
            false => !there.is_empty(),
        };
        batch.as_array().map(|batch| batch.iter().filter(stays).cloned().collect::<Value>())
    };
    let adapted: Vec<Value> = (1..).zip(expected).map(adapt).collect::<Option<_>>()?;
    (adapted != expected).then_some(adapted)
}

fn millis(length: Option<u64>) -> Option<i64> {
    i64::try_from(length?).ok()
}

/// The records after `steps`, where these look at one record at a time.
fn narrow(steps: &[StepSpec], records: Vec<Value>) -> Option<Vec<Value>> {
    steps.iter().try_fold(records, |records, step| {
        let form = match step.op.as_str() {
            "map" => Form::Map,
            "flatMap" => Form::FlatMap,
            "filter" => Form::Filter,
            "mapValues" => Form::MapValues,
            _ => return None,
        };
        let input = Record::of(&records.iter().collect::<Vec<_>>());
        let applied = Step { form, function: step.function.clone(), input }.apply(records).ok()?;
        Some(applied.into_iter().map(|(_, record)| record).collect())
    })
}

//! What a console sink prints, read back.

use std::collections::BTreeMap;

/// A batch on the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its time.
    pub time: String,
    /// Its rows.
    pub rows: Vec<String>,
}

const RULE: &str = "-------------------------------------------";

/// The complete batches in `output`, which must be as users know it from Spark.
#[track_caller]
pub fn printed(output: &str) -> Vec<Printed> {
    let mut batches = Vec::new();
    let mut rest = output;
    while let Some((batch, more)) = rest.split_once("\n\n") {
        let lines: Vec<&str> = batch.lines().collect();
        let [RULE, time, RULE, rows @ ..] = lines.as_slice() else { panic!("no batch: {batch}") };
        let time = time.strip_prefix("Time: ").expect("a batch begins with its time").to_owned();
        batches.push(Printed { time, rows: rows.iter().map(|row| (*row).to_owned()).collect() });
        rest = more;
    }
    batches
}

/// The counts of each word over all complete batches in `output`, whose rows are `(word, count)`.
#[track_caller]
pub fn totals(output: &str) -> BTreeMap<String, i64> {
    let mut totals = BTreeMap::new();
    for row in printed(output).iter().flat_map(|batch| &batch.rows) {
        let inner = row.strip_prefix('(').and_then(|row| row.strip_suffix(')')).expect("a row in brackets");
        let (word, count) = inner.rsplit_once(", ").expect("a word and its count");
        *totals.entry(word.to_owned()).or_default() += count.parse::<i64>().unwrap();
    }
    totals
}

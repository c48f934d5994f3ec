//! What comes into graphs: batches of all sizes, whose keys are spread in several ways.

use proptest::collection::vec;
use proptest::prelude::*;

use super::functions::{Key, Row};
use crate::support::Lines;

/// The batches of all sources, and how they are run.
#[derive(Clone, Debug)]
pub struct Input {
    /// The batches of each source.
    pub sources: Vec<Vec<Batch>>,
    /// How many batches there are; those after the last one of a source are empty.
    pub num_batches: u64,
    /// How many intervals after 1970 the first batch is due.
    pub first: u64,
    /// The most partitions that rows are cut into.
    pub partitions: usize,
}

/// The rows of a batch, in few numbers.
#[derive(Clone, Debug)]
pub struct Batch {
    num_rows: usize,
    skew: Skew,
    seed: u64,
}

/// How keys are spread.
#[derive(Clone, Copy, Debug)]
enum Skew {
    /// A handful of keys; some rows have none.
    Few,
    /// By Zipf's law.
    Zipf,
    /// Nine of ten rows have the same key.
    Hot,
    /// No key comes twice.
    Different,
}

/// Any input of `num_sources` sources.
pub fn inputs(num_sources: usize) -> impl Strategy<Value = Input> {
    let num_rows = prop_oneof![6 => 0..20_usize, 3 => 0..300_usize, 1 => 900..10_000_usize];
    let batch = batch_of(num_rows);
    // In long runs, many partial results of a window wait for its end.
    let batches = prop_oneof![9 => vec(batch, 1..13), 1 => vec(batch_of(0..20_usize), 40..90)];
    (vec(batches, num_sources), 0..6_u64, 1..20_u64, 1..17_usize).prop_map(
        |(sources, more, first, partitions)| {
            let longest = sources.iter().map(Vec::len).max().unwrap_or(0);
            Input { sources, num_batches: longest as u64 + more, first, partitions }
        },
    )
}

fn batch_of(num_rows: impl Strategy<Value = usize>) -> impl Strategy<Value = Batch> {
    let skew = prop::sample::select(vec![Skew::Few, Skew::Zipf, Skew::Hot, Skew::Different]);
    (num_rows, skew, 0..1000_u64).prop_map(|(num_rows, skew, seed)| Batch { num_rows, skew, seed })
}

impl Input {
    /// The rows of the batch number `number` of a source, from 1.
    pub fn rows(&self, source: usize, number: u64) -> Vec<Row> {
        let batch = self.sources[source].get(number as usize - 1);
        batch.map(|batch| batch.rows(number)).unwrap_or_default()
    }
}

impl Batch {
    fn rows(&self, number: u64) -> Vec<Row> {
        let mut random = Lines::new(self.seed);
        let row = |i| {
            let key = self.key(number * 10_000 + i, &mut random);
            (key, random.below(100) as i64 - 50)
        };
        (0..self.num_rows as u64).map(row).collect()
    }

    /// The key of the row number `row`.
    fn key(&self, row: u64, random: &mut Lines) -> Key {
        let key = match self.skew {
            Skew::Few => return Some(random.below(7) as u32).filter(|key| *key > 0),
            // That a number is below n is as likely as that its logarithm is below that of n.
            Skew::Zipf => 2000_f64.powf(random.below(1 << 20) as f64 / f64::from(1 << 20)) as u64,
            Skew::Hot if random.below(10) > 0 => 7,
            Skew::Hot => random.below(500),
            Skew::Different => row,
        };
        Some(key as u32)
    }
}

//! Aggregations: the values of a key collected in an accumulator of another type, and what comes of it.
//!
//! In come values sorted by key, and later accumulators sorted by key; out go accumulators, and rows in
//! the end. The host merges what partitions and panes have collected.

use crate::group::{Reading, collect};
use crate::{AggregatePlan, Batch, Groups, ReadRow, Reject, Row, Schema};

/// A plugin that collects values in accumulators, given columns.
pub trait Aggregate: Sized + 'static {
    /// Reads the config (JSON, `null` where the manifest gives none) and looks at the schema of the
    /// values, keys left out.
    ///
    /// # Errors
    /// A text for the author of the manifest; the pipeline does not start.
    fn open(config: &str, values: &Schema) -> Result<(Self, AggregatePlan), String>;

    /// Answers one accumulator a group of values.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the keys to blame by calling again with fewer.
    fn accumulate(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String>;

    /// Answers one accumulator a group of accumulators.
    ///
    /// # Errors
    /// Where the whole call fails.
    fn merge(&self, groups: Groups<'_>, accumulators: Batch) -> Result<Batch, String>;

    /// Answers one output row for each accumulator.
    ///
    /// # Errors
    /// Where the whole call fails.
    fn finish(&self, accumulators: Batch) -> Result<Batch, String>;
}

/// A row that collects values: what `#[aggregate]` implements. [`Aggregation`] makes a plugin of it.
pub trait Accumulator: Row + for<'a> ReadRow<'a> + 'static {
    /// What is collected.
    type Value<'a>: ReadRow<'a>;
    /// What comes out in the end.
    type Output: Row;
    /// What the manifest gives it.
    type Config: 'static;

    /// Reads the config.
    ///
    /// # Errors
    /// A text for the author of the manifest.
    fn config(json: &str) -> Result<Self::Config, String>;

    /// Nothing collected yet.
    fn new(config: &Self::Config) -> Self;

    /// Collects a value.
    ///
    /// # Errors
    /// Where the value can't be collected; it fails the key.
    fn add(&mut self, value: Self::Value<'_>, config: &Self::Config) -> Result<(), Reject>;

    /// Takes in what another has collected.
    ///
    /// # Errors
    /// Where the two don't go together; it fails the key.
    fn merge(&mut self, other: Self, config: &Self::Config) -> Result<(), Reject>;

    /// What came of it.
    ///
    /// # Errors
    /// Where nothing did; it fails the key.
    fn finish(self, config: &Self::Config) -> Result<Self::Output, Reject>;
}

/// The plugin that an accumulator is.
pub struct Aggregation<A: Accumulator> {
    config: A::Config,
    order: Vec<usize>,
}

impl<A: Accumulator> Aggregate for Aggregation<A> {
    fn open(config: &str, values: &Schema) -> Result<(Self, AggregatePlan), String> {
        let (config, order) = (A::config(config)?, A::Value::bind(values)?);
        let plan = AggregatePlan { accumulator: A::fields(), output: A::Output::fields() };
        Ok((Self { config, order }, plan))
    }

    fn accumulate(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let values = Reading::<A::Value<'_>>::new(&self.order, &values)?;
        collect(groups.iter().map(|rows| {
            let mut accumulator = A::new(&self.config);
            for row in rows {
                accumulator.add(values.row(row)?, &self.config).map_err(text)?;
            }
            Ok(accumulator)
        }))
    }

    fn merge(&self, groups: Groups<'_>, accumulators: Batch) -> Result<Batch, String> {
        let accumulators = Reading::<A>::whole(&accumulators)?;
        collect(groups.iter().map(|mut rows| {
            let mut accumulator = accumulators.row(rows.start)?;
            rows.start += 1;
            for row in rows {
                accumulator.merge(accumulators.row(row)?, &self.config).map_err(text)?;
            }
            Ok(accumulator)
        }))
    }

    fn finish(&self, accumulators: Batch) -> Result<Batch, String> {
        let rows = 0..accumulators.rows as usize;
        let accumulators = Reading::<A>::whole(&accumulators)?;
        collect(rows.map(|row| accumulators.row(row)?.finish(&self.config).map_err(text)))
    }
}

fn text(reject: Reject) -> String {
    reject.to_string()
}

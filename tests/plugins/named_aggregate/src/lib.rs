//! Collects the values of keys with functions that a conformance case names, as the config says: one makes a
//! combiner of the first value, one merges a value into a combiner, one merges two combiners.

use named::{Record, Step, combine, read, write};
use tidemill_plugin::{
    Aggregate, AggregatePlan, Batch, Groups, Schema, config, export_aggregate, parse_config,
};

/// Which functions. Values and combiners stand in the column `v`.
#[config]
struct Config {
    create: Step,
    merge: String,
    combine: String,
}

/// The functions at work.
pub struct NamedAggregate {
    config: Config,
    combiner: Record,
}

impl Aggregate for NamedAggregate {
    fn open(config: &str, values: &Schema) -> Result<(Self, AggregatePlan), String> {
        let config: Config = parse_config(config)?;
        config.create.input.find(values)?;
        let combiner = config.create.output()?;
        let plan = AggregatePlan { accumulator: combiner.fields(), output: combiner.fields() };
        Ok((Self { config, combiner }, plan))
    }

    fn accumulate(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let Config { create, merge, .. } = &self.config;
        let values = read(&create.input, &values)?;
        let mut combiners = Vec::with_capacity(groups.len());
        for rows in groups.iter() {
            let (first, rest) = values.get(rows).and_then(<[_]>::split_first).ok_or("a group has no rows")?;
            let created = create.apply(vec![first.clone()])?.pop().ok_or("no combiner was made")?.1;
            combiners.push(rest.iter().try_fold(created, |all, value| combine(merge, &all, value))?);
        }
        write(&self.combiner, &combiners)
    }

    fn merge(&self, groups: Groups<'_>, accumulators: Batch) -> Result<Batch, String> {
        let combiners = read(&self.combiner, &accumulators)?;
        let mut merged = Vec::with_capacity(groups.len());
        for rows in groups.iter() {
            let (first, rest) =
                combiners.get(rows).and_then(<[_]>::split_first).ok_or("a group has no rows")?;
            let all = rest
                .iter()
                .try_fold(first.clone(), |all, other| combine(&self.config.combine, &all, other))?;
            merged.push(all);
        }
        write(&self.combiner, &merged)
    }

    fn finish(&self, accumulators: Batch) -> Result<Batch, String> {
        Ok(accumulators)
    }
}

export_aggregate!(NamedAggregate);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, aggregate};

    #[test]
    fn values_become_combiners_of_another_type() {
        let config = r#"{"create": {"form": "map", "function": "to_string", "input": {"name": "v", "cell": "int"}},
            "merge": "append_string", "combine": "append_string"}"#;
        let values = Table::new().column("v", [1, 2, 3]);
        assert_eq!(aggregate::<NamedAggregate>(config, &[2, 3], &values).unwrap().rows(), ["(12)", "(3)"]);
    }
}

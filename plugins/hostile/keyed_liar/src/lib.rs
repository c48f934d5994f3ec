//! Answers what no plugin should, where its config names a lie: through every interface that works on keys.
//!
//! Without a lie it answers as many rows as it should, all 0. A crate holds one plugin, but nothing keeps a
//! component from exporting several interfaces.

use tidemill_plugin::{
    Aggregate, AggregatePlan, Batch, Cogroup, CogroupInput, CogroupOutput, Column, DataType, Field, Groups,
    Invert, Reduce, Schema, UpdateInput, UpdateOutput, UpdatePlan, UpdateState, Values, config, parse_config,
};

/// What it does.
#[config]
pub struct Liar {
    #[serde(default)]
    lie: String,
}

impl Liar {
    fn tells(&self, lie: &str) -> bool {
        self.lie == lie
    }

    /// So many rows of one column `n`, with a lie or two about them.
    fn rows(&self, rows: u32) -> Batch {
        let (rows, values) = match &*self.lie {
            "fewer rows" => (rows.saturating_sub(1), rows.saturating_sub(1)),
            "more rows" => (rows + 1, rows + 1),
            "short column" => (rows, rows.saturating_sub(1)),
            _ => (rows, rows),
        };
        let zeros = match self.tells("other type") {
            true => Values::Float64(vec![0.0; values as usize]),
            false => Values::Int64(vec![0; values as usize]),
        };
        let valid = self.tells("null").then(|| vec![false; values as usize]);
        let columns = match self.tells("no column") {
            true => vec![],
            false => vec![Column { values: zeros, valid }],
        };
        Batch { rows, columns }
    }

    fn fields(&self, lie: &str) -> Vec<Field> {
        let name = if self.tells(lie) { "" } else { "n" };
        vec![Field::new(name, DataType::Int64)]
    }

    /// The keys of two rows.
    fn origins(&self, num_keys: u32) -> Vec<u32> {
        match &*self.lie {
            "origin" => vec![0, num_keys],
            "origins" => vec![0],
            _ => vec![num_keys - 1, 0],
        }
    }
}

impl Reduce for Liar {
    fn open(config: &str, _values: &Schema) -> Result<Self, String> {
        parse_config(config)
    }

    fn reduce(&self, groups: Groups<'_>, _values: Batch) -> Result<Batch, String> {
        Ok(self.rows(groups.len() as u32))
    }
}

impl Invert for Liar {
    fn subtract(&self, totals: Batch, _groups: Groups<'_>, _values: Batch) -> Result<Batch, String> {
        Ok(self.rows(totals.rows))
    }
}

impl Aggregate for Liar {
    fn open(config: &str, _values: &Schema) -> Result<(Self, AggregatePlan), String> {
        let liar: Liar = parse_config(config)?;
        let plan = AggregatePlan { accumulator: liar.fields("accumulator"), output: liar.fields("output") };
        Ok((liar, plan))
    }

    fn accumulate(&self, groups: Groups<'_>, _values: Batch) -> Result<Batch, String> {
        Ok(self.rows(groups.len() as u32))
    }

    fn merge(&self, groups: Groups<'_>, _accumulators: Batch) -> Result<Batch, String> {
        Ok(self.rows(groups.len() as u32))
    }

    fn finish(&self, accumulators: Batch) -> Result<Batch, String> {
        Ok(self.rows(accumulators.rows))
    }
}

impl UpdateState for Liar {
    fn open(config: &str, _key: &Schema, _values: &Schema) -> Result<(Self, UpdatePlan), String> {
        let liar: Liar = parse_config(config)?;
        let plan = UpdatePlan { state: liar.fields("state"), output: liar.fields("output") };
        Ok((liar, plan))
    }

    fn update(&self, input: UpdateInput) -> Result<UpdateOutput, String> {
        let num_keys = input.keys.rows;
        let kept = vec![true; num_keys as usize - usize::from(self.tells("kept"))];
        let honest = Liar { lie: String::new() };
        Ok(UpdateOutput {
            states: self.rows(num_keys),
            kept,
            batch: honest.rows(2),
            origins: self.origins(num_keys),
        })
    }
}

impl Cogroup for Liar {
    fn open(
        config: &str,
        _key: &Schema,
        _left: &Schema,
        _right: &Schema,
    ) -> Result<(Self, Vec<Field>), String> {
        let liar: Liar = parse_config(config)?;
        let output = liar.fields("output");
        Ok((liar, output))
    }

    fn process(&self, input: CogroupInput) -> Result<CogroupOutput, String> {
        Ok(CogroupOutput { batch: self.rows(2), origins: self.origins(input.keys.rows) })
    }
}

tidemill_plugin::export_invertible!(Liar);
tidemill_plugin::export_aggregate!(Liar);
tidemill_plugin::export_update_state!(Liar);
tidemill_plugin::export_cogroup!(Liar);

//! The mean of the values of each key, column by column, as float64. Nulls don't count, and the mean of nothing
//! but nulls is null.
//!
//! It keeps a sum and a count of each column. An int64 sum that does not fit is an error; float64 values
//! are added in arrival order.

use tidemill_plugin::{
    Aggregate, AggregatePlan, Batch, Column, DataType, Field, Groups, Schema, Values, export_aggregate,
    no_config,
};

/// The mean of each column.
pub struct Mean {
    columns: Vec<String>,
}

impl Aggregate for Mean {
    fn open(config: &str, values: &Schema) -> Result<(Self, AggregatePlan), String> {
        no_config(config)?;
        let (mut accumulator, mut output) = (vec![], vec![]);
        for Field { name, data_type, nullable } in values.fields() {
            if !matches!(data_type, DataType::Int64 | DataType::Float64) {
                return Err(format!("column `{name}` is {data_type}, which has no mean; {values}"));
            }
            accumulator.push(Field::new(format!("sum {name}"), *data_type));
            accumulator.push(Field::new(format!("count {name}"), DataType::Int64));
            output.push(Field { nullable: *nullable, ..Field::new(name, DataType::Float64) });
        }
        let columns = values.fields().iter().map(|field| field.name.clone()).collect();
        Ok((Mean { columns }, AggregatePlan { accumulator, output }))
    }

    fn accumulate(&self, groups: Groups<'_>, values: Batch) -> Result<Batch, String> {
        let mut columns = vec![];
        for (name, column) in self.columns.iter().zip(&values.columns) {
            let sums = self.sums(name, column, groups)?;
            let num_valid =
                |rows: std::ops::Range<usize>| rows.filter(|row| column.is_valid(*row)).count() as i64;
            let counts = Values::Int64(groups.iter().map(num_valid).collect());
            columns.push(Column { valid: None, ..sums });
            columns.push(Column { values: counts, valid: None });
        }
        Ok(Batch { rows: groups.len() as u32, columns })
    }

    fn merge(&self, groups: Groups<'_>, accumulators: Batch) -> Result<Batch, String> {
        let names = self.columns.iter().flat_map(|name| [name, name]);
        let columns = names.zip(&accumulators.columns);
        let columns = columns.map(|(name, column)| self.sums(name, column, groups));
        Ok(Batch { rows: groups.len() as u32, columns: columns.collect::<Result<_, _>>()? })
    }

    fn finish(&self, accumulators: Batch) -> Result<Batch, String> {
        let means = accumulators.columns.chunks(2).map(mean).collect::<Result<_, _>>()?;
        Ok(Batch { rows: accumulators.rows, columns: means })
    }
}

export_aggregate!(Mean);

impl Mean {
    fn sums(&self, name: &str, column: &Column, groups: Groups<'_>) -> Result<Column, String> {
        column.sums(groups).map_err(|e| format!("the sum of column `{name}` {e}"))
    }
}

/// The means of a column of sums and one of counts.
fn mean(columns: &[Column]) -> Result<Column, String> {
    let [Column { values: sums, .. }, Column { values: Values::Int64(counts), .. }] = columns else {
        return Err("a sum and a count were agreed".into());
    };
    let sums: Vec<f64> = match sums {
        Values::Int64(sums) => sums.iter().map(|sum| *sum as f64).collect(),
        Values::Float64(sums) => sums.clone(),
        _ => return Err("a sum was agreed to be a number".into()),
    };
    let means = sums.iter().zip(counts).map(|(sum, count)| sum / (*count).max(1) as f64).collect();
    let valid = counts.contains(&0).then(|| counts.iter().map(|count| *count > 0).collect());
    Ok(Column { values: Values::Float64(means), valid })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, aggregate};

    #[test]
    fn nulls_count_only_where_there_is_nothing_else() {
        let values = Table::new().column("n", [1, 2, 6, 7]).column("x", [Some(0.5), None, Some(1.0), None]);
        let means = aggregate::<Mean>("null", &[3, 4], &values).unwrap();
        assert_eq!(means.rows(), ["(3.0, 0.75)", "(7.0, null)"]);
    }

    #[test]
    fn texts_have_no_mean() {
        let values = Table::new().column("word", ["a"]);
        let error = aggregate::<Mean>("null", &[1], &values).unwrap_err();
        assert_eq!(error, "column `word` is utf8, which has no mean; the columns are: word: utf8");
    }
}

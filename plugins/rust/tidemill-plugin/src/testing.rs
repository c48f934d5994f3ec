//! Runs plugins natively, for tests: on tables written down in the test, the way the host would.
//!
//! In come a config and a table; out comes the table that the stream would hold, carried columns
//! included. The answers are checked by the contract's rules, so a plugin that passes here keeps them.

mod keyed;
mod table;

pub use keyed::{Keys, Updated, aggregate, cogroup, migrate, reduce, subtract, update_state};
pub use table::Table;

use crate::{Column, Output, Plan, Schema, Transform};

/// What became of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The rows put out.
    pub table: Table,
    /// The refused rows, by index in the input, each with the reason.
    pub rejects: Vec<(u32, String)>,
}

/// Opens a transform on the schema of `input` and runs it on its rows.
///
/// # Errors
/// What the plugin answers, or which rule of the contract its answer breaks.
///
/// ```
/// use tidemill_plugin::{filter, testing};
///
/// #[filter]
/// fn is_large(price: f64) -> bool {
///     price > 100.0
/// }
///
/// let input = testing::Table::new().column("price", [99.5, 101.0]).column("item", ["tea", "silk"]);
/// let outcome = testing::transform::<is_large>("null", &input).unwrap();
/// assert_eq!(outcome.table.rows(), ["(101.0, silk)"]);
/// ```
pub fn transform<T: Transform>(config: &str, input: &Table) -> Result<Outcome, String> {
    let schema = Schema::new(input.fields().to_vec());
    let (plugin, plan) = T::open(config, &schema)?;
    let output = plugin.process(input.select(&plan.reads)?.into_batch())?;
    check(&output, &plan, input.num_rows())?;

    let origins = match &output.origins {
        Some(origins) => origins.clone(),
        None => (0..output.batch.rows).collect(),
    };
    let carried = input.select(&plan.carries)?.gather(&origins)?;
    let table = carried.beside(plan.produces, output.batch)?;
    let rejects = output.rejects.into_iter().map(|r| (r.row, r.reason)).collect();
    Ok(Outcome { table, rejects })
}

/// The rules that only the host's side can check: origins and refusals.
fn check(output: &Output, plan: &Plan, rows: u32) -> Result<(), String> {
    let num_columns = output.batch.columns.len();
    if num_columns != plan.produces.len() {
        return Err(format!("{num_columns} columns where the plan has {}", plan.produces.len()));
    }
    let mut refused = vec![false; rows as usize];
    for reject in &output.rejects {
        match refused.get_mut(reject.row as usize) {
            Some(refused) => *refused = true,
            None => return Err(format!("row {} of {rows} is refused", reject.row)),
        }
    }
    let Some(origins) = &output.origins else {
        let one_to_one = output.batch.rows == rows && output.rejects.is_empty();
        return if one_to_one { Ok(()) } else { Err("rows are missing and no origins given".into()) };
    };
    if origins.len() != output.batch.rows as usize {
        return Err(format!("{} origins of {} rows", origins.len(), output.batch.rows));
    }
    match origins.iter().find(|row| refused.get(**row as usize) != Some(&false)) {
        Some(row) => Err(format!("row {row} is an origin, but refused or not there")),
        None => Ok(()),
    }
}

/// How many values a column holds, in its own words.
fn len(column: &Column) -> usize {
    use crate::Values::*;
    match &column.values {
        Boolean(values) => values.len(),
        Int64(values) | Timestamp(values) => values.len(),
        Float64(values) => values.len(),
        Utf8(varlen) | Binary(varlen) => varlen.offsets.len().saturating_sub(1),
    }
}

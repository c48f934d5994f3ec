//! Transforms: what `map`, `filter` and `flat_map` become, and what is written by hand where a plugin
//! wants the columns.
//!
//! In come batches with the columns that the plan reads. Out go the columns that it produces, the
//! input row that each output row comes from, and the rows refused. The host puts carried columns
//! beside them, so that these never cross the sandbox.

use crate::{Batch, Column, Output, Plan, RejectedRow, Schema};
use std::fmt;

/// A plugin that looks at one row at a time, given a batch of them.
///
/// ```
/// use tidemill_plugin::{Batch, Output, Plan, Schema, Transform, Values, testing};
///
/// /// Keeps the rows whose `n` is even.
/// struct Even;
///
/// impl Transform for Even {
///     fn open(_config: &str, input: &Schema) -> Result<(Self, Plan), String> {
///         let n = input.want("n", tidemill_plugin::DataType::Int64)?;
///         let plan = Plan { reads: vec![n], carries: input.all_but(&[]), produces: vec![] };
///         Ok((Even, plan))
///     }
///
///     fn process(&self, input: Batch) -> Result<Output, String> {
///         let Values::Int64(n) = &input.column(0)?.values else { return Err("n is not int64".into()) };
///         let origins = (0..).zip(n).filter(|(_, n)| *n % 2 == 0).map(|(row, _)| row).collect();
///         Ok(Output::filtered(origins, vec![]))
///     }
/// }
/// tidemill_plugin::export_transform!(Even);
///
/// let input = testing::Table::new().column("n", [1, 2, 4]);
/// let output = testing::transform::<Even>("null", &input).unwrap();
/// assert_eq!(output.table.rows(), ["(2)", "(4)"]);
/// ```
pub trait Transform: Sized + 'static {
    /// Reads the config (JSON, `null` where the manifest gives none) and looks at the input's schema.
    ///
    /// # Errors
    /// A text for the author of the manifest; the pipeline does not start.
    fn open(config: &str, input: &Schema) -> Result<(Self, Plan), String>;

    /// Processes a block of rows, with the columns of `plan.reads` in that order.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the rows to blame by calling again with fewer.
    fn process(&self, input: Batch) -> Result<Output, String>;
}

/// The refusal of a row, with the reason for whoever reads the dead letters.
///
/// Any error can become one, so `?` works in a function that answers `Result<_, Reject>`.
///
/// ```
/// use tidemill_plugin::Reject;
/// fn parse(price: &str) -> Result<f64, Reject> {
///     let price: f64 = price.parse()?;
///     if price < 0.0 {
///         return Err(Reject::new(format!("the price {price} is negative")));
///     }
///     Ok(price)
/// }
/// assert_eq!(parse("-1").unwrap_err().reason(), "the price -1 is negative");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Reject {
    reason: String,
}

impl Reject {
    /// Refuses a row for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The refusal of row `row` of a batch.
    pub fn at(self, row: u32) -> RejectedRow {
        RejectedRow { row, reason: self.reason }
    }
}

impl<E: std::error::Error> From<E> for Reject {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Output {
    /// The output of a plugin that produces no columns: the input rows that stay.
    pub fn filtered(origins: Vec<u32>, rejects: Vec<RejectedRow>) -> Self {
        let batch = Batch { rows: origins.len() as u32, columns: vec![] };
        Self { batch, origins: Some(origins), rejects }
    }
}

impl Batch {
    /// The column at `index`.
    ///
    /// # Errors
    /// Where there are not so many.
    pub fn column(&self, index: usize) -> Result<&Column, String> {
        self.columns.get(index).ok_or_else(|| {
            let num_columns = self.columns.len();
            format!("column {index} is wanted of a batch of {num_columns}")
        })
    }
}

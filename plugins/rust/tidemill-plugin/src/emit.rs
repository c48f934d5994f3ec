//! Collects what a function answers for each row of a batch into an [`Output`].
//!
//! In come rows, refusals and verdicts, in the order of the input rows or keys. What must stay true: a refused row
//! is no output row's origin, so what was put out for it before is taken back.

use crate::{Batch, Builder, Output, Push, Reject, RejectedRow, Values};

/// Collects output rows with their columns.
pub struct Emit<B> {
    builder: B,
    /// None while output row i comes from input row i.
    origins: Option<Vec<u32>>,
    rejects: Vec<RejectedRow>,
}

/// Collects the rows that pass a filter.
pub struct Keep {
    origins: Vec<u32>,
    rejects: Vec<RejectedRow>,
}

/// A text of ordinary language, cut into words, has more bytes a word than this; room that is not used costs
/// less than to move what has outgrown its room.
const BYTES_A_WORD: usize = 4;

impl<B: Builder> Emit<B> {
    /// For functions that answer one row for each input row.
    pub fn one_to_one(input: &Batch) -> Self {
        let builder = B::with_capacity(input.rows as usize, text_bytes(input));
        Self { builder, origins: None, rejects: vec![] }
    }

    /// For functions that answer any number of rows for each input row.
    pub fn one_to_many(input: &Batch) -> Self {
        let bytes = text_bytes(input);
        let rows = input.rows as usize + bytes / BYTES_A_WORD;
        let origins = Some(Vec::with_capacity(rows));
        Self { builder: B::with_capacity(rows, bytes), origins, rejects: vec![] }
    }

    /// For functions that answer any number of rows for each of `keys` keys, which then are the input rows.
    pub fn of_keys(keys: u32) -> Self {
        let origins = Some(Vec::with_capacity(keys as usize));
        Self { builder: B::with_capacity(keys as usize, 0), origins, rejects: vec![] }
    }

    /// The output row of input row `row`.
    #[inline]
    pub fn row<R: Push<Builder = B>>(&mut self, row: u32, output: R) {
        output.push_to(&mut self.builder);
        if let Some(origins) = &mut self.origins {
            origins.push(row);
        }
    }

    /// The output rows of input row `row`.
    #[inline]
    pub fn rows<R: Push<Builder = B>>(&mut self, row: u32, output: impl IntoIterator<Item = R>) {
        // Iterators know better than a loop how to go through what they have. Origins are written behind it, several at a
        // time, which costs less than one with each item.
        let builder = &mut self.builder;
        output.into_iter().for_each(|item| item.push_to(builder));
        self.origins.get_or_insert_with(|| (0..row).collect());
        self.fill_origins(row);
    }

    /// The output rows of input row `row`, any of which may turn out to be its refusal.
    #[inline]
    pub fn try_rows<R: Push<Builder = B>>(
        &mut self,
        row: u32,
        output: impl IntoIterator<Item = Result<R, Reject>>,
    ) {
        let mark = self.builder.num_rows();
        for item in output {
            match item {
                Ok(item) => item.push_to(&mut self.builder),
                Err(reject) => {
                    self.builder.truncate(mark);
                    return self.reject(row, reject);
                }
            }
        }
        self.fill_origins(row);
    }

    /// Input row `row` is refused.
    #[cold]
    pub fn reject(&mut self, row: u32, reject: Reject) {
        self.origins.get_or_insert_with(|| (0..row).collect());
        self.rejects.push(reject.at(row));
    }

    /// The output of the batch.
    pub fn finish(self) -> Output {
        Output { batch: self.builder.into_batch(), origins: self.origins, rejects: self.rejects }
    }

    /// The output of the keys, and the key of each row. Keys can't be refused, so a refusal is an error.
    ///
    /// # Errors
    /// Where a key was refused.
    pub fn finish_keys(self) -> Result<(Batch, Vec<u32>), String> {
        let Output { batch, origins, rejects } = self.finish();
        match rejects.into_iter().next() {
            Some(reject) => Err(reject.reason),
            None => Ok((batch, origins.unwrap_or_default())),
        }
    }

    /// All output rows that have no origin yet are of input row `row`. Written several at a time, which mostly is once.
    #[inline]
    fn fill_origins(&mut self, row: u32) {
        let num_rows = self.builder.num_rows();
        if let Some(origins) = &mut self.origins {
            while origins.len() < num_rows {
                origins.extend_from_slice(&[row; 8]);
            }
            origins.truncate(num_rows);
        }
    }
}

impl Keep {
    /// For the rows of `input`.
    pub fn of(input: &Batch) -> Self {
        Self { origins: Vec::with_capacity(input.rows as usize), rejects: vec![] }
    }

    /// Whether input row `row` stays.
    #[inline]
    pub fn row(&mut self, row: u32, stays: bool) {
        if stays {
            self.origins.push(row);
        }
    }

    /// Input row `row` is refused.
    #[cold]
    pub fn reject(&mut self, row: u32, reject: Reject) {
        self.rejects.push(reject.at(row));
    }

    /// The output of the batch.
    pub fn finish(self) -> Output {
        Output::filtered(self.origins, self.rejects)
    }
}

/// The refusal of a row that holds no value where one is needed.
#[cold]
pub fn null(column: &str) -> Reject {
    Reject::new(format!("column `{column}` holds no value"))
}

fn text_bytes(input: &Batch) -> usize {
    let bytes = |values: &Values| match values {
        Values::Utf8(varlen) | Values::Binary(varlen) => varlen.data.len(),
        _ => 0,
    };
    input.columns.iter().map(|column| bytes(&column.values)).sum()
}

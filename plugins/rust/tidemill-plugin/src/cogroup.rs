//! Cogroups: all rows of two streams that share a key, side by side.

use crate::emit::Emit;
use crate::group::{Reading, Rows};
use crate::{Batch, Builder, CogroupOutput, Field, Groups, ReadRow, Schema};

/// A plugin that sees the rows of two streams key by key, given columns.
pub trait Cogroup: Sized + 'static {
    /// Reads the config (JSON, `null` where the manifest gives none), looks at the schemas of the key and
    /// of the values of both sides, and answers that of the rows put out.
    ///
    /// # Errors
    /// A text for the author of the manifest; the pipeline does not start.
    fn open(config: &str, key: &Schema, left: &Schema, right: &Schema) -> Result<(Self, Vec<Field>), String>;

    /// Answers rows, each of which belongs to one of the keys.
    ///
    /// # Errors
    /// Where the whole call fails; the host finds the keys to blame by calling again with fewer.
    fn process(&self, input: CogroupInput) -> Result<CogroupOutput, String>;
}

/// Keys with the rows of two sides, either of which may have none for a key.
#[derive(Clone, Debug)]
pub struct CogroupInput {
    /// One row a key.
    pub keys: Batch,
    /// Where the rows of each key end in `left`.
    pub left_ends: Vec<u32>,
    /// The values of the first stream.
    pub left: Batch,
    /// Where the rows of each key end in `right`.
    pub right_ends: Vec<u32>,
    /// The values of the second stream.
    pub right: Batch,
}

impl CogroupInput {
    /// Which rows belong to which key, on the left and on the right.
    ///
    /// # Errors
    /// Where the ends are not those of the keys or sides.
    pub fn groups(&self) -> Result<(Groups<'_>, Groups<'_>), String> {
        let num_keys = self.keys.rows as usize;
        if [self.left_ends.len(), self.right_ends.len()] != [num_keys; 2] {
            return Err(format!("there are not {num_keys} ends for as many keys"));
        }
        let left = Groups::sparse(&self.left_ends, self.left.rows)?;
        Ok((left, Groups::sparse(&self.right_ends, self.right.rows)?))
    }
}

/// Where the columns of keys and of both sides stand that a function takes.
pub struct Sides {
    key: Vec<usize>,
    left: Vec<usize>,
    right: Vec<usize>,
}

impl Sides {
    /// Finds those of keys of type `K`, and of values of types `L` and `R`.
    ///
    /// # Errors
    /// Where the columns are not of these types.
    pub fn bind<'a, K: ReadRow<'a>, L: ReadRow<'a>, R: ReadRow<'a>>(
        key: &Schema,
        left: &Schema,
        right: &Schema,
    ) -> Result<Self, String> {
        let key = K::bind(key).map_err(|e| format!("the key: {e}"))?;
        let left = L::bind(left).map_err(|e| format!("the left side: {e}"))?;
        Ok(Self { key, left, right: R::bind(right).map_err(|e| format!("the right side: {e}"))? })
    }
}

/// Calls a function of a key and the rows of both sides: what `#[cogroup]` becomes.
///
/// # Errors
/// Where a value is null that can't be, or the function fails.
pub fn cogroup_each<'a, K: ReadRow<'a>, L: ReadRow<'a>, R: ReadRow<'a>, B: Builder>(
    sides: &Sides,
    input: &'a CogroupInput,
    mut process: impl FnMut(u32, K, Rows<'_, 'a, L>, Rows<'_, 'a, R>, &mut Emit<B>),
) -> Result<CogroupOutput, String> {
    let keys = Reading::new(&sides.key, &input.keys)?;
    let (left, right) = (Reading::new(&sides.left, &input.left)?, Reading::new(&sides.right, &input.right)?);
    let (left_groups, right_groups) = input.groups()?;
    let mut output = Emit::of_keys(input.keys.rows);
    for (index, (left_rows, right_rows)) in left_groups.iter().zip(right_groups.iter()).enumerate() {
        let (left_rows, right_rows) = (left.rows(left_rows), right.rows(right_rows));
        process(index as u32, keys.row(index)?, left_rows, right_rows, &mut output);
        left.check()?;
        right.check()?;
    }
    let (batch, origins) = output.finish_keys()?;
    Ok(CogroupOutput { batch, origins })
}

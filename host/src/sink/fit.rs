//! A table as it is in a database, and whether the rows of a sink fit into it.
//!
//! What a database says of its table comes in, in the same words for each kind; how each column's values get in goes out,
//! or what is wrong and what to do. Which type takes which values is for the kind to say.

use std::collections::HashSet;

use super::SinkError;
use super::table::{Column, Target};
use crate::record::DataType;

/// A table that is there.
pub(super) struct Table {
    /// Whether it is one, and not a view or the like.
    pub(super) is_table: bool,
    pub(super) columns: Vec<TableColumn>,
    /// The columns of each key that tells rows apart.
    pub(super) keys: Vec<Vec<String>>,
    pub(super) case: Case,
}

/// One of its columns.
pub(super) struct TableColumn {
    pub(super) name: String,
    /// Its type, in the database's words.
    pub(super) sql_type: String,
    /// Whether it can't be null.
    pub(super) is_required: bool,
    /// Whether it gets a value where a row has none.
    pub(super) has_default: bool,
    /// Whether it can't be given one.
    pub(super) is_generated: bool,
}

/// Whether `Word` and `word` are two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

impl Case {
    fn fold(self, name: &str) -> String {
        match self {
            Self::Matters => name.to_owned(),
            Self::Ignored => name.to_ascii_lowercase(),
        }
    }
}

/// How the values of a type get into columns.
pub(super) trait Ways: Sized {
    /// The type that a column of a new table has.
    fn new_type(data_type: DataType) -> &'static str;

    /// Into a column of type `there`; none where values would not stay what they are.
    fn of(data_type: DataType, there: &str) -> Option<Self>;
}

impl Table {
    /// How the values of each column of `target` get into this table, which is in `database`.
    pub(super) fn fit<W: Ways>(&self, target: &Target, database: &str) -> Result<Vec<W>, SinkError> {
        let table = &target.table;
        let misfit = |problem: String| SinkError::key("table", format!("`{table}` in {database} {problem}"));
        if !self.is_table {
            return Err(misfit("is no table; name one".to_owned()));
        }
        let ways = target.columns.iter().map(|column| self.way(column).map_err(misfit));
        let ways = ways.collect::<Result<_, _>>()?;
        let given: HashSet<String> =
            target.columns.iter().map(|column| self.case.fold(&column.name)).collect();
        let is_left = |there: &&TableColumn| {
            there.is_required && !there.has_default && !given.contains(&self.case.fold(&there.name))
        };
        if let Some(left) = self.columns.iter().find(is_left) {
            return Err(misfit(format!(
                "needs a value in `{}`, which the rows don't have; give it a default, or name another table",
                left.name
            )));
        }
        self.check_key(target, database)?;
        Ok(ways)
    }

    fn way<W: Ways>(&self, column: &Column) -> Result<W, String> {
        let name = &column.name;
        let is_it = |there: &&TableColumn| self.case.fold(&there.name) == self.case.fold(name);
        let Some(there) = self.columns.iter().find(is_it) else {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            return Err(format!(
                "has no column `{name}`, which the rows have; add it, or name another table: it has ({})",
                names.join(", ")
            ));
        };
        if there.is_generated {
            return Err(format!("computes `{name}` itself; leave it out of the rows"));
        }
        if there.is_required && column.is_nullable {
            return Err(format!(
                "has no room for rows without a value in `{name}`, as `{name}` is NOT NULL; let it be null, or name another table"
            ));
        }
        W::of(column.data_type, &there.sql_type).ok_or_else(|| {
            format!(
                "has `{name}` as {}, in which {} would not stay what it is; make it {}, or name another table",
                there.sql_type,
                column.data_type,
                W::new_type(column.data_type)
            )
        })
    }

    fn check_key(&self, target: &Target, database: &str) -> Result<(), SinkError> {
        let fold = |names: &[String]| names.iter().map(|name| self.case.fold(name)).collect::<HashSet<_>>();
        let key = fold(&target.key);
        if key.is_empty() || self.keys.iter().any(|there| fold(there) == key) {
            return Ok(());
        }
        let (table, key) = (&target.table, target.key.join(", "));
        let problem = format!(
            "`{table}` in {database} lets several rows have the same ({key}); make it a key: CREATE UNIQUE INDEX … ON {table} ({key})"
        );
        Err(SinkError::key("key", problem))
    }
}

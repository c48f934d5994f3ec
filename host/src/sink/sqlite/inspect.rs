//! The table as it is in the database: made where that is asked for, and looked at.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::types::Storage;
use crate::record::DataType;
use crate::sink::SinkError;
use crate::sink::fit::{Case, Table, TableColumn};
use crate::sink::sql::{create_epochs, create_table, quoted_name};
use crate::sink::table::{EPOCHS, Target};

/// SQLite takes `Word` and `word` for the same.
pub(super) fn check_names(target: &Target) -> Result<(), SinkError> {
    let mut seen = HashSet::new();
    match target.columns.iter().find(|column| !seen.insert(column.name.to_ascii_lowercase())) {
        Some(column) => {
            let problem = format!(
                "SQLite can't tell column `{}` from one before; rename one of them with the plugin `select`",
                column.name
            );
            Err(SinkError::key("from", problem))
        }
        None => Ok(()),
    }
}

/// Makes the table, where there is none of that name.
pub(super) fn make_table(connection: &mut Connection, target: &Target) -> Result<(), rusqlite::Error> {
    // A float64 may be NaN, for which SQLite has nothing but NULL.
    let sql = create_table::<Storage>(target, &quoted_name(&target.table), |column| {
        !column.is_nullable && column.data_type != DataType::Float64
    });
    make(connection, &target.table, &sql)
}

/// Makes the table of epochs, where there is none.
pub(super) fn make_epochs(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    make(connection, EPOCHS, &create_epochs(EPOCHS))
}

/// Makes the table `name` by `sql`, unless it is there. Waits its turn, where several make it at once.
fn make(connection: &mut Connection, name: &str, sql: &str) -> Result<(), rusqlite::Error> {
    if read(connection, name)?.is_some() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.commit()
}

const TABLE: &str =
    "SELECT type, name FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')";

const COLUMNS: &str =
    "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, hidden > 1 FROM pragma_table_xinfo(?1)";

const PRIMARY: &str = "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0";

const INDICES: &str = "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND NOT partial";

/// An index of an expression has no name in its place, and fits no key.
const INDEXED: &str = "SELECT coalesce(name, '') FROM pragma_index_info(?1)";

/// Reads what the database says of the table `table`; none where there is none.
pub(super) fn read(connection: &Connection, table: &str) -> Result<Option<Table>, rusqlite::Error> {
    let found = connection.query_row(TABLE, [table], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((kind, name)): Option<(String, String)> = found.optional()? else { return Ok(None) };
    let mut columns = connection.prepare(COLUMNS)?;
    let columns = columns.query_map([&name], |row| {
        Ok(TableColumn {
            name: row.get(0)?,
            sql_type: row.get(1)?,
            is_required: row.get(2)?,
            has_default: row.get(3)?,
            is_generated: row.get(4)?,
        })
    })?;
    let columns = columns.collect::<Result<_, _>>()?;
    let mut keys = vec![names(connection, PRIMARY, &name)?];
    for index in names(connection, INDICES, &name)? {
        keys.push(names(connection, INDEXED, &index)?);
    }
    Ok(Some(Table { is_table: kind == "table", columns, keys, case: Case::Ignored }))
}

fn names(connection: &Connection, sql: &str, of: &str) -> Result<Vec<String>, rusqlite::Error> {
    connection.prepare(sql)?.query_map([of], |row| row.get(0))?.collect()
}

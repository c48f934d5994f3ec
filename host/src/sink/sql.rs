//! What the SQL of SQLite and of PostgreSQL have in common.

use super::fit::Ways;
use super::table::{Column, EPOCHS, Target};

/// `name` in SQL.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `names` in SQL, with commas between them.
pub(super) fn quoted_names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| quoted_name(name)).collect::<Vec<_>>().join(", ")
}

/// The statement that makes `table`, in SQL, for the rows of `target`. Columns are NOT NULL where `is_required` says so.
pub(super) fn create_table<W: Ways>(
    target: &Target,
    table: &str,
    is_required: impl Fn(&Column) -> bool,
) -> String {
    let columns = target.columns.iter().map(|column| {
        let null = if is_required(column) { " NOT NULL" } else { "" };
        format!("{} {}{null}", quoted_name(&column.name), W::new_type(column.data_type))
    });
    let mut parts: Vec<String> = columns.collect();
    if !target.key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", quoted_names(&target.key)));
    }
    format!("CREATE TABLE IF NOT EXISTS {table} ({})", parts.join(", "))
}

/// The statement that makes the table of epochs `epochs`, in SQL.
pub(super) fn create_epochs(epochs: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {epochs} (pipeline text NOT NULL, sink text NOT NULL, checkpoint text NOT NULL,
         batch_time bigint NOT NULL, PRIMARY KEY (pipeline, sink, checkpoint))"
    )
}

/// What a statement that inserts rows ends with, so that rows whose key is there replace those.
pub(super) fn on_conflict(target: &Target) -> String {
    if target.key.is_empty() {
        return String::new();
    }
    let key = quoted_names(&target.key);
    let set = target.values().map(|column| format!("{0} = excluded.{0}", quoted_name(&column.name)));
    let set: Vec<String> = set.collect();
    match set.is_empty() {
        true => format!(" ON CONFLICT ({key}) DO NOTHING"),
        false => format!(" ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", ")),
    }
}

/// The table of epochs in SQL, in the schema of the table `table`, where that says one.
pub(super) fn epochs_beside(table: &str) -> String {
    match table.split_once('.') {
        Some((schema, _)) => format!("{}.{EPOCHS}", quoted_name(schema)),
        None => EPOCHS.to_owned(),
    }
}

//! Rows on their way into the table: held until they are published, then written with their epoch in one transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::Sqlite;
use super::inspect::make_epochs;
use super::types::{Storage, Values};
use crate::failpoint::{Point, reach};
use crate::record::{BatchTime, Partition};
use crate::sink::sql::{on_conflict, quoted_name, quoted_names};
use crate::sink::table::{EPOCHS, Target};
use crate::sink::{Opening, SinkError, Writer};

/// The sink while it runs.
pub(super) struct SqliteWriter {
    options: Sqlite,
    connection: Connection,
    target: Target,
    storages: Vec<Storage>,
    /// Writes one row.
    insert: String,
    /// Whose batches these are; none where none comes again.
    epochs: Option<Epochs>,
    staged: BTreeMap<BatchTime, Partition>,
}

/// The row of a sink in the table of epochs.
struct Epochs {
    pipeline: String,
    sink: String,
    checkpoint: String,
}

/// Sets the connection up. In a new database, readers and this writer don't wait for one another.
pub(super) fn set_up(connection: &Connection, is_new: bool) -> Result<(), rusqlite::Error> {
    if is_new {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    }
    // The checkpoint forgets rows once they are here, so they have to survive a loss of power.
    connection.pragma_update(None, "synchronous", "FULL")
}

impl SqliteWriter {
    pub(super) fn new(
        options: Sqlite,
        mut connection: Connection,
        target: Target,
        storages: Vec<Storage>,
        opening: &Opening,
    ) -> Result<Self, SinkError> {
        let epochs = opening.checkpoint.clone().map(|checkpoint| Epochs {
            pipeline: opening.pipeline.clone(),
            sink: opening.name.clone(),
            checkpoint,
        });
        if epochs.is_some() {
            let made = make_epochs(&mut connection);
            made.map_err(|error| options.failed("make the table of epochs in", &error))?;
        }
        let insert = insert(&target);
        Ok(Self { options, connection, target, storages, insert, epochs, staged: BTreeMap::new() })
    }

    /// Writes `rows` and the epoch, unless they are there.
    fn write(&mut self, time: BatchTime, rows: &Partition) -> Result<(), WriteError> {
        reach(Point::Begin)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(epochs) = &self.epochs {
            if epochs.last(&transaction)?.is_some_and(|last| last >= time.millis()) {
                return Ok(());
            }
            epochs.set(&transaction, time)?;
        }
        reach(Point::Noted)?;
        insert_rows(&transaction, &self.insert, &self.storages, rows)?;
        reach(Point::Written)?;
        transaction.commit()?;
        Ok(reach(Point::Applied)?)
    }
}

/// Why rows were not written.
enum WriteError {
    Sqlite(rusqlite::Error),
    Io(std::io::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Writer for SqliteWriter {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let rows = self.target.rows(time, partitions)?;
        self.staged.insert(time, rows);
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        let Some(rows) = self.staged.remove(&time).filter(|rows| !rows.is_empty()) else { return Ok(()) };
        let written = self.write(time, &rows);
        if written.is_err() {
            self.staged.insert(time, rows);
        }
        written.map_err(|error| match error {
            WriteError::Sqlite(error) => self.options.failed("write to", &error),
            WriteError::Io(source) => {
                SinkError::Path { action: "write to", path: self.options.path.clone(), source }
            }
        })
    }

    fn is_published(&mut self, time: BatchTime) -> Result<bool, SinkError> {
        let Some(epochs) = &self.epochs else { return Ok(false) };
        let last = epochs.last(&self.connection).map_err(|error| self.options.failed("read", &error))?;
        Ok(last.is_some_and(|last| last >= time.millis()))
    }
}

impl Epochs {
    /// The time of the last batch that was written.
    fn last(&self, connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
        let sql =
            format!("SELECT batch_time FROM {EPOCHS} WHERE pipeline = ?1 AND sink = ?2 AND checkpoint = ?3");
        let row = params![self.pipeline, self.sink, self.checkpoint];
        connection.query_row(&sql, row, |row| row.get(0)).optional()
    }

    fn set(&self, transaction: &Transaction<'_>, time: BatchTime) -> Result<(), rusqlite::Error> {
        let sql = format!(
            "INSERT INTO {EPOCHS} (pipeline, sink, checkpoint, batch_time) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (pipeline, sink, checkpoint) DO UPDATE SET batch_time = excluded.batch_time"
        );
        let row = params![self.pipeline, self.sink, self.checkpoint, time.millis()];
        transaction.execute(&sql, row).map(|_| ())
    }
}

/// The statement that writes a row.
fn insert(target: &Target) -> String {
    let columns = quoted_names(target.columns.iter().map(|column| &column.name));
    let values: Vec<String> = (1..=target.columns.len()).map(|number| format!("?{number}")).collect();
    format!(
        "INSERT INTO {} ({columns}) VALUES ({}){}",
        quoted_name(&target.table),
        values.join(", "),
        on_conflict(target)
    )
}

fn insert_rows(
    transaction: &Transaction<'_>,
    sql: &str,
    storages: &[Storage],
    rows: &Partition,
) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare(sql)?;
    for block in rows {
        let columns = storages.iter().enumerate();
        let columns: Vec<Values<'_>> =
            columns.map(|(index, storage)| Values::new(block, index, *storage)).collect();
        for row in 0..block.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                column.bind(&mut statement, index + 1, row)?;
            }
            statement.raw_execute()?;
        }
    }
    Ok(())
}

//! A connection to the server that is ready to write: the table is there and fits, statements are prepared.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls, Statement, Transaction};

use super::copy::{Copy, Numbering};
use super::fence::take_over;
use super::inspect::{self, create_if_missing, quoted_table};
use super::trouble::Trouble;
use super::way::Way;
use crate::failpoint::{Point, reach};
use crate::record::{BatchTime, Partition};
use crate::sink::SinkError;
use crate::sink::fit::Ways;
use crate::sink::sql::{create_epochs, create_table, epochs_beside, on_conflict, quoted_names};
use crate::sink::table::Target;

/// The temporary table that rows pass through. Each session has its own.
const PASSING: &str = "pg_temp.tidemill_rows";

/// The column of its rows' numbers.
const NUMBER: &str = "number";

/// What a session needs to know.
pub(super) struct Plan {
    pub(super) config: Config,
    /// The database, in words.
    pub(super) database: String,
    pub(super) target: Target,
    pub(super) create: bool,
    pub(super) epoch: EpochKey,
}

/// What tells the row of this sink in the table of epochs from others.
pub(super) struct EpochKey {
    pub(super) pipeline: String,
    pub(super) sink: String,
    pub(super) checkpoint: String,
}

/// A connection that is ready.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    epochs: String,
    /// Notes a batch, unless it is noted.
    note: Statement,
    copy: Statement,
    /// Moves rows on from the temporary table, where they pass through it.
    move_on: Option<Statement>,
}

impl Plan {
    /// Connects, makes what is to be made, and looks whether the table fits.
    pub(super) async fn connect(&self) -> Result<Session, Trouble> {
        let failed = |action| move |error: Error| Trouble::new(action, &self.database, &error);
        let (mut client, connection) = self.config.connect(NoTls).await.map_err(failed("connect to"))?;
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        let (target, table) = (&self.target, quoted_table(&self.target.table));
        client.batch_execute(SET_UP).await.map_err(failed("set up"))?;
        take_over(&client, &self.epoch).await.map_err(failed("set up"))?;
        if self.create {
            let create = create_table::<Way>(target, &table, |column| !column.is_nullable);
            let made = create_if_missing(&mut client, &table, &create).await;
            made.map_err(failed("make the table in"))?;
        }
        let found = inspect::read(&client, &table).await.map_err(failed("read"))?;
        let found = found.ok_or_else(|| {
            let (name, database) = (&target.table, &self.database);
            let problem = format!("there is no table `{name}` in {database}; make it, or set create = true");
            SinkError::key("table", problem)
        })?;
        let ways = found.fit::<Way>(target, &self.database)?;
        let epochs = epochs_beside(&target.table);
        let made = create_if_missing(&mut client, &epochs, &create_epochs(&epochs)).await;
        made.map_err(failed("make the table of epochs in"))?;
        Session::prepare(client, connection, target, &ways, epochs).await.map_err(failed("set up"))
    }
}

/// Times are UTC whatever the server thinks, and a commit is one that survives a loss of power. What waits for a lock fails
/// now and then and is tried again, so that the log tells of it.
const SET_UP: &str = "SET TIME ZONE 'UTC'; SET client_min_messages = warning;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SELECT set_config('lock_timeout', '10s', false) WHERE current_setting('lock_timeout') = '0'";

impl Session {
    async fn prepare(
        client: Client,
        connection: JoinHandle<()>,
        target: &Target,
        ways: &[Way],
        epochs: String,
    ) -> Result<Self, Error> {
        let table = quoted_table(&target.table);
        let columns = quoted_names(target.columns.iter().map(|column| &column.name));
        let is_direct = target.key.is_empty() && ways.iter().all(|way| *way == Way::Direct);
        let (copy, move_on) = if is_direct {
            (format!("{table} ({columns})"), None)
        } else {
            client.batch_execute(&create_passing(target)).await?;
            let move_on = client.prepare(&move_on(target, &table, &columns, ways)).await?;
            (PASSING.to_owned(), Some(move_on))
        };
        let copy = client.prepare(&format!("COPY {copy} FROM STDIN (FORMAT binary)")).await?;
        let note = format!(
            "INSERT INTO {epochs} AS e (pipeline, sink, checkpoint, batch_time) VALUES ($1, $2, $3, $4)
             ON CONFLICT (pipeline, sink, checkpoint) DO UPDATE SET batch_time = excluded.batch_time
             WHERE e.batch_time < excluded.batch_time"
        );
        let note = client.prepare(&note).await?;
        Ok(Self { client, connection, epochs, note, copy, move_on })
    }

    /// Writes `rows` and that they are there, unless they are.
    pub(super) async fn write(
        &mut self,
        key: &EpochKey,
        time: BatchTime,
        rows: &Partition,
    ) -> Result<(), WriteError> {
        reach(Point::Begin)?;
        let transaction = self.client.transaction().await?;
        let noted = transaction
            .execute(&self.note, &[&key.pipeline, &key.sink, &key.checkpoint, &time.millis()])
            .await?;
        if noted == 0 {
            return Ok(transaction.rollback().await?);
        }
        reach(Point::Noted)?;
        copy(&transaction, &self.copy, self.move_on.is_some(), rows).await?;
        if let Some(move_on) = &self.move_on {
            transaction.execute(move_on, &[]).await?;
        }
        reach(Point::Written)?;
        transaction.commit().await?;
        Ok(reach(Point::Applied)?)
    }

    /// The time of the last batch that was written.
    pub(super) async fn last(&self, key: &EpochKey) -> Result<Option<i64>, Error> {
        let epochs = &self.epochs;
        let sql =
            format!("SELECT batch_time FROM {epochs} WHERE pipeline = $1 AND sink = $2 AND checkpoint = $3");
        let found = self.client.query_opt(&sql, &[&key.pipeline, &key.sink, &key.checkpoint]).await?;
        found.map(|row| row.try_get(0)).transpose()
    }

    /// Forgets which batch was the last.
    pub(super) async fn forget(&self, key: &EpochKey) -> Result<(), Error> {
        let epochs = &self.epochs;
        let sql = format!("DELETE FROM {epochs} WHERE pipeline = $1 AND sink = $2 AND checkpoint = $3");
        self.client.execute(&sql, &[&key.pipeline, &key.sink, &key.checkpoint]).await.map(|_| ())
    }

    /// Takes leave of the server.
    pub(super) async fn close(self) {
        drop(self.client);
        // The server ends the session anyhow, once the connection is gone.
        let _ = timeout(Duration::from_secs(1), self.connection).await;
    }
}

/// Why rows were not written.
pub(super) enum WriteError {
    Server(Error),
    Rows(arrow::error::ArrowError),
    Io(std::io::Error),
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<arrow::error::ArrowError> for WriteError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Rows(error)
    }
}

async fn copy(
    transaction: &Transaction<'_>,
    statement: &Statement,
    are_numbered: bool,
    rows: &Partition,
) -> Result<(), WriteError> {
    let numbering = if are_numbered { Numbering::Last } else { Numbering::None };
    let mut chunks = Copy::new(rows, numbering);
    let mut server = pin!(transaction.copy_in::<_, Bytes>(statement).await?);
    while let Some(chunk) = chunks.next_chunk()? {
        server.send(chunk).await?;
    }
    server.finish().await?;
    Ok(())
}

/// The name of column `index` in the temporary table.
fn passing_name(index: usize) -> String {
    format!("c{index}")
}

/// The statement that makes the temporary table.
fn create_passing(target: &Target) -> String {
    let columns = target.columns.iter().enumerate();
    let columns: Vec<String> = columns
        .map(|(index, column)| format!("{} {}", passing_name(index), Way::new_type(column.data_type)))
        .collect();
    format!(
        "CREATE TEMPORARY TABLE {PASSING} ({}, {NUMBER} bigint) ON COMMIT DELETE ROWS",
        columns.join(", ")
    )
}

/// The statement that moves rows on to `table`. Of rows with the same key the last one counts.
fn move_on(target: &Target, table: &str, columns: &str, ways: &[Way]) -> String {
    let values = ways.iter().enumerate().map(|(index, way)| match way {
        Way::Direct => passing_name(index),
        Way::Cast(to) => format!("{}::{to}", passing_name(index)),
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO {table} ({columns}) SELECT {values}");
    if target.key.is_empty() {
        return format!("{insert} FROM {PASSING} ORDER BY {NUMBER}");
    }
    let index_of = |name: &String| target.columns.iter().position(|column| column.name == *name);
    let key: Vec<String> = target.key.iter().filter_map(index_of).map(passing_name).collect();
    let key = key.join(", ");
    let last = format!("SELECT DISTINCT ON ({key}) * FROM {PASSING} ORDER BY {key}, {NUMBER} DESC");
    format!("{insert} FROM ({last}) AS last{}", on_conflict(target))
}

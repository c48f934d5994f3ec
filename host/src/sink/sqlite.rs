//! Writes each batch to a table of an SQLite database, in one transaction with the note that it is there.
//!
//! With a checkpoint each batch is in the table exactly once: after a crash its rows come again, and `tidemill_epochs`
//! says whether they are there. Without one nothing comes again. A batch is there whole or not at all.

mod inspect;
mod types;
mod writer;

use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::Deserialize;

use self::types::Storage;
use self::writer::SqliteWriter;
use super::fit::Table;
use super::table::{TableOptions, Target};
use super::{Delivery, Opening, Sink, SinkError, WriteMode, Writer};
use crate::disk::check_directory;
use crate::record::Period;

/// A sink that writes to an SQLite database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    /// The file of the database.
    pub path: PathBuf,
    /// The table.
    pub table: String,
    /// What becomes of rows whose key is there.
    #[serde(default)]
    pub mode: WriteMode,
    /// The columns that tell rows apart, for `WriteMode::Upsert`.
    #[serde(default)]
    pub key: Vec<String>,
    /// Whether the file and the table are made where they are missing.
    #[serde(default)]
    pub create: bool,
    /// A column that gets the batch's time.
    #[serde(default)]
    pub time_column: Option<String>,
    /// How long to wait for other programs that use the database.
    #[serde(default = "default_busy_timeout")]
    pub busy_timeout: Period,
}

fn default_busy_timeout() -> Period {
    Period::millis(10_000)
}

/// How long `check` waits for other programs. What it can't see then is seen when the sink is opened.
const LOOK_TIMEOUT: Period = Period::millis(500);

impl Sqlite {
    /// Adds rows to the table `table` of the database `path`; the fields hold the defaults of a manifest and may be set.
    pub fn new(path: impl Into<PathBuf>, table: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            table: table.into(),
            mode: WriteMode::Append,
            key: Vec::new(),
            create: false,
            time_column: None,
            busy_timeout: default_busy_timeout(),
        }
    }

    fn target(&self, schema: &SchemaRef) -> Result<Target, SinkError> {
        let target = Target::new(
            TableOptions {
                table: &self.table,
                mode: self.mode,
                key: &self.key,
                time_column: self.time_column.as_deref(),
            },
            schema,
        )?;
        inspect::check_names(&target)?;
        Ok(target)
    }

    fn connect(&self, flags: OpenFlags, busy_timeout: Period) -> Result<Connection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | flags;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(busy_timeout.0)?;
        Ok(connection)
    }

    /// What is in a database that is there, and whether it can only be read.
    fn look(&self) -> Result<(Option<Table>, bool), rusqlite::Error> {
        let connection = self.connect(OpenFlags::empty(), LOOK_TIMEOUT)?;
        Ok((inspect::read(&connection, &self.table)?, connection.is_readonly(c"main")?))
    }

    /// How the rows of `target` are stored in `table`.
    fn storages(&self, target: &Target, table: Option<&Table>) -> Result<Vec<Storage>, SinkError> {
        let path = self.path.display().to_string();
        let table = table.ok_or_else(|| {
            let problem =
                format!("there is no table `{}` in {path}; make it, or set create = true", self.table);
            SinkError::key("table", problem)
        })?;
        table.fit(target, &path)
    }

    fn failed(&self, action: &'static str, error: &rusqlite::Error) -> SinkError {
        let problem = match error.sqlite_error_code() {
            _ if is_busy(error) => format!(
                "another program has locked it for longer than {}; let that one end its transaction, or raise busy_timeout",
                self.busy_timeout
            ),
            Some(ErrorCode::NotADatabase) => "it is no SQLite database; name another file".to_owned(),
            _ => error.to_string(),
        };
        SinkError::Database { action, database: format!("the database {}", self.path.display()), problem }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

impl Sink for Sqlite {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Once
    }

    fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        let target = self.target(schema)?;
        if self.path.exists() {
            return match self.look() {
                // Seen when it is opened, which waits for longer.
                Err(error) if is_busy(&error) => Ok(()),
                Err(error) => Err(self.failed("read", &error)),
                Ok((_, true)) => {
                    let path = self.path.display();
                    let problem = format!("{path} can only be read; let this user write it and its folder");
                    Err(SinkError::key("path", problem))
                }
                Ok((None, _)) if self.create => Ok(()),
                Ok((table, _)) => self.storages(&target, table.as_ref()).map(|_| ()),
            };
        }
        if !self.create {
            let problem = format!(
                "there is no database {}; make it with the table `{}`, or set create = true",
                self.path.display(),
                self.table
            );
            return Err(SinkError::key("path", problem));
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        check_directory(folder).map_err(|source| SinkError::Path {
            action: "write to directory",
            path: folder.to_owned(),
            source,
        })
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        let target = self.target(&opening.schema)?;
        // A crash may leave a file with nothing in it.
        let is_new = self.create && std::fs::metadata(&self.path).map_or(true, |file| file.len() == 0);
        let flags = if self.create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        if let Some(folder) = self.path.parent().filter(|_| is_new) {
            std::fs::create_dir_all(folder).map_err(|source| SinkError::Path {
                action: "create directory",
                path: folder.to_owned(),
                source,
            })?;
        }
        let connection = self.connect(flags, self.busy_timeout);
        let mut connection = connection.map_err(|error| self.failed("open", &error))?;
        writer::set_up(&connection, is_new).map_err(|error| self.failed("set up", &error))?;
        if self.create {
            let made = inspect::make_table(&mut connection, &target);
            made.map_err(|error| self.failed("make the table in", &error))?;
        }
        let table = inspect::read(&connection, &self.table);
        let table = table.map_err(|error| self.failed("read", &error))?;
        let storages = self.storages(&target, table.as_ref())?;
        Ok(Box::new(SqliteWriter::new(self.clone(), connection, target, storages, opening)?))
    }
}

#[cfg(test)]
mod tests;

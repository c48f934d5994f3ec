//! The databases that the program writes to, as one asks them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres_server::Postgres;
use rusqlite::{Connection, OpenFlags};

/// The database of the server.
const DATABASE: &str = "chaos";

/// How long SQLite waits for the program, which has a transaction open for far less.
const BUSY: Duration = Duration::from_secs(60);

/// A database.
pub trait Store {
    /// What it is.
    fn name(&self) -> &'static str;

    /// The kind and where it is, as a manifest says it.
    fn options(&self) -> String;

    /// What `sql` answers, which is one text a row.
    fn query(&self, sql: &str) -> Result<Vec<String>>;

    /// Whether the table `name` is there.
    fn has_table(&self, name: &str) -> Result<bool>;
}

/// A file. Nobody has it open but during a query, so that it is mostly the program that mends it after a kill.
pub struct SqliteFile(pub PathBuf);

/// A server of this run's own.
pub struct Server(Postgres);

impl Server {
    /// Starts it.
    pub fn start() -> Result<Self> {
        let server = Postgres::start().context("cannot start a PostgreSQL server")?;
        server.database(DATABASE)?;
        Ok(Self(server))
    }
}

impl Store for SqliteFile {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn options(&self) -> String {
        format!("kind = \"sqlite\"\npath = {:?}", self.0)
    }

    fn query(&self, sql: &str) -> Result<Vec<String>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.0, flags)?;
        connection.busy_timeout(BUSY)?;
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect::<Result<_, _>>().with_context(|| format!("in SQLite: {sql}"))
    }

    fn has_table(&self, name: &str) -> Result<bool> {
        let sql = format!("SELECT name FROM sqlite_schema WHERE name = '{name}'");
        Ok(self.0.exists() && !self.query(&sql)?.is_empty())
    }
}

impl Store for Server {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn options(&self) -> String {
        format!("kind = \"postgres\"\nconnection = {:?}", self.0.existing(DATABASE).address())
    }

    fn query(&self, sql: &str) -> Result<Vec<String>> {
        self.0.existing(DATABASE).query(sql)
    }

    fn has_table(&self, name: &str) -> Result<bool> {
        let found = self.query(&format!("SELECT to_regclass('{name}') IS NOT NULL"))?;
        ensure!(found == ["t"] || found == ["f"], "{found:?} is no answer");
        Ok(found == ["t"])
    }
}

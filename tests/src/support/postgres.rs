//! PostgreSQL servers of `tests/postgres`, with which nothing goes wrong but in a test that fails.

use std::sync::LazyLock;

/// A server. Dropping it stops it.
pub struct Postgres(postgres_server::Postgres);

/// The server that tests share, each with a database of its own.
static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// A database of a server.
pub struct Database<'a>(postgres_server::Database<'a>);

/// The database `name` of the server that tests share, which no other test names.
pub fn database(name: &str) -> Database<'static> {
    SHARED.database(name)
}

impl Postgres {
    /// Makes a server and starts it.
    pub fn start() -> Self {
        Self(postgres_server::Postgres::start().unwrap())
    }

    /// Starts it again, where it was before.
    pub fn resume(&mut self) {
        self.0.resume().unwrap();
    }

    /// Stops it at once, as a crash would.
    pub fn stop(&mut self) {
        self.0.stop().unwrap();
    }

    /// Makes the database `name`.
    pub fn database(&self, name: &str) -> Database<'_> {
        Database(self.0.database(name).unwrap())
    }

    /// The database `name`, which is there.
    pub fn existing(&self, name: &str) -> Database<'_> {
        Database(self.0.existing(name))
    }
}

impl Database<'_> {
    /// Where it is, with the password.
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// Where it is, with `password`, as addresses have it.
    pub fn address_with(&self, password: &str) -> String {
        self.0.address_with(password)
    }

    /// Where it is to whoever connects to `port` instead, with the password.
    pub fn address_at(&self, port: u16) -> String {
        self.0.address_at(port)
    }

    /// Where its server listens on the loopback interface.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// What `sql` answers: a row a line, fields with `|` between them.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<String> {
        self.0.query(sql).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same where it may be that the database isn't there or has no such table.
    pub fn try_query(&self, sql: &str) -> Option<Vec<String>> {
        self.0.query(sql).ok()
    }
}

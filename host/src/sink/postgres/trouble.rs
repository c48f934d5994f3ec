//! What a server or the way to it says, and whether it is worth another try.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;

use crate::sink::SinkError;

/// Why something was not done.
pub(super) enum Trouble {
    /// The server is away, full, busy or on its way down: it is waited for.
    Away(String),
    /// Another try would fail in the same way.
    Lasting(SinkError),
}

impl From<SinkError> for Trouble {
    fn from(error: SinkError) -> Self {
        Self::Lasting(error)
    }
}

impl Trouble {
    /// What `error` is, which came when the sink wanted to `action` the database `database`.
    pub(super) fn new(action: &'static str, database: &str, error: &Error) -> Self {
        let problem = words(error);
        if is_passing(error) {
            return Self::Away(problem);
        }
        let database = format!("the database {database}");
        Self::Lasting(SinkError::Database { action, database, problem })
    }
}

/// What the server says of `error`, on one line.
fn words(error: &Error) -> String {
    let Some(said) = error.as_db_error() else {
        return match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
    };
    let mut words = said.message().to_owned();
    for more in [said.detail(), said.where_(), said.hint()].into_iter().flatten() {
        words.push_str("; ");
        words.push_str(more);
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the same may go well later.
fn is_passing(error: &Error) -> bool {
    let Some(code) = error.code() else {
        let is_io = error.source().is_some_and(|source| source.is::<io::Error>());
        return error.is_closed() || is_io;
    };
    match code.code() {
        // A deadlock or another conflict of transactions; a lock that was not had; a query that was ended; a server that
        // others write now.
        "40001" | "40P01" | "55P03" | "57014" | "25006" => true,
        // The connection broke; no room or no memory; the server goes down or comes up.
        code => ["08", "53", "57P0"].iter().any(|class| code.starts_with(class)),
    }
}

//! Writes each batch to a table of a PostgreSQL database, in one transaction with the note that it is there.
//!
//! With a checkpoint each batch is in the table exactly once: after a crash its rows come again, and `tidemill_epochs`
//! says whether they are there. A server that goes away is waited for; a commit that nobody heard the answer of is asked
//! for in the same table. A batch is there whole or not at all. Passwords are in no message and in no log.

mod address;
mod copy;
mod way;
mod inspect;
mod fence;
mod session;
mod trouble;
mod writer;

use arrow::datatypes::SchemaRef;
use serde::Deserialize;

pub use self::address::Address;
use self::writer::PostgresWriter;
use super::table::{TableOptions, Target};
use super::{Delivery, Opening, Sink, SinkError, WriteMode, Writer};

/// The longest name that PostgreSQL knows, in bytes. It cuts longer ones.
const LONGEST_NAME: usize = 63;

/// A sink that writes to a PostgreSQL database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Where the database is, and as whom to connect.
    pub connection: Address,
    /// The table, with its schema before a dot where it isn't found without.
    pub table: String,
    /// What becomes of rows whose key is there.
    #[serde(default)]
    pub mode: WriteMode,
    /// The columns that tell rows apart, for `WriteMode::Upsert`.
    #[serde(default)]
    pub key: Vec<String>,
    /// Whether the table is made where it is missing.
    #[serde(default)]
    pub create: bool,
    /// A column that gets the batch's time.
    #[serde(default)]
    pub time_column: Option<String>,
}

impl Postgres {
    /// Adds rows to the table `table`; the fields hold the defaults of a manifest and may be set.
    pub fn new(connection: Address, table: impl Into<String>) -> Self {
        Self {
            connection,
            table: table.into(),
            mode: WriteMode::Append,
            key: Vec::new(),
            create: false,
            time_column: None,
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
        let parts = || self.table.split('.');
        if parts().count() > 2 || parts().any(str::is_empty) {
            let problem = format!("`{}` is no name; write TABLE or SCHEMA.TABLE", self.table);
            return Err(SinkError::key("table", problem));
        }
        let columns = target.columns.iter().map(|column| ("from", column.name.as_str()));
        for (key, name) in parts().map(|part| ("table", part)).chain(columns) {
            if name.len() > LONGEST_NAME || name.contains('\0') {
                let problem =
                    format!("PostgreSQL has no names like `{name}`; use one of at most {LONGEST_NAME} bytes");
                return Err(SinkError::key(key, problem));
            }
        }
        Ok(target)
    }
}

impl Sink for Postgres {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Once
    }

    /// Whether the table fits is seen when the sink is opened: `check` connects nowhere.
    fn check(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        self.target(schema).map(|_| ())
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        let target = self.target(&opening.schema)?;
        Ok(Box::new(PostgresWriter::open(self, target, opening)?))
    }
}

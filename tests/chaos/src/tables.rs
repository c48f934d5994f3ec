//! What the sinks have written to a database: records, read and then removed, and the figures of each key.

use anyhow::{Context, Result, ensure};

use crate::accounts::{Accounts, Run, compare};
use crate::feed::Sent;
use crate::store::Store;

/// Takes all records out. Where one is wrong, its batch is of use.
const TAKE: &str =
    "DELETE FROM records RETURNING origin || ',' || number || ',' || key || ',' || n || ' ' || batch";

/// The figures of each key.
const FIGURES: &str = "SELECT key || ',' || min || ',' || max || ',' || sum || ',' || count FROM figures";

/// The tables of a database.
pub struct Tables {
    store: Box<dyn Store>,
    accounts: Accounts,
    are_there: bool,
}

impl Tables {
    /// Of `store`, where there are none yet.
    pub fn new(store: impl Store + 'static) -> Self {
        Self { store: Box::new(store), accounts: Accounts::default(), are_there: false }
    }

    /// The sinks that write them, in a manifest.
    pub fn sinks(&self) -> String {
        let (name, options) = (self.store.name(), self.store.options());
        format!(
            r#"
[sinks.records_in_{name}]
from = "records"
table = "records"
time_column = "batch"
create = true
{options}
[sinks.figures_in_{name}]
from = "figures"
table = "figures"
mode = "upsert"
key = ["key"]
create = true
{options}
"#
        )
    }

    /// Enters all records that came out since the last time, and removes them, so that a long run doesn't fill the disk.
    pub fn collect(&mut self) -> Result<()> {
        self.are_there = self.are_there || self.store.has_table("records")?;
        if !self.are_there {
            return Ok(());
        }
        for row in self.store.query(TAKE)? {
            let (line, batch) = row.split_once(' ').with_context(|| format!("`{row}` was never sent"))?;
            let entered = self.accounts.enter(line);
            entered.with_context(|| format!("in {}, in the batch {batch}", self.store.name()))?;
        }
        Ok(())
    }

    /// How many records came out.
    pub fn num_seen(&self) -> u64 {
        self.accounts.num_seen()
    }

    /// Compares it with what was sent, and with what came out as `files`.
    pub fn check(&self, sent: &Sent, runs: &[Run], files: &Accounts) -> Result<()> {
        let name = self.store.name();
        let num_lines = self.accounts.check(sent, runs).with_context(|| format!("in {name}"))?;
        let num_in_files = files.check(sent, runs)?;
        ensure!(num_lines == num_in_files, "{name} has {num_lines:?} lines instead of {num_in_files:?}");
        compare(&format!("what came out in {name}"), self.accounts.keys(), files.keys())?;
        let rows = self.store.query(FIGURES)?;
        ensure!(rows.len() == files.keys().len(), "{name} has the figures of {} keys", rows.len());
        for row in rows {
            let (key, figures) = row.split_once(',').with_context(|| format!("`{row}` has no key"))?;
            let expected = key.strip_prefix('k').and_then(|key| files.keys().get(&key.parse().ok()?));
            let is_right = expected.is_some_and(|expected| expected.to_string() == figures);
            ensure!(is_right, "{name} has the figures {figures} of {key} instead of {expected:?}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Origin, Record};
    use crate::store::SqliteFile;

    const SENT: Sent = Sent { frames: 2, files: 0 };

    /// A database with the records and figures that `SENT` comes to, and after that what `sql` does.
    fn checked(sql: &str) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("tables.db");
        let database = rusqlite::Connection::open(&path)?;
        database.execute_batch("CREATE TABLE records (origin, number, key, n, batch)")?;
        database.execute_batch("CREATE TABLE figures (key, min, max, sum, count)")?;
        let mut files = Accounts::default();
        for number in 1..=SENT.frames {
            let record = Record { origin: Origin::Frames, number };
            files.enter(&record.line())?;
            let (key, n) = (record.key(), record.value());
            database.execute_batch(&format!(
                "INSERT INTO records VALUES ('frames', {number}, 'k{key}', {n}, 'now');
                 INSERT INTO figures VALUES ('k{key}', {n}, {n}, {n}, 1)"
            ))?;
        }
        database.execute_batch(sql)?;
        let mut tables = Tables::new(SqliteFile(path));
        tables.collect()?;
        tables.collect()?;
        tables.check(&SENT, &[], &files)
    }

    #[test]
    fn rows_that_are_missing_there_twice_or_wrong_are_told() {
        let problem = |sql: &str| checked(sql).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert_eq!(problem(""), "");
        assert!(problem("DELETE FROM records WHERE number = 2").contains("was lost"));
        assert!(problem("INSERT INTO records SELECT * FROM records").contains("came out twice"));
        assert!(problem("UPDATE records SET n = n + 1").contains("was never sent"));
        assert!(problem("UPDATE figures SET count = 2").contains("has the figures"));
        assert!(problem("DELETE FROM figures").contains("has the figures of 0 keys"));
    }
}

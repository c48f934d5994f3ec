//! Batches in, rows in a file out, across crashes, other programs and tables of others.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;
use crate::record::{BatchTime, Partition, UTC};

const TIME: BatchTime = BatchTime::from_millis(1_795_548_601_000);

fn counts(rows: &[(&str, Option<i64>)]) -> Vec<Partition> {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
    let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
    let columns = [("word", words, false), ("n", numbers, true)];
    vec![vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]]
}

/// The sink that makes the table `counts` in a folder.
fn sink(folder: &TempDir) -> Sqlite {
    Sqlite { create: true, ..Sqlite::new(folder.path().join("out/rows.db"), "counts") }
}

fn upsert(folder: &TempDir) -> Sqlite {
    Sqlite { mode: WriteMode::Upsert, key: vec!["word".to_owned()], ..sink(folder) }
}

fn opening(schema: &SchemaRef) -> Opening {
    Opening { checkpoint: Some("c1".to_owned()), ..Opening::new("p", "out", schema) }
}

/// The running sink, which has the name of its table.
fn open(sink: &Sqlite, rows: &[Partition]) -> Box<dyn Writer> {
    let opening = opening(&rows[0][0].schema());
    sink.open(&Opening { name: sink.table.clone(), ..opening }).unwrap()
}

fn write(writer: &mut dyn Writer, time: BatchTime, rows: &[Partition]) {
    writer.stage(time, rows).unwrap();
    writer.publish(time).unwrap();
    writer.publish(time).unwrap();
}

/// What `sql` answers, a row a line.
fn query(sink: &Sqlite, sql: &str) -> Vec<Vec<Value>> {
    let connection = Connection::open(&sink.path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let num_columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..num_columns).map(|index| row.get(index)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

fn word(word: &str, n: Option<i64>) -> Vec<Value> {
    vec![Value::Text(word.to_owned()), n.map_or(Value::Null, Value::Integer)]
}

#[test]
fn rows_are_added_batch_after_batch_or_replace_those_with_their_key() {
    let folder = tempfile::tempdir().unwrap();
    for sink in [sink(&folder), Sqlite { table: "latest".to_owned(), ..upsert(&folder) }] {
        let first = counts(&[("a", Some(1)), ("b", None), ("a", Some(2))]);
        let mut writer = open(&sink, &first);
        write(&mut *writer, TIME, &first);
        write(&mut *writer, BatchTime::from_millis(TIME.millis() + 1), &counts(&[("b", Some(3))]));
    }
    let all = query(&sink(&folder), "SELECT * FROM counts");
    assert_eq!(all, [word("a", Some(1)), word("b", None), word("a", Some(2)), word("b", Some(3))]);
    let latest = query(&sink(&folder), "SELECT * FROM latest");
    assert_eq!(latest, [word("a", Some(2)), word("b", Some(3))]);
}

#[test]
fn readers_and_the_writer_of_a_database_that_it_made_do_not_wait_for_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder);
    // What a crash leaves that came before anything was written.
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(&sink.path, "").unwrap();
    open(&sink, &counts(&[("a", None)]));
    assert_eq!(query(&sink, "PRAGMA journal_mode"), [[Value::Text("wal".to_owned())]]);
}

#[test]
fn a_row_that_is_nothing_but_its_key_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let rows = counts(&[("a", Some(1)), ("a", Some(1)), ("a", Some(2))]);
    let schema = Arc::new(arrow::datatypes::Schema::new(
        rows[0][0]
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(false))
            .collect::<Vec<_>>(),
    ));
    let block = RecordBatch::try_new(schema, rows[0][0].columns().to_vec()).unwrap();
    let sink = Sqlite { key: vec!["n".to_owned(), "word".to_owned()], ..upsert(&folder) };
    let rows = vec![vec![block]];
    write(&mut *open(&sink, &rows), TIME, &rows);
    assert_eq!(query(&sink, "SELECT * FROM counts"), [word("a", Some(1)), word("a", Some(2))]);
}

#[test]
fn every_type_has_its_place_and_reads_as_users_expect() {
    let folder = tempfile::tempdir().unwrap();
    let columns: [(&str, ArrayRef, bool); 6] = [
        ("yes", Arc::new(BooleanArray::from(vec![Some(true), None])), true),
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None])), true),
        ("share", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(f64::INFINITY)])), false),
        ("text", Arc::new(StringArray::from(vec![Some("a\0\u{1f30a}"), None])), true),
        ("bytes", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\0\xff"), None])), true),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone(UTC)), true),
    ];
    let rows = vec![vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]];
    let sink = Sqlite { time_column: Some("batch".to_owned()), ..sink(&folder) };
    write(&mut *open(&sink, &rows), TIME, &rows);
    let batch = || Value::Text("2026-11-24T19:30:01.000000Z".to_owned());
    let first = vec![
        Value::Integer(1),
        Value::Integer(i64::MIN),
        Value::Null,
        Value::Text("a\0\u{1f30a}".to_owned()),
        Value::Blob(b"\0\xff".to_vec()),
        Value::Text("1970-01-01T00:00:00.000001Z".to_owned()),
        batch(),
    ];
    let second = vec![
        Value::Null,
        Value::Null,
        Value::Real(f64::INFINITY),
        Value::Null,
        Value::Null,
        Value::Null,
        batch(),
    ];
    assert_eq!(query(&sink, "SELECT * FROM counts"), [first, second]);
    let seconds = query(&sink, "SELECT unixepoch(batch) FROM counts LIMIT 1");
    assert_eq!(seconds, [[Value::Integer(1_795_548_601)]], "SQLite's functions read such times");
}

#[test]
fn a_batch_that_comes_again_is_known_to_this_checkpoint_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, rows) = (sink(&folder), counts(&[("a", Some(1))]));
    let earlier = BatchTime::from_millis(TIME.millis() - 1);
    write(&mut *open(&sink, &rows), TIME, &rows);
    let mut again = open(&sink, &rows);
    assert!(again.is_published(TIME).unwrap() && again.is_published(earlier).unwrap());
    assert!(!again.is_published(BatchTime::from_millis(TIME.millis() + 1)).unwrap());
    write(&mut *again, TIME, &rows);
    assert_eq!(query(&sink, "SELECT * FROM counts").len(), 1);
    let mut others = opening(&rows[0][0].schema());
    others.checkpoint = Some("c2".to_owned());
    write(&mut *sink.open(&others).unwrap(), TIME, &rows);
    others.checkpoint = None;
    write(&mut *sink.open(&others).unwrap(), TIME, &rows);
    assert_eq!(query(&sink, "SELECT * FROM counts").len(), 3);
    assert_eq!(query(&sink, "SELECT * FROM tidemill_epochs").len(), 2);
}

#[test]
fn nothing_is_seen_before_the_commit_and_nothing_of_a_batch_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, rows) = (sink(&folder), counts(&[("a", Some(1)), ("b", Some(2))]));
    let mut writer = open(&sink, &rows);
    writer.stage(TIME, &rows).unwrap();
    assert!(query(&sink, "SELECT * FROM counts").is_empty());
    let other = Connection::open(&sink.path).unwrap();
    let fail =
        "CREATE TRIGGER no BEFORE INSERT ON counts WHEN new.word = 'b' BEGIN SELECT raise(FAIL, 'no b'); END";
    other.execute_batch(fail).unwrap();
    let error = writer.publish(TIME).unwrap_err().to_string();
    assert_eq!(error, format!("cannot write to the database {}: no b", sink.path.display()));
    assert!(query(&sink, "SELECT * FROM counts").is_empty() && !writer.is_published(TIME).unwrap());
    other.execute_batch("DROP TRIGGER no").unwrap();
    writer.publish(TIME).unwrap();
    assert_eq!(query(&sink, "SELECT * FROM counts").len(), 2);
}

#[test]
fn a_database_that_others_lock_is_waited_for_and_then_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let rows = counts(&[("a", Some(1))]);
    let hasty = Sqlite { busy_timeout: Period::millis(1), ..sink(&folder) };
    let mut writer = open(&hasty, &rows);
    let other = Connection::open(&hasty.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.stage(TIME, &rows).unwrap();
    let error = writer.publish(TIME).unwrap_err().to_string();
    assert!(error.contains("another program has locked it for longer than 1ms; "), "{error}");
    assert!(error.ends_with("or raise busy_timeout"), "{error}");
    hasty.check(&rows[0][0].schema()).unwrap();
    let mut patient = open(&sink(&folder), &rows);
    let waiting = std::thread::spawn(move || write(&mut *patient, TIME, &counts(&[("b", None)])));
    std::thread::yield_now();
    other.execute_batch("COMMIT").unwrap();
    waiting.join().unwrap();
    assert_eq!(query(&hasty, "SELECT * FROM counts"), [word("b", None)]);
}

/// What `check` says of `sink` where the database was made by `sql`.
fn checked(sql: &str, change: impl Fn(Sqlite) -> Sqlite) -> String {
    let folder = tempfile::tempdir().unwrap();
    let sink = change(Sqlite { path: folder.path().join("rows.db"), ..sink(&folder) });
    Connection::open(&sink.path).unwrap().execute_batch(sql).unwrap();
    let found = sink.check(&counts(&[("a", None)])[0][0].schema());
    let text = found.map_or_else(|error| error.to_string(), |()| "good".to_owned());
    text.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_table_that_does_not_fit_is_found_by_check() {
    let says = |columns: &str| checked(&format!("CREATE TABLE counts ({columns})"), |sink| sink);
    assert_eq!(says("id INTEGER PRIMARY KEY, Word TEXT NOT NULL, n INTEGER, note TEXT"), "good");
    assert_eq!(
        says("word TEXT, m INTEGER"),
        "table: `counts` in rows.db has no column `n`, which the rows have; add it, or name another table: it has (word, m)"
    );
    assert_eq!(
        says("word INTEGER, n INTEGER"),
        "table: `counts` in rows.db has `word` as INTEGER, in which utf8 would not stay what it is; make it TEXT, or name another table"
    );
    assert!(says("word TEXT, n INTEGER NOT NULL").contains("as `n` is NOT NULL; let it be null"));
    assert!(
        says("word TEXT, n INTEGER, z TEXT NOT NULL")
            .contains("needs a value in `z`, which the rows don't have")
    );
    assert_eq!(says("word TEXT, n INTEGER, z TEXT NOT NULL DEFAULT ''"), "good");
    assert!(says("word TEXT, n INTEGER AS (1)").contains("computes `n` itself"));
    let view = checked("CREATE VIEW counts AS SELECT 'a' AS word, 1 AS n", |sink| sink);
    assert_eq!(view, "table: `counts` in rows.db is no table; name one");
}

#[test]
fn a_key_has_to_be_one_of_the_tables_own() {
    let with_key = |sql: &str| {
        checked(sql, |sink| Sqlite { mode: WriteMode::Upsert, key: vec!["word".to_owned()], ..sink })
    };
    let table = "CREATE TABLE counts (word TEXT, n INTEGER);";
    assert_eq!(
        with_key(table),
        "key: `counts` in rows.db lets several rows have the same (word); make it a key: CREATE UNIQUE INDEX … ON counts (word)"
    );
    assert_eq!(with_key(&format!("{table} CREATE UNIQUE INDEX i ON counts (word)")), "good");
    assert_eq!(with_key("CREATE TABLE counts (WORD TEXT PRIMARY KEY, n INTEGER)"), "good");
    for other in ["(word, n)", "(word) WHERE n > 0", "(lower(word))"] {
        let said = with_key(&format!("{table} CREATE UNIQUE INDEX i ON counts {other}"));
        assert!(said.contains("make it a key"), "{other}: {said}");
    }
}

#[test]
fn what_is_missing_or_no_database_is_found_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let schema = counts(&[("a", None)])[0][0].schema();
    let says =
        |sink: &Sqlite| sink.check(&schema).map_or_else(|error| error.to_string(), |()| "good".to_owned());
    let sink = sink(&folder);
    assert_eq!(says(&sink), "good");
    assert!(!sink.path.exists(), "check makes nothing");
    let found = Sqlite { create: false, ..sink.clone() };
    assert!(
        says(&found).ends_with("make it with the table `counts`, or set create = true"),
        "{}",
        says(&found)
    );
    std::fs::create_dir(folder.path().join("out")).unwrap();
    Connection::open(&sink.path).unwrap().execute_batch("CREATE TABLE other (n)").unwrap();
    assert_eq!(says(&sink), "good");
    assert!(says(&found).starts_with("table: there is no table `counts` in "), "{}", says(&found));
    std::fs::write(&sink.path, "this is a text and not a database, and as long as it takes").unwrap();
    assert!(says(&sink).ends_with("it is no SQLite database; name another file"), "{}", says(&sink));
    let within = Sqlite { path: sink.path.join("rows.db"), ..sink };
    assert!(says(&within).contains("cannot write to directory"), "{}", says(&within));
    let epochs = Sqlite { table: "Tidemill_Epochs".to_owned(), ..found };
    assert!(says(&epochs).contains("keep `tidemill_epochs` for themselves"), "{}", says(&epochs));
}

//! The sink `postgres`, against a real server.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use tidemill::record::{BatchTime, Partition, UTC};
use tidemill::sink::{Address, Opening, Postgres, Sink, SinkError, WriteMode, Writer};

use super::super::support::{self, Database, Project, Relay, database, wait_until};
use super::pipeline::{Sums, kill_at_each_point, kill_at_random, orders};

const TIME: BatchTime = BatchTime::from_millis(1_795_548_601_000);

fn counts(rows: &[(&str, Option<i64>)]) -> Vec<Partition> {
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
    let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
    let columns = [("word", words, false), ("n", numbers, true)];
    vec![vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]]
}

/// The sink that makes the table `table` in `database`.
fn sink(database: &Database<'_>, table: &str) -> Postgres {
    let address = Address::try_from(database.address()).unwrap();
    Postgres { create: true, ..Postgres::new(address, table) }
}

fn upsert(database: &Database<'_>, table: &str) -> Postgres {
    Postgres { mode: WriteMode::Upsert, key: vec!["word".to_owned()], ..sink(database, table) }
}

fn open(sink: &Postgres, rows: &[Partition], checkpoint: Option<&str>) -> Result<Box<dyn Writer>, SinkError> {
    let opening = Opening::new("p", "out", &rows[0][0].schema());
    sink.open(&Opening { checkpoint: checkpoint.map(str::to_owned), ..opening })
}

fn write(writer: &mut dyn Writer, millis: i64, rows: &[Partition]) {
    let time = BatchTime::from_millis(TIME.millis() + millis);
    writer.stage(time, rows).unwrap();
    writer.publish(time).unwrap();
    writer.publish(time).unwrap();
}

#[test]
fn rows_are_added_batch_after_batch_or_replace_those_with_their_key() {
    let database = database("modes");
    let first = counts(&[("a", Some(1)), ("b", None), ("a", Some(2))]);
    database.query("CREATE SCHEMA \"my stats\"");
    for sink in [sink(&database, "counts"), upsert(&database, "my stats.latest")] {
        let mut writer = open(&sink, &first, Some("c1")).unwrap();
        write(&mut *writer, 0, &first);
        write(&mut *writer, 1, &counts(&[("b", Some(3))]));
        write(&mut *writer, 2, &[]);
        writer.close().unwrap();
    }
    assert_eq!(database.query("SELECT * FROM counts"), ["a|1", "b|", "a|2", "b|3"]);
    assert_eq!(database.query("SELECT * FROM \"my stats\".latest ORDER BY word"), ["a|2", "b|3"]);
    let epochs =
        database.query("SELECT pipeline, sink, checkpoint, batch_time FROM \"my stats\".tidemill_epochs");
    assert_eq!(epochs, ["p|out|c1|1795548601001"]);
}

#[test]
fn every_type_has_its_place() {
    let database = database("types");
    let times = TimestampMicrosecondArray::from(vec![Some(i64::MAX), Some(i64::MIN)]);
    let columns: [(&str, ArrayRef, bool); 6] = [
        ("yes", Arc::new(BooleanArray::from(vec![Some(true), None])), true),
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None])), true),
        ("share", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(f64::NEG_INFINITY)])), false),
        ("a \"text\"", Arc::new(StringArray::from(vec![Some("a\0\u{1f30a}"), None])), true),
        ("bytes", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\0\xff"), None])), true),
        ("at", Arc::new(times.with_timezone(UTC)), true),
    ];
    let rows = vec![vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]];
    let sink = Postgres { time_column: Some("batch".to_owned()), ..sink(&database, "all_types") };
    write(&mut *open(&sink, &rows, None).unwrap(), 0, &rows);
    let found = database.query("SET TIME ZONE 'UTC'; SELECT * FROM all_types");
    assert_eq!(
        found,
        [
            "t|-9223372036854775808|NaN|a\u{fffd}\u{1f30a}|\\x00ff|294247-01-10 04:00:54.775807+00|2026-11-24 19:30:01+00",
            "||-Infinity|||-infinity|2026-11-24 19:30:01+00",
        ]
    );
}

#[test]
fn a_table_of_others_gets_what_its_columns_can_hold() {
    let database = database("casts");
    database.query(
        "CREATE TABLE found (id bigserial, n integer, word jsonb, at timestamp, note text DEFAULT 'none')",
    );
    let columns: [(&str, ArrayRef); 3] = [
        ("word", Arc::new(StringArray::from(vec!["{\"a\": 1}", "[2]"]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0, 1_000_000]).with_timezone(UTC))),
        ("n", Arc::new(Int64Array::from(vec![7, 8]))),
    ];
    let rows = vec![vec![RecordBatch::try_from_iter(columns).unwrap()]];
    let sink = Postgres { create: false, ..sink(&database, "found") };
    let mut writer = open(&sink, &rows, None).unwrap();
    write(&mut *writer, 0, &rows);
    assert_eq!(
        database.query("SELECT * FROM found"),
        ["1|7|{\"a\": 1}|1970-01-01 00:00:00|none", "2|8|[2]|1970-01-01 00:00:01|none"]
    );
    database.query("DELETE FROM found; ALTER TABLE found ADD CHECK (n < 8)");
    writer.stage(BatchTime::from_millis(TIME.millis() + 1), &rows).unwrap();
    let error = writer.publish(BatchTime::from_millis(TIME.millis() + 1)).unwrap_err().to_string();
    assert!(error.starts_with("cannot write to the database casts at 127.0.0.1:"), "{error}");
    assert!(error.contains("violates check constraint \"found_n_check\"; Failing row contains"), "{error}");
    assert!(database.query("SELECT * FROM found").is_empty(), "a batch is there whole or not at all");
}

#[test]
fn a_batch_that_comes_again_is_known_to_this_checkpoint_and_to_no_other() {
    let database = database("epochs");
    let (sink, rows) = (sink(&database, "counts"), counts(&[("a", Some(1))]));
    write(&mut *open(&sink, &rows, Some("c1")).unwrap(), 0, &rows);
    let mut again = open(&sink, &rows, Some("c1")).unwrap();
    assert!(again.is_published(TIME).unwrap());
    assert!(!again.is_published(BatchTime::from_millis(TIME.millis() + 1)).unwrap());
    write(&mut *again, 0, &rows);
    assert_eq!(database.query("SELECT count(*) FROM counts"), ["1"]);
    for checkpoint in [Some("c2"), None, None] {
        let mut other = open(&sink, &rows, checkpoint).unwrap();
        write(&mut *other, 0, &rows);
        other.close().unwrap();
    }
    assert_eq!(database.query("SELECT count(*) FROM counts"), ["4"]);
    assert_eq!(database.query("SELECT checkpoint FROM tidemill_epochs ORDER BY 1"), ["c1", "c2"]);
}

/// What is said of `sink` in a database where `sql` was run.
#[track_caller]
fn refused(sink: &Postgres) -> String {
    open(sink, &counts(&[("a", None)]), None).err().unwrap().to_string()
}

#[test]
fn a_table_that_does_not_fit_is_told_with_what_to_do() {
    let database = database("misfits");
    let refused_after = |sql: &str, sink: &Postgres| {
        database.query(&format!("DROP TABLE IF EXISTS counts; {sql}"));
        refused(&Postgres { create: false, ..sink.clone() })
    };
    let (add, replace) = (sink(&database, "counts"), upsert(&database, "counts"));
    assert!(refused_after("", &add).starts_with("table: there is no table `counts` in misfits at "));
    let said = refused_after("CREATE TABLE counts (word text, m bigint)", &add);
    assert!(said.starts_with("table: `counts` in misfits at 127.0.0.1:"), "{said}");
    let end = " has no column `n`, which the rows have; add it, or name another table: it has (word, m)";
    assert!(said.ends_with(end), "{said}");
    let said = refused_after("CREATE TABLE counts (word text, n real)", &add);
    assert!(
        said.contains("has `n` as real, in which int64 would not stay what it is; make it bigint"),
        "{said}"
    );
    let said = refused_after("CREATE TABLE counts (word text, n bigint NOT NULL)", &add);
    assert!(said.contains("as `n` is NOT NULL"), "{said}");
    let said = refused_after("CREATE TABLE counts (word text, n bigint, z int NOT NULL)", &add);
    assert!(said.contains("needs a value in `z`"), "{said}");
    let said =
        refused_after("CREATE TABLE counts (word text, n bigint GENERATED ALWAYS AS (1) STORED)", &add);
    assert!(said.contains("computes `n` itself"), "{said}");
    for key in
        ["", "CREATE UNIQUE INDEX ON counts (word, n)", "CREATE UNIQUE INDEX ON counts (word) WHERE n > 0"]
    {
        let said = refused_after(&format!("CREATE TABLE counts (word text, n bigint); {key}"), &replace);
        assert!(said.ends_with("make it a key: CREATE UNIQUE INDEX … ON counts (word)"), "{key}: {said}");
    }
    database.query("CREATE UNIQUE INDEX ON counts (word) INCLUDE (n)");
    assert!(open(&Postgres { create: false, ..replace }, &counts(&[("a", None)]), None).is_ok());
    database.query("DROP TABLE counts; CREATE VIEW counts AS SELECT 'a' AS word, 1::bigint AS n");
    assert!(refused(&add).ends_with(" is no table; name one"));
}

#[test]
fn a_wrong_password_is_told_at_once_and_never_shown() {
    let database = database("secrets");
    let address = Address::try_from(database.address_with("hunter2")).unwrap();
    let said = refused(&Postgres::new(address, "counts"));
    assert!(said.contains("password authentication failed for user") && !said.contains("hunter2"), "{said}");
    let project = orders(&options_at(&database.address_with("hunter2")));
    let finished = project.run(&["--log-level", "trace"]);
    assert_eq!(finished.code, Some(1));
    assert!(!finished.stderr.contains("hunter2"), "{}", finished.stderr);
}

fn options(database: &Database<'_>) -> String {
    options_at(&database.address())
}

fn options_at(address: &str) -> String {
    format!("kind = \"postgres\"\nconnection = \"{address}\"")
}

fn sums(database: &Database<'_>) -> Option<Sums> {
    let read = |sql: &str| {
        let rows = database.try_query(sql)?;
        let rows = rows.iter().map(|row| row.split_once('|').unwrap());
        Some(rows.map(|(key, n)| (key.to_owned(), n.parse().unwrap())).collect())
    };
    Some((read("SELECT key, sum(n) FROM sums GROUP BY key")?, read("SELECT key, n FROM totals")?))
}

#[test]
fn killed_at_any_time_each_batch_is_in_the_tables_once() {
    let database = database("killed");
    let project = orders(&options(&database));
    kill_at_random(&project, 10, || sums(&database));
    let twice = "SELECT key, batch FROM sums GROUP BY key, batch HAVING count(*) > 1";
    assert!(database.query(twice).is_empty());
}

#[test]
fn killed_at_each_point_of_a_transaction_it_has_the_batch_once() {
    let database = database("points");
    let project = orders(&options(&database));
    kill_at_each_point(&project, || sums(&database));
}

#[test]
fn a_transaction_that_a_machine_left_open_when_it_went_stops_nobody() {
    let database = database("gone");
    let relay = Relay::start(database.port());
    let project = orders(&options_at(&database.address_at(relay.port())));
    project.succeed(&["--once"]);
    order(&project, 1);
    let written = [("FAILPOINTS", "transaction.written=return(kill)")];
    assert_eq!(project.start_with(&["--once"], &written).finish().code, None);
    let open =
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state LIKE '%transaction'";
    assert_eq!(database.query(open), ["idle in transaction"], "the server has not heard of it");
    let next = project.succeed(&["--once"]);
    assert_eq!(next.num_logged("connection lost"), 0, "its sinks don't end each other's: {}", next.stderr);
    let one = [("a".to_owned(), 1)];
    assert_eq!(sums(&database), Some((one.clone().into(), one.into())));
    assert!(database.query(open).is_empty());
}

#[test]
fn a_table_that_somebody_locks_is_waited_for_and_the_log_says_so() {
    let database = database("locked");
    let address = format!("{}?options=-c%20lock_timeout=100ms", database.address());
    let project = orders(&options_at(&address));
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    std::thread::scope(|scope| {
        // It fails when it is ended.
        scope.spawn(|| database.try_query("BEGIN; LOCK TABLE totals; SELECT pg_sleep(60)"));
        let has_lock = "SELECT pid FROM pg_locks WHERE granted AND relation = 'totals'::regclass
                        AND mode = 'AccessExclusiveLock'";
        let pid = wait_until("the lock", || database.query(has_lock).pop());
        order(&project, 1);
        program.wait_for_log("canceling statement due to lock timeout", 1);
        database.query(&format!("SELECT pg_terminate_backend({pid})"));
    });
    wait_for_total(&database, 1);
    program.signal("INT");
    assert_eq!(program.await_end().code, Some(0));
}

fn wait_for_total(database: &Database<'_>, total: i64) {
    wait_until("the total", || sums(database).filter(|(_, totals)| totals.get("a") == Some(&total)));
}

fn order(project: &Project, number: i64) {
    project.move_in(&format!("orders/{number}.csv"), format!("a,{number}\n"));
}

#[test]
fn a_server_that_is_away_at_the_start_or_later_is_waited_for() {
    let mut server = support::Postgres::start();
    let address = {
        let database = server.database("away");
        options(&database)
    };
    server.stop();
    let project = orders(&address);
    let program = project.start(&[]);
    program.wait_for_log("cannot connect, retrying", 2);
    program.wait_for_log("running", 1);
    order(&project, 1);
    server.resume();
    wait_for_total(&server.existing("away"), 1);
    server.stop();
    order(&project, 2);
    program.wait_for_log("connection lost", 1);
    server.resume();
    let database = server.existing("away");
    wait_for_total(&database, 3);
    // A connection that someone ends is made again too.
    database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemill orders'",
    );
    order(&project, 4);
    wait_for_total(&database, 7);
    assert_eq!(sums(&database).unwrap().0.get("a"), Some(&7));
    program.signal("INT");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

//! The sink `sqlite`, through the real program.

use rusqlite::Connection;

use super::super::support::{Project, wait_until};
use super::pipeline::{Sums, kill_at_each_point, kill_at_random, orders};

const SINK: &str = "kind = \"sqlite\"\npath = \"out/orders.db\"";

fn open(project: &Project) -> Option<Connection> {
    let path = project.path("out/orders.db");
    path.exists().then(|| Connection::open(path).unwrap())
}

/// The rows `(key, n)` that `sql` answers; none where it can't be asked yet.
fn read(database: &Connection, sql: &str) -> Option<Vec<(String, i64)>> {
    let mut statement = database.prepare(sql).ok()?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).ok()?;
    rows.collect::<Result<_, _>>().ok()
}

fn sums(project: &Project) -> Option<Sums> {
    let database = open(project)?;
    let sums = read(&database, "SELECT key, sum(n) FROM sums GROUP BY key")?;
    let totals = read(&database, "SELECT key, n FROM totals")?;
    Some((sums.into_iter().collect(), totals.into_iter().collect()))
}

#[test]
fn killed_at_any_time_each_batch_is_in_the_tables_once() {
    let project = orders(SINK);
    kill_at_random(&project, 10, || sums(&project));
    let database = open(&project).unwrap();
    let twice = "SELECT key, count(*) FROM sums GROUP BY key, batch HAVING count(*) > 1";
    assert_eq!(read(&database, twice), Some(Vec::new()));
}

#[test]
fn killed_at_each_point_of_a_transaction_it_has_the_batch_once() {
    let project = orders(SINK);
    kill_at_each_point(&project, || sums(&project));
}

#[test]
fn a_disk_without_room_ends_it_and_the_next_run_has_the_rows() {
    let project = orders(SINK);
    project.succeed(&["--once"]);
    project.move_in("orders/1.csv", "a,1\n");
    let full =
        project.start_with(&["--once"], &[("FAILPOINTS", "transaction.written=return(full)")]).finish();
    assert_eq!(full.code, Some(1));
    let error = full.error();
    assert!(
        error.contains("sink `sums` failed: cannot write to ") && error.contains("o space left"),
        "{error}"
    );
    project.succeed(&["--once"]);
    let one = [("a".to_owned(), 1)];
    assert_eq!(sums(&project), Some((one.clone().into(), one.into())));
}

#[test]
fn a_database_that_another_program_locks_is_waited_for() {
    let project = orders(SINK);
    let mut program = project.start(&[]);
    program.wait_for_log("running", 1);
    let other = open(&project).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    project.move_in("orders/1.csv", "a,1\n");
    // While it is locked, it can be read: nothing is there.
    assert_eq!(sums(&project).map(|(sums, _)| sums.len()), Some(0));
    other.execute_batch("COMMIT").unwrap();
    wait_until("the rows", || sums(&project).filter(|(_, totals)| totals.get("a") == Some(&1)));
    program.kill();
}

#[test]
fn rows_that_a_locked_database_did_not_take_are_there_after_the_next_start() {
    let project = orders(&format!("{SINK}\nbusy_timeout = \"10ms\""));
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    let other = open(&project).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    project.move_in("orders/1.csv", "a,1\n");
    let failed = program.await_end();
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.error().contains("another program has locked it for longer than 10ms"),
        "{}",
        failed.error()
    );
    other.execute_batch("COMMIT").unwrap();
    project.succeed(&["--once"]);
    let one = [("a".to_owned(), 1)];
    assert_eq!(sums(&project), Some((one.clone().into(), one.into())));
}

#[test]
fn a_table_that_does_not_fit_ends_it_before_anything_runs() {
    let project = orders(SINK);
    project.make_folder("out");
    Connection::open(project.path("out/orders.db"))
        .unwrap()
        .execute_batch("CREATE TABLE sums (key TEXT)")
        .unwrap();
    for finished in [project.run(&[]), project.command(&["check"], &[])] {
        assert_eq!(finished.code, Some(2));
        let error = finished.error();
        assert!(
            error.contains("sinks.sums.table: `sums` in ") && error.contains("has no column `n`"),
            "{error}"
        );
    }
}

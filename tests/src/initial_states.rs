//! States that keys begin with: from a file that the manifest names, or as rows of the program.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tidemill::batch::ManualClock;
use tidemill::context::{RunOptions, StartError, StreamingContext};
use tidemill::operator::{InitialState, MapWithState};
use tidemill::plugin::PluginSpec;
use tidemill::record::Period;
use tidemill::source::{Queue, Take};

use super::support::{Batches, Kept, PATIENCE, Project, plugin, rows};

const MANIFEST: &str = r#"
[pipeline]
name = "totals"
batch_interval = "50ms"

[plugins.running]
path = "@running_sum"

[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { client = "utf8", n = "int64" }

[streams.totals]
op = "update_state_by_key"
from = "orders"
key = ["client"]
plugin = "running"
initial_state = { path = "totals.csv", header = true }

[sinks.out]
kind = "files"
from = "totals"
path = "out/totals"
"#;

#[test]
fn keys_of_the_file_have_their_states_in_the_first_batch_whatever_the_workers() {
    let run = |workers: &str| {
        let project = Project::new(MANIFEST);
        project.write("orders/a.csv", "ada,1\nbob,2\neve,3\n");
        let others = (0..10_000).map(|n| format!("{n},c{n}\n")).collect::<String>();
        project.write("totals.csv", format!("n,client\n10,ada\n20,cid\n{others}"));
        project.succeed(&["--once", "--workers", workers]);
        rows(&project.path("out"), "totals")
    };
    let totals = run("1");
    assert_eq!(totals.len(), 10_004);
    for row in ["(ada, 11)", "(bob, 2)", "(cid, 20)", "(eve, 3)", "(c9999, 9999)"] {
        assert!(totals.iter().any(|found| found == row), "{row} is missing");
    }
    assert!(run("4") == totals, "another with 4 workers");
}

#[test]
fn jsonl_and_csv_without_names_are_read_too() {
    for (change, text) in
        [("format = \"jsonl\"", "{\"n\": 5, \"client\": \"ada\"}\n"), ("separator = \"|\"", "ada|5\n")]
    {
        let project = Project::new(&MANIFEST.replace("header = true", change));
        project.write("orders/a.csv", "ada,1\n");
        project.write("totals.csv", text);
        project.succeed(&["--once"]);
        assert_eq!(rows(&project.path("out"), "totals"), ["(ada, 6)"], "{change}");
    }
}

#[test]
fn what_is_wrong_with_the_file_is_found_by_check_with_its_line() {
    let problem = |text: Option<&str>, change: &str| {
        let project = Project::new(&MANIFEST.replace("header = true", change));
        project.make_folder("orders");
        if let Some(text) = text {
            project.write("totals.csv", text);
        }
        let finished = project.command(&["check"], &[]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        let error = finished.error().to_owned();
        let place = "streams.totals.initial_state: ";
        let (_, problem) = error.split_once(place).unwrap_or_else(|| panic!("not about {place}: {error}"));
        problem.to_owned()
    };
    assert_eq!(
        problem(Some("n,client\n1,ada\n2,bob\n3,ada\n"), "header = true"),
        "the key `ada` is there twice; keep one of its states"
    );
    assert_eq!(
        problem(Some("ada,1\nbob,two\n"), "header = false"),
        "totals.csv:2: column `n`: `two` is no int64; every record needs the columns of the key and of the state, (client: utf8, n: int64)"
    );
    assert!(
        problem(Some("who,n\nada,1\n"), "header = true").starts_with("totals.csv:2: column `client` is ")
    );
    assert!(problem(None, "header = true").ends_with("; correct its `path`"));
    assert!(problem(Some(""), "format = \"text\"").starts_with("`format` must be "));
}

/// What comes out of batches of `values` of the key `ada`, with states to begin with and a timeout of two batches.
fn visited(initial: InitialState, values: &[&[&str]]) -> Result<Batches, StartError> {
    let clock = Arc::new(ManualClock::new(0));
    let mut context = StreamingContext::new("visits", Duration::from_secs(1)).unwrap();
    context.clock(Arc::clone(&clock) as Arc<_>);
    let rows = |paths: &[&str]| {
        let client: ArrayRef = Arc::new(StringArray::from(vec!["ada"; paths.len()]));
        let port: ArrayRef = Arc::new(Int64Array::from(vec![1; paths.len()]));
        let path: ArrayRef = Arc::new(StringArray::from(paths.to_vec()));
        RecordBatch::try_from_iter([("client", client), ("port", port), ("path", path)]).unwrap()
    };
    let queue = Queue::new(rows(&[]).schema(), Take::One);
    values.iter().for_each(|paths| queue.push(rows(paths)).unwrap());
    let requests = context.queue_stream("requests", &queue);
    context.plugin("visits", PluginSpec::new(plugin("visits")));
    let map = MapWithState {
        plugin: "visits".to_owned(),
        key: vec!["client".to_owned(), "port".to_owned()],
        timeout: Some(Period::millis(2000)),
        initial_state: Some(initial),
    };
    let visits = context.operator("visits", &[&requests], map);
    let kept = Kept::default();
    context.sink("kept", &visits, kept.clone());
    let batches = values.len() as u64;
    let running = context.start(&RunOptions { batches: Some(batches), ..RunOptions::default() })?;
    clock.advance(1000 * i64::try_from(batches).unwrap());
    running.await_termination_or_timeout(PATIENCE).expect("it ends").unwrap();
    Ok(kept.batches())
}

fn seen(clients: &[&str]) -> RecordBatch {
    let visits: ArrayRef = Arc::new(Int64Array::from(vec![7; clients.len()]));
    let last_path: ArrayRef = Arc::new(StringArray::from(vec!["/home"; clients.len()]));
    let port: ArrayRef = Arc::new(Int64Array::from(vec![1; clients.len()]));
    let client: ArrayRef = Arc::new(StringArray::from(clients.to_vec()));
    let columns = [("visits", visits), ("last_path", last_path), ("port", port), ("client", client)];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn rows_of_the_program_count_as_touched_by_the_first_batch() {
    let values: [&[&str]; 4] = [&[], &["/cart"], &[], &[]];
    let batches = visited(seen(&["ada", "bob"]).into(), &values).unwrap();
    let rows = |number: usize| batches[number].1.clone();
    assert_eq!(rows(0), Vec::<String>::new());
    assert_eq!(rows(1), ["(ada, 1, 8, /cart, 1970-01-01T00:00:02Z)"]);
    assert_eq!(rows(2), Vec::<String>::new());
    assert_eq!(rows(3), ["(bob, 1, 7, bob:1 left /home, 1970-01-01T00:00:04Z)"]);
}

#[test]
fn rows_of_the_program_need_the_columns_of_key_and_state_and_each_key_once() {
    let problem = |rows: InitialState| match visited(rows, &[&[]]) {
        Err(StartError::Wrong(fault)) => fault.to_string(),
        other => panic!("it is not refused: {:?}", other.map(drop)),
    };
    let blocks = InitialState::Rows(vec![seen(&["ada"]), seen(&["bob", "ada"])]);
    assert_eq!(
        problem(blocks),
        "streams.visits.initial_state: the key `(ada, 1)` is there twice; keep one of its states"
    );
    let lacking = seen(&["ada"]).project(&[0, 2, 3]).unwrap();
    let text = problem(lacking.into());
    assert!(text.ends_with("give them those of the key and of the state, (client: utf8, port: int64, visits: int64, last_path: utf8)"), "{text}");
}

//! Rows that were set aside: how they are kept and looked at, and in `replay` what becomes of another try.

mod replay;

use std::fs;

use serde_json::Value;

use super::support::{Finished, Program, Project};

/// Orders, of which `worth` refuses those without an amount.
const ORDERS: &str = "\
    {\"id\": 9007199254740993, \"price\": 2.5, \"amount\": 10, \"at\": \"2026-11-20T19:30:01.000001Z\"}\n\
    {\"id\": 9007199254740995, \"price\": \"NaN\", \"at\": \"2026-11-20T19:30:02.000001Z\", \"blob\": \"00ff\"}\n\
    {\"id\": 3, \"price\": 1.5, \"amount\": -7}\n\
    {\"id\": 4, \"price\": 2.0, \"amount\": 2}\n";

/// Values orders with `plugin` into `out/valued`, and counts what comes of it into `out/counts`. The amount is of the
/// type `amount`, and `dead` is the rest of [dead_letters].
fn manifest(plugin: &str, amount: &str, dead: &str) -> String {
    format!(
        r#"
        [pipeline]
        name = "orders"
        batch_interval = "50ms"
        [plugins.value]
        path = "@{plugin}"
        {}
        [sources.orders]
        kind = "stdin"
        format = "jsonl"
        schema = {{ id = "int64", price = "float64", amount = "{amount}", at = "timestamp?", blob = "binary?" }}
        [streams.valued]
        op = "transform"
        from = "orders"
        plugin = "value"
        [streams.counts]
        op = "count"
        from = "valued"
        [streams.all]
        op = "count"
        from = "orders"
        [sinks.valued]
        kind = "files"
        from = "valued"
        path = "out/valued"
        format = "jsonl"
        skip_empty = true
        [sinks.counts]
        kind = "files"
        from = "counts"
        path = "out/counts"
        [sinks.all]
        kind = "files"
        from = "all"
        path = "out/all"
        [dead_letters]
        kind = "files"
        path = "dead"
        {dead}
        "#,
        if plugin == "select" { r#"config = { columns = ["id", "price", "at", "blob"] }"# } else { "" }
    )
}

/// A pipeline that has valued `orders`.
#[track_caller]
fn valued(orders: &str, dead: &str) -> Project {
    let project = Project::new(&manifest("worth", "int64?", dead));
    value(&project, orders);
    project
}

#[track_caller]
fn value(project: &Project, orders: &str) -> Finished {
    let mut program = project.start(&["--once"]);
    program.write(orders);
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

#[track_caller]
fn dead_letters(project: &Project, command: &str, options: &[&str]) -> Finished {
    let finished = project.command(&["dead-letters", command], options);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished
}

#[track_caller]
fn json(project: &Project, command: &str, options: &[&str]) -> Vec<Value> {
    let finished = dead_letters(project, command, &[options, &["--format", "json"]].concat());
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many letters of a group there are, and how many of them were replayed.
fn counts(group: &Value) -> (u64, u64) {
    (group["letters"].as_u64().unwrap(), group["replayed"].as_u64().unwrap())
}

fn refusals(num: usize) -> String {
    (0..num).map(|id| format!("{{\"id\": {id}, \"price\": 1.0}}\n")).collect()
}

#[test]
fn letters_are_counted_by_operator_kind_and_plugin() {
    let project = valued(&[ORDERS, "no object\n", &refusals(3)].concat(), "");
    let groups = json(&project, "list", &[]);
    assert_eq!(groups.len(), 2, "{groups:?}");
    let of = |origin: &str| groups.iter().find(|group| group["origin"] == origin).unwrap();
    let (refused, undecodable) = (of("valued"), of("orders"));
    assert_eq!((&refused["kind"], &undecodable["kind"]), (&"reject".into(), &"undecodable".into()));
    assert_eq!((counts(refused), counts(undecodable)), ((5, 0), (1, 0)));
    assert_eq!(refused["reason"], "the order has no amount");
    assert_eq!(refused["plugin"]["name"], "value");
    let digest = refused["plugin"]["digest"].as_str().unwrap();
    assert_eq!((undecodable["plugin"].is_null(), digest.len()), (true, 64));

    let table = dead_letters(&project, "list", &[]).stdout;
    let head = table.lines().next().unwrap();
    assert!(head.starts_with("pipeline  operator  kind"), "{table}");
    let row = table.lines().find(|line| line.contains("valued")).unwrap();
    assert!(row.contains(&digest[..12]) && row.ends_with("the order has no amount"), "{table}");
    // A folder says the same as the manifest that names it.
    let folder = project.path("dead");
    let listed = Program::start(&["dead-letters", "list", folder.to_str().unwrap()]).finish();
    assert_eq!(listed.stdout, table);
}

#[test]
fn letters_are_shown_as_they_were_written_and_only_those_that_are_meant() {
    let project = valued(&[ORDERS, "no object\n"].concat(), "");
    let all = json(&project, "show", &[]);
    assert_eq!(all.len(), 3, "{all:?}");
    let shown = json(&project, "show", &["--operator", "valued", "--limit", "1"]);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["pipeline"], "orders");
    assert_eq!(shown[0]["origin"], "valued");
    assert_eq!(
        shown[0]["row"].to_string(),
        r#"{"id":9007199254740995,"price":"NaN","amount":null,"at":"2026-11-20T19:30:02.000001Z","blob":"00ff"}"#
    );
    let undecodable = json(&project, "show", &["--kind", "undecodable"]);
    assert_eq!(undecodable[0]["position"], "stdin:5");
    assert_eq!(undecodable[0]["row"]["line"], "no object");
    let time = all[0]["batch_time"].as_str().unwrap();
    assert_eq!(json(&project, "show", &["--since", time, "--until", time]).len(), 3);
    assert!(json(&project, "show", &["--since", "2999-01-01T00:00:00Z"]).is_empty());
    assert!(json(&project, "show", &["--until", "1999-01-01"]).is_empty());

    let text = dead_letters(&project, "show", &["--operator", "valued"]).stdout;
    let first = text.lines().next().unwrap();
    assert_eq!(first, format!("{time} valued reject by value: the order has no amount"));
    let wrong = project.command(&["dead-letters", "show"], &["--kind", "rejected"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("`rejected` is not a kind of dead letter"), "{}", wrong.stderr);
}

#[test]
fn files_are_kept_small_all_of_them_and_whole_after_a_crash() {
    let project = valued(&refusals(100), "max_file = \"4KiB\"");
    let files = project.dead_letter_files("orders");
    assert!(files.len() > 3, "{files:?}");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= 4096), "{files:?}");
    assert_eq!(counts(&json(&project, "list", &[])[0]), (100, 0));

    // A crash in the middle of a line.
    let last = files.last().unwrap();
    let text = fs::read(last).unwrap();
    fs::write(last, &text[..text.len() - 10]).unwrap();
    assert_eq!(counts(&json(&project, "list", &[])[0]), (99, 0));
    let finished = value(&project, &refusals(1));
    assert!(finished.stderr.contains("cut off the beginning of a dead letter"), "{}", finished.stderr);
    assert_eq!(project.dead_letters("orders").len(), 100);
}

#[test]
fn old_files_go_only_where_the_manifest_asks_for_it() {
    let project = valued(&refusals(100), "max_file = \"4KiB\"\nkeep = 2");
    assert_eq!(project.dead_letter_files("orders").len(), 2);
    let left = json(&project, "show", &[]);
    assert_eq!(left.last().unwrap()["row"]["id"], 99);
}

#[test]
fn a_folder_that_can_not_be_written_is_found_before_anything_runs() {
    let project = Project::new(&manifest("worth", "int64?", ""));
    project.write("dead", "a file");
    let checked = project.command(&["check"], &[]);
    assert_eq!(checked.code, Some(2), "{}", checked.stderr);
    let error = checked.error();
    assert!(error.contains("dead_letters.path: cannot write to directory"), "{error}");
    assert!(
        error.contains(project.path("dead").to_str().unwrap()) && error.contains("ot a directory"),
        "{error}"
    );
    project.change_manifest(&manifest("worth", "int64?", "max_file = \"1B\""));
    let checked = project.command(&["check"], &[]);
    assert!(checked.error().contains("`max_file` must be at least 1.0 KiB"), "{}", checked.stderr);
}

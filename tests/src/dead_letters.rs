//! Rows that were set aside: where they are kept, how they are looked at, and what becomes of another try.

use std::fs;
use std::sync::Arc;

use serde_json::Value;
use tidemill::batch::ManualClock;
use tidemill::context::Replay;
use tidemill::dead_letters::Selection;
use tidemill::manifest::Manifest;
use tidemill::plugin::{Engine, EngineOptions};

use super::support::{Finished, Program, Project, Server, cache_folder, rows, wait_until};

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
fn letters_go_through_a_newer_plugin_once_into_the_sinks_below_it() {
    let project = valued(ORDERS, "");
    assert_eq!(rows(&project.path("out"), "valued").len(), 2);
    assert_eq!(rows(&project.path("out"), "all"), ["4"]);
    project.change_manifest(&manifest("select", "int64?", ""));

    let planned = dead_letters(&project, "replay", &["--operator", "valued", "--dry-run"]).stdout;
    assert_eq!(
        planned,
        "Of 2 dead letters of `valued`, 2 would be replayed.\nstreams: valued, counts\nsinks: valued, counts\n"
    );
    assert_eq!(rows(&project.path("out"), "valued").len(), 2);

    dead_letters(&project, "replay", &["--operator", "valued"]);
    let written = rows(&project.path("out"), "valued");
    let replayed: Vec<&String> = written.iter().filter(|row| !row.contains("worth")).collect();
    // The sink's JSON has no word for NaN.
    assert_eq!(
        replayed,
        [
            r#"{"id":3,"price":1.5,"at":null,"blob":null}"#,
            r#"{"id":9007199254740995,"price":null,"at":"2026-11-20T19:30:02.000001Z","blob":"00ff"}"#,
        ]
    );
    // One row a batch: of the run, in which two went through, and of the replay.
    let mut batches = rows(&project.path("out"), "counts");
    batches.retain(|count| count != "0");
    assert_eq!(batches, ["2", "2"]);
    // What doesn't come of the operator did not run.
    assert_eq!(rows(&project.path("out"), "all"), ["4"]);

    assert_eq!(counts(&json(&project, "list", &[])[0]), (2, 2));
    assert!(json(&project, "show", &[]).is_empty());
    assert_eq!(json(&project, "show", &["--replayed"]).len(), 2);
    let again = dead_letters(&project, "replay", &["--operator", "valued"]);
    assert_eq!(again.stdout, "There are no dead letters of `valued` to replay.\n");
    assert_eq!(rows(&project.path("out"), "valued").len(), 4);
}

#[test]
fn what_fails_again_is_a_dead_letter_again() {
    let project = valued(ORDERS, "");
    let replayed = dead_letters(&project, "replay", &["--operator", "valued"]);
    assert!(replayed.stderr.contains("dead_again=2"), "{}", replayed.stderr);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (4, 2));
    let left = json(&project, "show", &[]);
    let reasons: Vec<&str> = left.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["the order has no amount", "the amount is -7"]);
    assert_eq!(left[0]["row"]["price"], "NaN");
}

#[test]
fn letters_that_do_not_fit_the_operator_any_more_stay() {
    let project = valued(ORDERS, "");
    project.change_manifest(&manifest("worth", "int64", ""));
    let planned = dead_letters(&project, "replay", &["--operator", "valued", "--dry-run"]).stdout;
    assert!(planned.starts_with("Of 2 dead letters of `valued`, 1 would be replayed.\n"), "{planned}");
    assert!(planned.contains("column `amount` is null, and its type int64 has no `?`\n"), "{planned}");
}

#[test]
fn a_mark_that_a_crash_prevented_means_another_replay() {
    let project = valued(ORDERS, "");
    project.change_manifest(&manifest("select", "int64?", ""));
    dead_letters(&project, "replay", &["--operator", "valued"]);
    // As if the machine had gone down behind the last publish: of the mark its beginning is on disk.
    let marks = project.path("dead/orders.replayed");
    let text = fs::read(&marks).unwrap();
    fs::write(&marks, &text[..text.len() - 1]).unwrap();
    dead_letters(&project, "replay", &["--operator", "valued"]);
    assert_eq!(rows(&project.path("out"), "valued").len(), 2 + 2 + 2);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (2, 2));
}

#[test]
fn a_pipeline_may_run_while_its_letters_are_replayed() {
    let server = Server::start();
    let manifest = |plugin| {
        let source = format!("kind = \"socket\"\naddress = \"{}\"", server.address());
        manifest(plugin, "int64?", "").replace("kind = \"stdin\"", &source)
    };
    let project = Project::new(&manifest("worth"));
    let program = project.start(&[]);
    let mut connection = server.accept();
    let mut num_sent = 0;
    for round in 1..=5 {
        connection.send(ORDERS);
        num_sent += 4;
        wait_until("the letters", || (project.dead_letters("orders").len() >= 2 * round).then_some(()));
        project.change_manifest(&manifest("select"));
        dead_letters(&project, "replay", &["--operator", "valued"]);
    }
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    assert_eq!(rows(&project.path("out"), "valued").len(), num_sent);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (10, 10));
}

#[test]
fn batches_of_a_replay_have_times_that_no_other_batch_has() {
    let project = valued(ORDERS, "");
    project.change_manifest(&manifest("select", "int64?", ""));
    let engine = Engine::new(&EngineOptions { cache: Some(cache_folder()) }).unwrap();
    // The clock stands still, a millisecond before a batch of the pipeline would be due.
    let clock = Arc::new(ManualClock::new(10_049));
    for _ in 0..3 {
        let pipeline = Manifest::read(&project.path("pipeline.toml")).unwrap().pipeline;
        let replay = Replay::open(pipeline, "valued", &Selection::default(), &engine).unwrap();
        assert_eq!(replay.num_letters(), 2);
        let running = replay.start(&engine, clock.clone(), Vec::new()).unwrap();
        let (summary, tally) = replay.await_termination(running).unwrap();
        assert_eq!((summary.num_batches, tally.num_rows), (1, 2));
        fs::remove_file(project.path("dead/orders.replayed")).unwrap();
    }
    let names = fs::read_dir(project.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
    let times = names.filter_map(|name| name.to_str()?.strip_prefix("valued-100")?.parse::<u32>().ok());
    let mut times: Vec<u32> = times.collect();
    times.sort();
    assert_eq!(times, [51, 52, 53]);
}

#[test]
fn letters_of_an_operator_with_several_inputs_go_into_the_one_that_they_name() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "two"
        batch_interval = "1s"
        [sources.a]
        kind = "stdin"
        [sources.b]
        kind = "stdin"
        format = "jsonl"
        schema = { line = "utf8" }
        [streams.both]
        op = "union"
        from = ["a", "b"]
        [sinks.both]
        kind = "files"
        from = "both"
        path = "out/both"
        [dead_letters]
        kind = "files"
        path = "dead"
        "#,
    );
    let letter = |rest: &str| {
        format!(
            "{{\"pipeline\":\"two\",\"batch_time\":\"2026-11-20T21:53:53Z\",\"origin\":\"both\",\"kind\":\"error\",\"reason\":\"\",{rest}}}\n"
        )
    };
    let letters = [
        letter(r#""input":"a","row":{"line":"of a"}"#),
        letter(r#""row":{"line":"of nobody"}"#),
        letter(r#""input":"b","row":{"line":"of b"}"#),
    ];
    project.write("dead/two.1.jsonl", letters.concat());
    let planned = dead_letters(&project, "replay", &["--operator", "both", "--dry-run"]).stdout;
    assert!(planned.starts_with("Of 3 dead letters of `both`, 2 would be replayed.\n"), "{planned}");
    assert!(planned.ends_with("\n1 do not say which of the operator's inputs they are of\n"), "{planned}");
    dead_letters(&project, "replay", &["--operator", "both"]);
    assert_eq!(rows(&project.path("out"), "both"), ["of a", "of b"]);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (3, 2));
}

#[test]
fn only_letters_of_operators_that_reach_a_sink_can_be_replayed() {
    let project = valued("no object\n", "");
    let refused = |operator| {
        let finished = project.command(&["dead-letters", "replay"], &["--operator", operator]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        finished.error().to_owned()
    };
    assert!(refused("orders").contains("`orders` is a source, and its letters are what it could not decode"));
    assert!(refused("value").contains("the pipeline has no stream `value`; its streams are valued"));
    project.change_manifest(
        &manifest("worth", "int64?", "")
            .replace("kind = \"files\"\n        path = \"dead\"", "kind = \"log\""),
    );
    assert!(refused("valued").contains("dead letters go to the log"));
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

/// Position and reason of what standard input could not decode, of `input` in a format.
#[track_caller]
fn refused(options: &str, input: &[u8]) -> Vec<(String, String)> {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "read"
        batch_interval = "50ms"
        [sources.rows]
        kind = "stdin"
        max_line = 20
        {options}
        [sinks.out]
        kind = "discard"
        from = "rows"
        [dead_letters]
        kind = "files"
        path = "dead"
        "#
    ));
    let mut program = project.start(&["--once"]);
    program.write(input);
    assert_eq!(program.finish().code, Some(0));
    let letters = project.dead_letters("read");
    let text = |letter: &Value, key: &str| letter[key].as_str().unwrap().to_owned();
    letters.iter().map(|letter| (text(letter, "position"), text(letter, "reason"))).collect()
}

#[test]
fn what_standard_input_can_not_decode_is_set_aside_with_its_line_in_every_format() {
    let long = "the line is longer than max_line, 20 B";
    let formats: [(&str, &[u8], [(&str, &str); 3]); 3] = [
        (
            "",
            b"good\n\xff\n123456789012345678901\ngood\n\xc3",
            [("stdin:2", "the line is not UTF-8"), ("stdin:3", long), ("stdin:5", "the line is not UTF-8")],
        ),
        (
            "format = \"csv\"\nschema = { n = \"int64\" }",
            b"1\nx\n123456789012345678901\n2\n\xff",
            [
                ("stdin:2", "column `n`: `x` is no int64"),
                ("stdin:3", long),
                ("stdin:5", "the record is not UTF-8"),
            ],
        ),
        (
            "format = \"jsonl\"\nschema = { n = \"int64\" }",
            b"{\"n\": 1}\n{\"n\": 1.5}\n{\"n\":               1}\n{\"n\": 2}\n{\"n\": ",
            [
                ("stdin:2", "column `n`: `1.5` is no int64"),
                ("stdin:3", long),
                ("stdin:5", "the line is not a JSON object"),
            ],
        ),
    ];
    for (options, input, expected) in formats {
        let found = refused(options, input);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((position, reason), (expected_position, expected_reason)) in found.iter().zip(expected) {
            assert_eq!(position, expected_position);
            assert!(reason.starts_with(expected_reason), "{reason}");
        }
    }
}

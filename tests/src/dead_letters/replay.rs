//! Dead letters that go through their operator again.

use std::fs;
use std::sync::Arc;

use tidemill::batch::ManualClock;
use tidemill::context::Replay;
use tidemill::dead_letters::Selection;
use tidemill::manifest::Manifest;

use super::{ORDERS, counts, dead_letters, json, manifest, value, valued};
use crate::support::{Project, Server, engine, rows, wait_until};

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
    let engine = engine();
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
fn the_rows_of_a_key_that_a_reduction_failed_on_are_reduced_again() {
    let manifest = |plugin: &str| {
        format!(
            r#"
            [pipeline]
            name = "totals"
            batch_interval = "50ms"
            [plugins.reducer]
            path = "@{plugin}"
            [sources.amounts]
            kind = "stdin"
            format = "jsonl"
            schema = {{ n = "int64", word = "utf8" }}
            [streams.totals]
            op = "reduce_by_key"
            from = "amounts"
            key = ["word"]
            plugin = "reducer"
            [sinks.totals]
            kind = "files"
            from = "totals"
            path = "out/totals"
            [dead_letters]
            kind = "files"
            path = "dead"
            "#
        )
    };
    let project = Project::new(&manifest("sum"));
    let most = i64::MAX;
    value(
        &project,
        &format!("{{\"word\":\"a\",\"n\":{most}}}\n{{\"word\":\"b\",\"n\":2}}\n{{\"word\":\"a\",\"n\":1}}\n"),
    );
    assert_eq!(rows(&project.path("out"), "totals"), ["(b, 2)"]);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (2, 0));
    project.change_manifest(&manifest("max"));
    dead_letters(&project, "replay", &["--operator", "totals"]);
    assert_eq!(rows(&project.path("out"), "totals"), [format!("(a, {most})"), "(b, 2)".to_owned()]);
    assert_eq!(counts(&json(&project, "list", &[])[0]), (2, 2));
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

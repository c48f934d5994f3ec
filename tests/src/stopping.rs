//! How a run ends: by a signal, by a limit, with its input, or with an error; and what it leaves behind.

use std::time::Duration;

use super::support::{Project, Server, count, counted_rows, folders, printed, rows, totals};

/// A word count of `source` to the sink `sink`.
fn word_count(interval: &str, source: &str, sink: &str) -> Project {
    Project::new(&format!(
        r#"
        [pipeline]
        name = "stopping"
        batch_interval = "{interval}"
        [plugins.split]
        path = "@split_words"
        [plugins.sum]
        path = "@sum"
        [sources.lines]
        {source}
        [streams.words]
        op = "transform"
        from = "lines"
        plugin = "split"
        [streams.counts]
        op = "reduce_by_key"
        from = "words"
        key = ["word"]
        plugin = "sum"
        [sinks.counts]
        from = "counts"
        {sink}
        "#
    ))
}

const SCREEN: &str = "kind = \"console\"\nlimit = 1000";
const FILES: &str = "kind = \"files\"\npath = \"out/counts\"";

fn socket(server: &Server) -> String {
    format!("kind = \"socket\"\naddress = \"{}\"", server.address())
}

#[test]
fn a_signal_ends_the_run_after_all_that_was_received_is_published() {
    for signal in ["INT", "TERM"] {
        let server = Server::start();
        // No batch comes by itself, so that everything received waits for the end.
        let project = word_count("1h", &socket(&server), FILES);
        let program = project.start(&[]);
        let mut connection = server.accept();
        let text: String = (0..20_000).map(|i| format!("word{} other\n", i % 500)).collect();
        connection.send(&text);
        connection.send("unfinished");
        connection.wait_until_read();
        program.signal(signal);
        let finished = program.await_end();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let expected = counted_rows(&count(&format!("{text}unfinished")));
        assert!(rows(&project.path("out"), "counts") == expected, "{signal}: something is missing");
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let server = Server::start();
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "stuck"
        batch_interval = "50ms"
        [plugins.misbehave]
        path = "@misbehave"
        limits = {{ time = "60s" }}
        [sources.lines]
        {}
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "misbehave"
        [sinks.out]
        from = "passed"
        {FILES}
        "#,
        socket(&server)
    ));
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("spin\n");
    connection.wait_until_read();
    program.signal("INT");
    program.wait_for_log("stopping", 1);
    program.signal("INT");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.time < Duration::from_secs(50), "{:?}", finished.time);
    assert!(finished.error().contains("second signal"), "{}", finished.error());
}

#[test]
fn a_number_of_batches_is_kept() {
    let server = Server::start();
    let project = word_count("20ms", &socket(&server), SCREEN);
    let finished = project.start(&["--batches", "3"]).await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(printed(&finished.stdout).len(), 3);
}

#[test]
fn a_length_of_time_is_kept() {
    let server = Server::start();
    let project = word_count("50ms", &socket(&server), SCREEN);
    let program = project.start(&["--for", "500ms"]);
    server.accept().send("a b a\n");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.time >= Duration::from_millis(500), "{:?}", finished.time);
    let num_batches = printed(&finished.stdout).len();
    assert!((1..=12).contains(&num_batches), "{num_batches} batches");
    assert_eq!(totals(&finished.stdout), count("a b a"));
}

#[test]
fn once_takes_what_standard_input_has() {
    let project = word_count("1h", "kind = \"stdin\"", SCREEN);
    let mut program = project.start(&["--once"]);
    program.write("to be or\r\nnot to be");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(totals(&finished.stdout), count("to be or not to be"));
}

#[test]
fn the_end_of_standard_input_ends_the_run() {
    let project = word_count("20ms", "kind = \"stdin\"", SCREEN);
    let mut program = project.start(&[]);
    program.write("to be or\n");
    program.wait_for_output(|output| totals(output) == count("to be or"));
    program.write("not to be\n");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(totals(&finished.stdout), count("to be or not to be"));
}

#[test]
fn a_folder_that_vanishes_under_a_sink_fails_the_run_and_is_named() {
    let server = Server::start();
    let project = word_count("20ms", &socket(&server), FILES);
    let program = project.start(&[]);
    let out = project.path("out");
    super::support::wait_until("a batch", || {
        let mut entries = std::fs::read_dir(&out).ok()?.flatten();
        entries.any(|entry| !entry.file_name().to_string_lossy().starts_with('.')).then_some(())
    });
    std::fs::rename(&out, project.path("gone")).unwrap();
    let finished = program.await_end();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let error = finished.error();
    assert!(error.contains(out.to_str().unwrap()) && error.contains("counts"), "{error}");
}

#[test]
fn a_closed_pipe_behind_the_console_fails_the_run() {
    let project = word_count("20ms", "kind = \"generate\"\nrate = 100", SCREEN);
    let manifest = project.path("pipeline.toml");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tidemill-under-test"))
        .args(["run", manifest.to_str().unwrap()])
        .env("TIDEMILL_CACHE", super::support::cache_folder())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("cannot write to standard output"), "{log}");
}

#[test]
fn a_fast_source_waits_for_a_slow_pipeline_and_nothing_is_lost() {
    // About 250 MiB of lines, of which 64 MiB may wait.
    let source = "kind = \"generate\"\nrows = 150000\nwords = 200\nvocabulary = 50";
    let project = word_count("10ms", source, FILES);
    let finished = project.succeed(&[]);
    let mut total = 0;
    for row in folders(&project.path("out"), "counts").iter().flat_map(|folder| folder.values()) {
        for row in row.lines() {
            total += row.trim_end_matches(')').rsplit_once(", ").unwrap().1.parse::<u64>().unwrap();
        }
    }
    assert_eq!(total, 150_000 * 200);
    assert!(finished.stderr.contains("rows=150000"), "{}", finished.stderr);
}

#[test]
fn a_full_disk_fails_the_run_and_the_file_is_named() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "full"
        batch_interval = "1s"
        [sources.numbers]
        kind = "stdin"
        format = "csv"
        schema = { n = "int64" }
        [sinks.out]
        kind = "files"
        from = "numbers"
        path = "out/numbers"
        [dead_letters]
        kind = "files"
        path = "dead"
        "#,
    );
    project.make_folder("dead");
    // A file on a disk that is always full.
    std::os::unix::fs::symlink("/dev/full", project.path("dead/full.1.jsonl")).unwrap();
    let mut program = project.start(&["--once"]);
    program.write("1\nno number\n");
    let finished = program.finish();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let error = finished.error();
    assert!(error.contains(project.path("dead/full.1.jsonl").to_str().unwrap()), "{error}");
    assert!(error.contains("No space left"), "{error}");
}

//! Plugins that trap, never return or take all memory, where errors are to stop the pipeline: the run ends with an
//! error that names them.

use std::time::Duration;

use super::support::{Finished, Project, folders};

/// Runs `lines` through the plugin that does what lines say.
fn run(limits: &str, lines: &str) -> (Project, Finished) {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "hostile"
        batch_interval = "50ms"
        [plugins.odd]
        path = "@misbehave"
        limits = {{ {limits} }}
        [sources.lines]
        kind = "stdin"
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "odd"
        on_error = "stop"
        [sinks.out]
        kind = "files"
        from = "passed"
        path = "out/passed"
        "#
    ));
    let mut program = project.start(&["--once"]);
    program.write(lines);
    let finished = program.finish();
    (project, finished)
}

/// The error of a run that failed, of which nothing was published.
#[track_caller]
fn error(limits: &str, lines: &str) -> (String, Duration) {
    let (project, finished) = run(limits, lines);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(folders(&project.path("out"), "passed").is_empty());
    let error = finished.error();
    assert!(error.contains("stream `passed` failed: plugin `odd`: "), "{error}");
    (error.to_owned(), finished.time)
}

#[test]
fn lines_that_ask_for_nothing_pass() {
    let (project, finished) = run("", "a\nb\n");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(folders(&project.path("out"), "passed")[0]["part-00000"], "a\nb\n");
}

#[test]
fn a_trap_is_told_with_what_the_plugin_said_last() {
    let (error, _) = error("", "a\npanic\nb\n");
    assert!(error.contains("it trapped: "), "{error}");
    assert!(error.contains("asked to by a line"), "{error}");
}

#[test]
fn an_endless_loop_ends_at_its_limit_of_time() {
    let (error, time) = error("time = \"300ms\"", "spin\n");
    assert!(error.contains("the call took longer than 300ms; raise `limits.time`"), "{error}");
    assert!(time >= Duration::from_millis(300) && time < Duration::from_secs(20), "{time:?}");
}

#[test]
fn a_hoarder_ends_at_its_limit_of_memory() {
    let (error, _) = error("memory = \"20MiB\", time = \"30s\"", "hoard\n");
    assert!(error.contains("it wants more memory than 20.0 MiB; raise `limits.memory`"), "{error}");
}

//! Plugins that say too much: the log stays small, what is dropped is counted, and the rows go on.

use super::super::support::{Finished, Project, folders};

/// Runs `lines` through the plugin that does what lines say.
fn run(limits: &str, lines: &str) -> (Project, Finished) {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "talk"
        batch_interval = "50ms"
        [plugins.odd]
        path = "@misbehave"
        limits = {{ time = "30s", {limits} }}
        [sources.lines]
        kind = "stdin"
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "odd"
        [sinks.out]
        kind = "files"
        from = "passed"
        path = "out/passed"
        "#
    ));
    let mut program = project.start(&["--once"]);
    program.write(lines);
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    (project, finished)
}

/// How many bytes of the log are `word`.
fn said(finished: &Finished, word: &str) -> usize {
    finished.stderr.matches(word).count() * word.len()
}

#[test]
fn a_flood_is_cut_to_its_rate_and_what_was_dropped_is_told() {
    let (project, finished) = run("", "a\nflood\nb\n");
    assert_eq!(folders(&project.path("out"), "passed")[0]["part-00000"], "a\nflood\nb\n");
    // Ten megabytes were said. 64 KiB a second may be logged, in the few seconds that this takes.
    let seconds = finished.time.as_secs() as usize + 2;
    let bytes = said(&finished, "flood ");
    assert!(bytes > 50 << 10 && bytes < (64 << 10) * seconds, "{bytes} bytes in {seconds} s");
    assert!(finished.num_logged("lines were dropped") >= 1);
}

#[test]
fn the_rate_and_the_length_of_lines_are_limits() {
    let (_, finished) = run("log_rate = \"4KiB\"", "flood\n");
    let seconds = finished.time.as_secs() as usize + 2;
    let bytes = said(&finished, "flood ");
    assert!(bytes > 3000 && bytes < (4 << 10) * seconds, "{bytes} bytes in {seconds} s");

    let (_, finished) = run("", "long line\n");
    let bytes = said(&finished, "long line ");
    assert!((900..1025).contains(&bytes), "{bytes}");
    let (_, finished) = run("log_line = \"10KiB\"", "long line\n");
    let bytes = said(&finished, "long line ");
    assert!((10_000..10_241).contains(&bytes), "{bytes}");
}

#[test]
fn a_flood_of_counters_is_borne() {
    let (project, _) = run("", "flood of counters\n");
    assert_eq!(folders(&project.path("out"), "passed")[0]["part-00000"], "flood of counters\n");
}

//! How a run with a checkpoint ends when it is asked to: with all that it received, or, asked twice, at once and without
//! harm. And what a run that was killed leaves of a source that has to be read on.

use std::collections::BTreeMap;

use super::super::support::{FramedSender, Project, Server, published, rows, wait_until};
use super::victim::Victim;

#[test]
fn a_second_signal_ends_at_once_and_does_no_harm() {
    let mut victim = Victim::new();
    victim.die("commit.after=4*off->return(kill)");
    // The next commit doesn't come to an end.
    let finished = victim.stop_twice("commit.before=sleep(600000)");
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.error().contains("second signal"), "{}", finished.error());
    victim.survive("a second signal");
}

/// A sum of framed numbers, for which no batch comes by itself.
fn framed(port: u16) -> String {
    format!(
        r#"
        [pipeline]
        name = "stopped"
        batch_interval = "1h"
        checkpoint = "checkpoint"
        [plugins.sum]
        path = "@sum"
        [sources.frames]
        kind = "framed"
        address = "127.0.0.1:{port}"
        format = "csv"
        schema = {{ key = "utf8", n = "int64" }}
        [streams.sums]
        op = "reduce_by_key"
        from = "frames"
        key = ["key"]
        plugin = "sum"
        [sinks.sums]
        kind = "files"
        from = "sums"
        path = "out/sums"
        skip_empty = true
        "#
    )
}

/// The sum of all numbers that were published.
fn sum(project: &Project) -> u64 {
    let folders = published(&project.path("out"), "sums");
    let rows = folders.iter().flat_map(|folder| folder.values()).flat_map(|file| file.lines());
    let number = |row: &str| row.strip_prefix("(k, ")?.strip_suffix(')')?.parse::<u64>().ok();
    rows.map(|row| number(row).unwrap()).sum()
}

#[test]
fn a_stop_processes_and_commits_all_that_senders_were_told_is_safe() {
    let port = Server::free_port();
    let project = Project::new(&framed(port));
    let sender = FramedSender::start(port, |number| format!("k,{number}"));
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    wait_until("frames", || (sender.safe() > 500).then_some(()));
    program.signal("TERM");
    let finished = program.await_end();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let sums: BTreeMap<u64, u64> =
        (1..=sender.safe() + 100).map(|last| (last * (last + 1) / 2, last)).collect();
    let reached = sums.get(&sum(&project)).copied();
    assert!(reached.is_some_and(|reached| reached >= sender.safe()), "{reached:?}, safe {}", sender.safe());
    let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint");
    assert_eq!(shown.stdout.lines().filter(|line| line.starts_with("epoch ")).count(), 1, "{}", shown.stdout);
    let program = project.start(&["--once"]);
    let last = sender.finish();
    assert_eq!(program.await_end().code, Some(0));
    assert_eq!(sum(&project), last * (last + 1) / 2, "with the rest");
}

#[test]
fn made_up_rows_go_on_behind_the_last_that_was_committed() {
    let manifest = |rows: &str| {
        format!(
            r#"
            [pipeline]
            name = "made_up"
            batch_interval = "20ms"
            checkpoint = "checkpoint"
            [plugins.split]
            path = "@split_words"
            [plugins.sum]
            path = "@sum"
            [sources.lines]
            kind = "generate"
            rate = 20000
            {rows}
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
            kind = "files"
            from = "counts"
            path = "out/counts"
            skip_empty = true
            "#
        )
    };
    let counts = |project: &Project| {
        let mut counts = BTreeMap::<String, u64>::new();
        for row in rows(&project.path("out"), "counts") {
            let (word, n) = row.trim_matches(['(', ')']).split_once(", ").unwrap();
            *counts.entry(word.to_owned()).or_default() += n.parse::<u64>().unwrap();
        }
        counts
    };
    let whole = Project::new(&manifest("rows = 24000"));
    whole.succeed(&[]);
    let killed = Project::new(&manifest("rows = 24000"));
    for turn in [3, 1, 5] {
        let failpoints = format!("commit.after={turn}*off->return(kill)");
        let finished = killed.start_with(&[], &[("FAILPOINTS", failpoints.as_str())]).finish();
        assert_eq!(finished.code, None, "{}", finished.stderr);
    }
    killed.succeed(&[]);
    assert_eq!(counts(&killed), counts(&whole));
}

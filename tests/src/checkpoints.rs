//! What survives a restart, through the real program: killed at any time, nothing is lost and nothing comes twice.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use super::support::{FramedSender, Lines, PATIENCE, Project, Server, last_published, rows, wait_until};

const MANIFEST: &str = r#"
[pipeline]
name = "durable"
batch_interval = "20ms"
checkpoint = "checkpoint"

[plugins.sum]
path = "@sum"
[plugins.running]
path = "@running_sum"

[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { key = "utf8", n = "int64" }

[streams.sums]
op = "reduce_by_key"
from = "orders"
key = ["key"]
plugin = "sum"
[streams.totals]
op = "update_state_by_key"
from = "orders"
key = ["key"]
plugin = "running"
[streams.recent]
op = "count"
from = "orders"
window = { length = "100s", slide = "20ms" }

[sinks.sums]
kind = "files"
from = "sums"
path = "out/sums"
skip_empty = true
[sinks.totals]
kind = "files"
from = "totals"
path = "out/totals"
skip_empty = true
[sinks.recent]
kind = "files"
from = "recent"
path = "out/recent"
"#;

/// The rows of the last batch that a sink wrote, sorted.
fn last(project: &Project, prefix: &str) -> Vec<String> {
    let last = last_published(&project.path("out"), prefix).unwrap_or_default();
    let mut rows: Vec<String> = last.values().flat_map(|file| file.lines()).map(str::to_owned).collect();
    rows.sort();
    rows
}

/// The sums of the rows `(key, n)`.
fn sums(rows: &[String]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let (key, n) = row.trim_matches(['(', ')']).split_once(", ").unwrap();
        *sums.entry(key.to_owned()).or_default() += n.parse::<i64>().unwrap();
    }
    sums
}

#[test]
fn a_run_goes_on_where_the_one_before_ended() {
    let project = Project::new(MANIFEST);
    project.write("orders/1.csv", "a,1\nb,2\n");
    project.succeed(&["--once"]);
    assert_eq!(last(&project, "totals"), ["(a, 1)", "(b, 2)"]);
    project.write("orders/2.csv", "b,3\nc,4\n");
    project.succeed(&["--once"]);
    assert_eq!(last(&project, "totals"), ["(a, 1)", "(b, 5)", "(c, 4)"]);
    assert_eq!(last(&project, "recent"), ["4"], "a window reaches over a restart");
    assert_eq!(rows(&project.path("out"), "sums"), ["(a, 1)", "(b, 2)", "(b, 3)", "(c, 4)"]);
    let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint");
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.starts_with("pipeline durable, a batch every 20 ms\nepoch 1: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("stream totals: for each key (key: utf8) a state "), "{}", shown.stdout);
    assert!(shown.stdout.contains("2.csv"), "{}", shown.stdout);
}

#[test]
fn killed_at_any_time_it_loses_nothing_and_repeats_nothing() {
    let project = Project::new(MANIFEST);
    project.make_folder("orders");
    let seed = 20_261_121;
    let (mut text, mut expected, mut num_rows) = (Lines::new(seed), BTreeMap::new(), 0);
    for cycle in 0..12 {
        let mut program = project.start(&[]);
        if cycle == 0 {
            // Files that are there before the first start are old.
            program.wait_for_log("running", 1);
        }
        for file in 0..6 {
            let orders: Vec<(String, i64)> =
                (0..200).map(|_| (format!("k{}", text.below(50)), text.below(1000) as i64)).collect();
            for (key, n) in &orders {
                *expected.entry(key.clone()).or_default() += n;
                num_rows += 1;
            }
            let lines: String = orders.iter().map(|(key, n)| format!("{key},{n}\n")).collect();
            project.move_in(&format!("orders/{cycle}-{file}.csv"), lines);
            sleep(Duration::from_millis(text.below(40)));
        }
        sleep(Duration::from_millis(text.below(120)));
        program.kill();
    }
    let program = project.start(&[]);
    let is_done = || sums(&last(&project, "totals")) == expected;
    wait_until(&format!("all rows (seed {seed})"), || is_done().then_some(()));
    program.wait_for_log("running", 1);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    assert_eq!(sums(&rows(&project.path("out"), "sums")), expected, "seed {seed}");
    assert_eq!(last(&project, "recent"), [num_rows.to_string()], "seed {seed}");
}

#[test]
fn two_processes_do_not_share_a_checkpoint() {
    let project = Project::new(MANIFEST);
    project.make_folder("orders");
    let mut first = project.start(&[]);
    first.wait_for_log("running", 1);
    let second = project.run(&[]);
    assert_eq!(second.code, Some(1));
    assert!(second.error().contains("another process uses it"), "{}", second.error());
    first.kill();
}

#[test]
fn a_changed_pipeline_is_told_what_does_not_fit() {
    let project = Project::new(MANIFEST);
    project.write("orders/1.csv", "a,1\n");
    project.succeed(&["--once"]);
    project.change_manifest(&MANIFEST.replace("length = \"100s\"", "length = \"200s\""));
    let refused = project.run(&["--once"]);
    assert_eq!(refused.code, Some(2));
    let error = refused.error();
    assert!(error.contains("stream `recent` kept a window with totals of 5000 batches"), "{error}");
    assert!(
        error.ends_with("undo the change, or leave what it kept behind with --drop-state recent"),
        "{error}"
    );
    project.write("orders/2.csv", "a,2\n");
    project.succeed(&["--once", "--drop-state", "recent"]);
    assert_eq!(last(&project, "totals"), ["(a, 3)"]);
    assert_eq!(last(&project, "recent"), ["1"]);
    project.change_manifest(&MANIFEST.replace("name = \"durable\"", "name = \"other\""));
    let refused = project.run(&["--once"]);
    assert!(refused.error().contains("it belongs to the pipeline `durable`"), "{}", refused.error());
}

#[test]
fn rows_that_were_committed_and_not_shown_are_shown_by_the_next_run() {
    let console = MANIFEST.split("[sinks.sums]").next().unwrap().to_owned()
        + "[sinks.screen]\nkind = \"console\"\nfrom = \"sums\"\n";
    let project = Project::new(&console);
    project.make_folder("orders");
    let mut first = project.start(&[]);
    first.wait_for_log("running", 1);
    project.move_in("orders/1.csv", "a,1\n");
    first.wait_for_output(|printed| printed.contains("(a, 1)"));
    first.kill();
    let second = project.succeed(&["--once"]);
    assert!(second.stdout.contains("(a, 1)"), "at least once: whether it was seen isn't known");
    let third = project.succeed(&["--once"]);
    assert!(!third.stdout.contains("(a, 1)"), "{}", third.stdout);
}

const LOGGED: &str = r#"
[pipeline]
name = "logged"
batch_interval = "INTERVAL"
checkpoint = "checkpoint"

[plugins.split_words]
path = "@split_words"
[plugins.running]
path = "@running_sum"

[sources.lines]
kind = "socket"
address = "ADDRESS"
wal = true

[streams.words]
op = "transform"
from = "lines"
plugin = "split_words"
[streams.totals]
op = "update_state_by_key"
from = "words"
key = ["word"]
plugin = "running"

[sinks.totals]
kind = "files"
from = "totals"
path = "out/totals"
skip_empty = true
"#;

#[test]
fn what_was_logged_and_not_yet_processed_is_processed_after_a_crash() {
    let server = Server::start();
    let manifest = |interval: &str| {
        LOGGED.replace("ADDRESS", &server.address().to_string()).replace("INTERVAL", interval)
    };
    // The first batch is a minute away: the line is received, and not processed.
    let project = Project::new(&manifest("60s"));
    let mut program = project.start(&["--log-level", "debug"]);
    let mut connection = server.accept();
    connection.send("to be or not to be\n");
    program.wait_for_log("logged what was received", 1);
    program.kill();
    project.change_manifest(&manifest("20ms"));
    let mut program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("or else\n");
    let expected = ["(be, 2)", "(else, 1)", "(not, 1)", "(or, 2)", "(to, 2)"];
    let seen = || last(&project, "totals");
    wait_until("all words", || (seen() == expected).then_some(()));
    program.kill();
    let mut program = project.start(&[]);
    server.accept().send("else\n");
    let expected = ["(be, 2)", "(else, 2)", "(not, 1)", "(or, 2)", "(to, 2)"];
    wait_until("no more than that", || (seen() == expected).then_some(()));
    program.kill();
}

#[test]
fn a_log_needs_a_checkpoint() {
    let manifest = LOGGED.replace("INTERVAL", "1s").replace("checkpoint = \"checkpoint\"\n", "");
    let project = Project::new(&manifest);
    let refused = project.run(&[]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.error().contains("add checkpoint = \"DIRECTORY\" to [pipeline]"), "{}", refused.error());
}

/// The manifest with frames in place of files.
fn of_frames(port: u16) -> String {
    let source = format!(
        "[sources.orders]\nkind = \"framed\"\naddress = \"127.0.0.1:{port}\"\nformat = \"csv\"\nschema = {{ key = \"utf8\", n = \"int64\" }}\n"
    );
    let (before, rest) = MANIFEST.split_once("[sources.orders]").unwrap();
    let (_, after) = rest.split_once("[streams.sums]").unwrap();
    format!("{before}{source}[streams.sums]{after}")
}

#[test]
fn a_framed_sender_that_sends_again_what_is_not_safe_is_counted_exactly_once() {
    let port = Server::free_port();
    let project = Project::new(&of_frames(port));
    let sender = FramedSender::start(port, |number| format!("k{},{number}", number % 10));
    let mut delays = Lines::new(7);
    for _ in 0..8 {
        let mut program = project.start(&[]);
        let before = sender.safe();
        wait_until("more that is safe", || (sender.safe() > before + 200).then_some(()));
        sleep(Duration::from_millis(delays.below(250)));
        program.kill();
    }
    let program = project.start(&[]);
    let last_number = sender.finish();
    let mut expected = BTreeMap::new();
    (1..=last_number).for_each(|n| *expected.entry(format!("k{}", n % 10)).or_default() += n as i64);
    wait_until("all rows", || (sums(&last(&project, "totals")) == expected).then_some(()));
    program.wait_for_log("running", 1);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    assert_eq!(sums(&rows(&project.path("out"), "sums")), expected);
}

/// Greets as the sender `till`; answers what is safe.
fn greet(port: u16) -> (TcpStream, u64) {
    let mut stream = wait_until("a listener", || TcpStream::connect(("127.0.0.1", port)).ok());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"TMF1\0\x04till").unwrap();
    let safe = answer(&mut stream).unwrap();
    (stream, safe)
}

fn answer(stream: &mut TcpStream) -> std::io::Result<u64> {
    let mut answer = [0; 8];
    stream.read_exact(&mut answer)?;
    Ok(u64::from_be_bytes(answer))
}

fn frame(number: u64) -> Vec<u8> {
    [&3_u32.to_be_bytes()[..], &number.to_be_bytes(), b"a,1"].concat()
}

#[test]
fn a_second_connection_of_a_sender_takes_the_place_of_the_first() {
    let port = Server::free_port();
    let project = Project::new(&of_frames(port));
    let program = project.start(&[]);
    let (mut first, safe) = greet(port);
    assert_eq!(safe, 0);
    first.write_all(&frame(1)).unwrap();
    assert_eq!(answer(&mut first).unwrap(), 1);
    // The first one is still there, as one is whose other end has vanished.
    let (mut second, safe) = greet(port);
    assert_eq!(safe, 1);
    assert!(answer(&mut first).is_err(), "the first one was ended");
    second.write_all(&[frame(1), frame(2)].concat()).unwrap();
    assert_eq!(answer(&mut second).unwrap(), 2);
    wait_until("both, once", || (last(&project, "totals") == ["(a, 2)"]).then_some(()));
    program.wait_for_log("a newer connection of the same sender takes its place", 1);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
}

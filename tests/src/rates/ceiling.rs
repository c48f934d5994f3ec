//! A sender that is far too fast: the program's memory has a ceiling, the sender waits, and every row counts.

use std::thread;

use super::super::support::{Project, Server, published, wait_until};

/// The plugin's steps for a row: tens of microseconds.
const ROUNDS: u32 = 15_000;

/// How many rows are sent, of so many bytes: 300 MB, which take seconds.
const NUM_ROWS: usize = 150_000;
const ROW_BYTES: usize = 2000;

/// What the program may need at most, with whatever waits and is worked on.
const CEILING: u64 = 230 << 20;

#[test]
fn memory_has_a_ceiling_and_nothing_is_dropped_when_the_sender_is_too_fast() {
    let server = Server::start();
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "ceiling"
        batch_interval = "100ms"
        workers = 2
        [plugins.busy]
        path = "@busy"
        config = {{ rounds = {ROUNDS} }}
        limits = {{ time = "30s" }}
        [sources.lines]
        kind = "socket"
        address = "{}"
        [streams.kept]
        op = "filter"
        from = "lines"
        plugin = "busy"
        [streams.counts]
        op = "count"
        from = "kept"
        [sinks.counts]
        kind = "files"
        from = "counts"
        path = "out/counts"
        "#,
        server.address()
    ));
    let program = project.start(&[]);
    let mut connection = server.accept();
    let sender = thread::spawn(move || {
        let block = ("x".repeat(ROW_BYTES - 1) + "\n").repeat(100);
        (0..NUM_ROWS / 100).for_each(|_| connection.send(&block));
        connection
    });
    let counted = || {
        let folders = published(&project.path("out"), "counts");
        let rows = folders.iter().flat_map(|folder| folder.values()).flat_map(|file| file.lines());
        rows.map(|row| row.parse::<usize>().unwrap()).sum::<usize>()
    };
    wait_until("all rows", || (counted() >= NUM_ROWS).then_some(()));
    let connection = sender.join().unwrap();
    let memory = program.peak_memory();
    program.signal("INT");
    let finished = program.finish();
    drop(connection);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(counted(), NUM_ROWS);
    assert!(memory < CEILING, "it took {memory} bytes");
}

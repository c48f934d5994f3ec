//! Words typed into a socket are counted a batch later, whatever becomes of the connection.

use super::support::{Project, Server, count, printed, totals};

fn word_count(address: impl std::fmt::Display) -> Project {
    Project::new(&format!(
        r#"
        [pipeline]
        name = "wordcount"
        batch_interval = "100ms"
        [plugins.split]
        path = "@split_words"
        [plugins.sum]
        path = "@sum"
        [sources.lines]
        kind = "socket"
        address = "{address}"
        [streams.words]
        op = "transform"
        from = "lines"
        plugin = "split"
        [streams.counts]
        op = "reduce_by_key"
        from = "words"
        key = ["word"]
        plugin = "sum"
        [sinks.screen]
        kind = "console"
        from = "counts"
        limit = 100
        "#
    ))
}

#[test]
fn typed_lines_are_counted_a_batch_later() {
    let server = Server::start();
    let project = word_count(server.address());
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("hello spark hello\r\n");
    program.wait_for_output(|output| totals(output) == count("hello spark hello"));
    let counted = printed(&program.stdout()).into_iter().find(|batch| !batch.rows.is_empty()).unwrap();
    let mut rows = counted.rows;
    rows.sort();
    assert_eq!(rows, ["(hello, 2)", "(spark, 1)"]);
    assert!(counted.time.starts_with("20") && counted.time.ends_with('Z'), "{}", counted.time);
    program.signal("TERM");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn a_line_may_come_in_pieces_and_over_several_batches() {
    let server = Server::start();
    let project = word_count(server.address());
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("to be\nor n");
    program.wait_for_output(|output| totals(output) == count("to be"));
    let num_batches = printed(&program.stdout()).len();
    connection.send("o");
    connection.wait_until_read();
    program.wait_for_output(|output| printed(output).len() > num_batches + 2);
    assert_eq!(totals(&program.stdout()), count("to be"));
    // The first byte of a character of two.
    connection.send(b"t to b\xc3");
    connection.wait_until_read();
    connection.send(b"\xa9\n");
    program.wait_for_output(|output| totals(output) == count("to be or not to b\u{e9}"));
}

#[test]
fn a_server_that_comes_back_is_found_again_and_its_last_line_needs_no_end() {
    let server = Server::start();
    let address = server.address();
    let project = word_count(address);
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("one two\r\nno newline");
    drop((connection, server));
    program.wait_for_output(|output| totals(output) == count("one two no newline"));
    program.wait_for_log("connection lost", 1);

    let server = Server::start_at(address);
    server.accept().send("two\n");
    program.wait_for_output(|output| totals(output) == count("one two no newline two"));
    program.signal("INT");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

#[test]
fn a_refused_connection_is_logged_once_a_change_of_state() {
    let address = Server::nowhere();
    let project = word_count(address);
    let program = project.start(&[]);
    // Within this many batches it has tried several times.
    program.wait_for_output(|output| printed(output).len() > 12);
    let server = Server::start_at(address);
    let mut connection = server.accept();
    connection.send("at last\n");
    program.wait_for_output(|output| totals(output) == count("at last"));
    program.signal("TERM");
    let finished = program.finish();
    assert_eq!(finished.num_logged("cannot connect, retrying"), 1, "{}", finished.stderr);
    assert_eq!(finished.num_logged("connected"), 1, "{}", finished.stderr);
}

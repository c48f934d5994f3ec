//! Lines that can't be rows, over a socket or standard input: set aside with the reason, while all others go on.

use serde_json::Value;

use super::support::{Project, Server, count, totals};

#[test]
fn a_line_that_is_too_long_or_no_text_does_not_hold_up_the_others() {
    let server = Server::start();
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "limits"
        batch_interval = "50ms"
        [plugins.split]
        path = "@split_words"
        [plugins.sum]
        path = "@sum"
        [sources.lines]
        kind = "socket"
        address = "{}"
        max_line = "64KiB"
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
        [dead_letters]
        kind = "files"
        path = "dead"
        "#,
        server.address()
    ));
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send("before\n");
    // A gigabyte would be as good, but for the time it takes.
    let piece = vec![b'x'; 1 << 20];
    (0..100).for_each(|_| connection.send(&piece));
    connection.send(b"\nbetween\nnot \xff\xfe text\nafter\n");
    program.wait_for_output(|output| totals(output) == count("before between after"));
    let memory = program.peak_memory();
    assert!(memory < 300 << 20, "a line of 100 MiB took {memory} bytes of memory");
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    let letters = project.dead_letters("limits");
    let reasons: Vec<_> = letters.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("UTF-8")), "{reasons:?}");
    assert!(
        reasons.iter().any(|reason| reason.contains("64.0 KiB") || reason.contains("65536")),
        "{reasons:?}"
    );
    for letter in &letters {
        assert_eq!(letter["origin"], "lines");
        assert_eq!(letter["position"], server.address().to_string());
        assert!(letter["row"]["line"].as_str().unwrap().len() <= 3 * 4096);
    }
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

/// That the lines of `input` are set aside that `expected` names, each with the beginning of its reason.
#[track_caller]
fn is_refused(options: &str, input: &[u8], expected: &[(&str, &str)]) {
    let found = refused(options, input);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((position, reason), (expected_position, expected_reason)) in found.iter().zip(expected) {
        assert_eq!(position, expected_position);
        assert!(reason.starts_with(expected_reason), "{reason}");
    }
}

#[test]
fn what_standard_input_can_not_decode_is_set_aside_with_its_line_in_every_format() {
    let long = "the line is longer than max_line, 20 B";
    is_refused(
        "",
        b"good\n\xff\n123456789012345678901\ngood\n\xc3",
        &[("stdin:2", "the line is not UTF-8"), ("stdin:3", long), ("stdin:5", "the line is not UTF-8")],
    );
    is_refused(
        "format = \"csv\"\nschema = { n = \"int64\" }",
        b"1\nx\n123456789012345678901\n2\n\xff",
        &[
            ("stdin:2", "column `n`: `x` is no int64"),
            ("stdin:3", long),
            ("stdin:5", "the record is not UTF-8"),
        ],
    );
    is_refused(
        "format = \"jsonl\"\nschema = { n = \"int64\" }",
        b"{\"n\": 1}\n{\"n\": 1.5}\n{\"n\":               1}\n{\"n\": 2}\n{\"n\": ",
        &[
            ("stdin:2", "column `n`: `1.5` is no int64"),
            ("stdin:3", long),
            ("stdin:5", "the line is not a JSON object"),
        ],
    );
}

//! Lines that can't be rows, over a socket: set aside with the reason, while all others go on.

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

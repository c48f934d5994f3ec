//! A watched directory: which files are read, what they may hold, and what becomes of lines that don't fit.

use std::time::{Duration, SystemTime};

use super::support::{Lines, Project, count, counted_rows, rows, totals};

/// A word count over the folder `in`; `options` are the source's.
fn word_count(options: &str, sink: &str) -> Project {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "logs"
        batch_interval = "50ms"
        [plugins.split]
        path = "@split_words"
        [plugins.sum]
        path = "@sum"
        [sources.lines]
        kind = "directory"
        path = "in"
        {options}
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
        [dead_letters]
        kind = "files"
        path = "dead"
        "#
    ));
    project.make_folder("in");
    project
}

const SCREEN: &str = "kind = \"console\"\nlimit = 1000";
const FILES: &str = "kind = \"files\"\npath = \"out/counts\"\nskip_empty = true";

/// Makes a file look as if it had been written a while ago.
fn make_old(project: &Project, name: &str) {
    let file = std::fs::File::options().append(true).open(project.path(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

#[test]
fn new_files_are_read_once_and_old_ones_never() {
    let project = word_count("glob = \"*.log\"", SCREEN);
    project.write("in/old.log", "old\n");
    make_old(&project, "in/old.log");
    let program = project.start(&[]);
    // Its first batch is there, so that it has started.
    program.wait_for_output(|output| !output.is_empty());
    project.move_in("in/renamed.log", "one two\n");
    project.write("in/skipped.txt", "wrong name\n");
    project.write("in/.hidden.log", "hidden\n");
    project.make_folder("in/folder.log");
    program.wait_for_output(|output| totals(output) == count("one two"));
    project.move_in("in/second.log", "two");
    program.wait_for_output(|output| totals(output) == count("one two two"));
    program.signal("INT");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(totals(&finished.stdout), count("one two two"));
}

#[test]
fn files_that_were_there_before_are_read_where_that_is_wanted() {
    let project = word_count("existing = true", SCREEN);
    project.write("in/old.log", "old\n");
    make_old(&project, "in/old.log");
    let program = project.start(&[]);
    program.wait_for_output(|output| totals(output) == count("old"));
    project.move_in("in/new.log", "new\n");
    program.wait_for_output(|output| totals(output) == count("old new"));
}

#[test]
fn server_logs_are_counted_as_an_independent_count_does() {
    let project = word_count("", FILES);
    let mut random = Lines::new(1);
    let lines: Vec<String> = (0..30_000).map(|_| random.request()).collect();
    let (unix, windows) = (lines[..20_000].join("\n"), lines[20_000..].join("\r\n"));
    project.write("in/access.log", &unix);
    project.write("in/access-windows.log", &windows);
    project.write("in/empty.log", "");
    project.write("in/blank.log", "\n\r\n  \n");
    project.succeed(&["--once"]);
    let expected = counted_rows(&count(&format!("{unix}\n{windows}")));
    assert!(rows(&project.path("out"), "counts") == expected, "the counts differ");
    assert!(project.dead_letters("logs").is_empty());
}

#[test]
fn lines_that_are_too_long_or_no_text_are_set_aside_and_the_others_go_on() {
    let project = word_count("max_line = \"1KiB\"", FILES);
    let mut content = b"first\n".to_vec();
    content.extend(vec![b'x'; 3_000_000]);
    content.extend(b"\nsecond\nbad \xff bytes\nthird\r\n");
    content.extend(vec![b'y'; 1024]);
    content.extend(b"\r\nlast");
    project.write("in/mixed.log", content);
    project.succeed(&["--once"]);
    let fitting = "y".repeat(1024);
    let expected = counted_rows(&count(&format!("first second third last {fitting}")));
    assert_eq!(rows(&project.path("out"), "counts"), expected);
    let letters = project.dead_letters("logs");
    assert_eq!(letters.len(), 2, "{letters:?}");
    for letter in &letters {
        assert_eq!(
            (letter["origin"].as_str(), letter["kind"].as_str()),
            (Some("lines"), Some("undecodable"))
        );
        assert!(letter["position"].as_str().unwrap().starts_with("mixed.log"), "{letter}");
    }
    assert!(letters.iter().any(|letter| letter["reason"].as_str().unwrap().contains("UTF-8")), "{letters:?}");
    assert!(letters.iter().any(|letter| letter["row"]["line"].as_str().unwrap().len() <= 4096));
}

#[test]
fn a_directory_that_vanishes_fails_the_run_and_is_named() {
    let project = word_count("", SCREEN);
    let program = project.start(&[]);
    program.wait_for_output(|output| !output.is_empty());
    std::fs::rename(project.path("in"), project.path("gone")).unwrap();
    let finished = program.await_end();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let path = project.path("in");
    assert!(finished.error().contains(path.to_str().unwrap()), "{}", finished.error());
    assert!(finished.error().contains("lines"), "{}", finished.error());
}

/// Copies typed rows from the folder `in` to `out`; `options` are the source's.
fn copy(options: &str) -> Project {
    Project::new(&format!(
        r#"
        [pipeline]
        name = "copy"
        batch_interval = "50ms"
        [sources.rows]
        kind = "directory"
        path = "in"
        {options}
        [sinks.out]
        kind = "files"
        from = "rows"
        path = "out/rows"
        format = "jsonl"
        [dead_letters]
        kind = "files"
        path = "dead"
        "#
    ))
}

#[test]
fn csv_lines_that_do_not_fit_the_schema_are_set_aside_with_file_line_and_reason() {
    let project = copy(
        r#"format = "csv"
        header = true
        schema = { time = "timestamp", symbol = "utf8", amount = "int64?", price = "float64" }"#,
    );
    project.write(
        "in/orders.csv",
        "time,symbol,amount,price\r\n\
         2026-01-05T09:30:01Z,MILL,20,1.5\r\n\
         yesterday,MILL,20,1.5\r\n\
         2026-01-05T09:30:02Z,\"a \"\"quoted\"\"\nname\",,2.5\r\n\
         2026-01-05T09:30:03Z,MILL,many,1.5\r\n\
         2026-01-05T09:30:04Z,MILL\r\n\
         2026-01-05T09:30:05Z,POND,-1,1e3",
    );
    project.succeed(&["--once"]);
    let written: Vec<serde_json::Value> =
        rows(&project.path("out"), "rows").iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let found: Vec<_> = written
        .iter()
        .map(|row| (row["symbol"].as_str().unwrap(), row["amount"].as_i64(), row["price"].as_f64().unwrap()))
        .collect();
    assert_eq!(found, [("MILL", Some(20), 1.5), ("a \"quoted\"\nname", None, 2.5), ("POND", Some(-1), 1e3)]);
    let times: Vec<_> = written.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-01-05T09:30:01Z", "2026-01-05T09:30:02Z", "2026-01-05T09:30:05Z"]);
    let letters = project.dead_letters("copy");
    let places: Vec<_> = letters.iter().map(|letter| letter["position"].as_str().unwrap()).collect();
    assert_eq!(places, ["orders.csv:3", "orders.csv:6", "orders.csv:7"]);
    let reason = |i: usize| letters[i]["reason"].as_str().unwrap();
    assert!(reason(0).contains("time") && reason(0).contains("yesterday"), "{}", reason(0));
    assert!(reason(1).contains("amount") && reason(1).contains("many"), "{}", reason(1));
    assert!(reason(2).contains('4') && reason(2).contains('2'), "{}", reason(2));
}

#[test]
fn json_lines_are_rows_by_the_names_of_columns() {
    let project = copy(
        r#"format = "jsonl"
        schema = { id = "int64", name = "utf8?", tags = "utf8?" }"#,
    );
    project.write(
        "in/rows.jsonl",
        "{\"name\": \"Ä\\n\", \"id\": 1}\n{\"id\": 2, \"tags\": [1, {\"a\": 2}], \"more\": true}\nnothing\n{\"id\": \"3\"}\n{}\n",
    );
    project.succeed(&["--once"]);
    assert_eq!(
        rows(&project.path("out"), "rows"),
        [r#"{"id":1,"name":"Ä\n","tags":null}"#, r#"{"id":2,"name":null,"tags":"[1, {\"a\": 2}]"}"#]
    );
    let letters = project.dead_letters("copy");
    let places: Vec<_> = letters.iter().map(|letter| letter["position"].as_str().unwrap()).collect();
    // The place of a line within a file that is cut between lines is its first byte.
    assert_eq!(letters.len(), 3, "{letters:?}");
    assert!(places.iter().all(|place| place.starts_with("rows.jsonl")), "{places:?}");
}

//! Every operator, and every way to write what comes out of it.

use super::support::{Project, folders, rows};

const ORDERS: &str = "\
    buyer,symbol,amount,price\n\
    ann,MILL,10,2.5\n\
    bob,MILL,,4.0\n\
    ann,POND,3,100.0\n\
    ,MILL,1,50.5\n\
    ann,MILL,-5,1.0\n\
    bob,MILL,2,8.0\n\
    ,MILL,4,0.5\n";

/// A pipeline over `ORDERS`, in `in/orders.csv`, or over an empty folder.
fn orders(rest: &str, content: Option<&str>) -> Project {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "orders"
        batch_interval = "1s"
        [sources.orders]
        kind = "directory"
        path = "in"
        format = "csv"
        header = true
        schema = {{ buyer = "utf8?", symbol = "utf8", amount = "int64?", price = "float64" }}
        [dead_letters]
        kind = "files"
        path = "dead"
        {rest}
        "#
    ));
    project.make_folder("in");
    if let Some(content) = content {
        project.write("in/orders.csv", content);
    }
    project
}

/// The rows, sorted, that the stream `result` has after `streams` ran over `content`.
#[track_caller]
fn result(streams: &str, content: Option<&str>) -> Vec<String> {
    let project = orders(&format!("{streams}\n{}", sink("result")), content);
    project.succeed(&["--once"]);
    rows(&project.path("out"), "result")
}

fn sink(stream: &str) -> String {
    format!("[sinks.{stream}]\nkind = \"files\"\nfrom = \"{stream}\"\npath = \"out/{stream}\"")
}

#[test]
fn a_filter_keeps_rows_whole_and_its_config_decides_which() {
    let streams = r#"
        [plugins.is_large]
        path = "@is_large"
        config = { over = 8.0 }
        [streams.result]
        op = "filter"
        from = "orders"
        plugin = "is_large"
    "#;
    assert_eq!(result(streams, Some(ORDERS)), ["(ann, POND, 3, 100.0)", "(null, MILL, 1, 50.5)"]);
}

#[test]
fn a_transform_reads_columns_by_name_and_what_it_refuses_is_set_aside() {
    let streams = format!(
        r#"
        [plugins.worth]
        path = "@worth"
        [streams.result]
        op = "transform"
        from = "orders"
        plugin = "worth"
        {}
        "#,
        sink("result")
    );
    let project = orders(&streams, Some(ORDERS));
    project.succeed(&["--once"]);
    assert_eq!(
        rows(&project.path("out"), "result"),
        [
            "(ann, MILL, 10, 2.5, 25.0)",
            "(ann, POND, 3, 100.0, 300.0)",
            "(bob, MILL, 2, 8.0, 16.0)",
            "(null, MILL, 1, 50.5, 50.5)",
            "(null, MILL, 4, 0.5, 2.0)",
        ]
    );
    let letters = project.dead_letters("orders");
    let found: Vec<_> = letters
        .iter()
        .map(|letter| (letter["reason"].as_str().unwrap(), letter["row"]["buyer"].as_str().unwrap()))
        .collect();
    assert_eq!(found.len(), 2, "{letters:?}");
    assert!(found.contains(&("the order has no amount", "bob")), "{found:?}");
    assert!(found.contains(&("the amount is -5", "ann")), "{found:?}");
    for letter in &letters {
        assert_eq!((letter["origin"].as_str(), letter["kind"].as_str()), (Some("result"), Some("reject")));
        assert_eq!(letter["plugin"]["name"], "worth");
        assert_eq!(letter["plugin"]["digest"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn reduce_by_key_takes_several_columns_and_nulls_as_keys() {
    let streams = r#"
        [plugins.select]
        path = "@select"
        config = { columns = ["buyer", "price", "symbol"] }
        [plugins.sum]
        path = "@sum"
        [streams.selected]
        op = "transform"
        from = "orders"
        plugin = "select"
        [streams.result]
        op = "reduce_by_key"
        from = "selected"
        key = ["symbol", "buyer"]
        plugin = "sum"
    "#;
    assert_eq!(
        result(streams, Some(ORDERS)),
        ["(MILL, ann, 3.5)", "(MILL, bob, 12.0)", "(MILL, null, 51.0)", "(POND, ann, 100.0)"]
    );
}

/// The rows of `ORDERS` by symbol, reduced by the shipped plugin `plugin`.
fn by_symbol(plugin: &str) -> Vec<String> {
    let streams = r#"
        [plugins.select]
        path = "@select"
        config = { columns = ["symbol", "amount", "price"] }
        [plugins.reducer]
        path = "@PLUGIN"
        [streams.selected]
        op = "transform"
        from = "orders"
        plugin = "select"
        [streams.result]
        op = "reduce_by_key"
        from = "selected"
        key = ["symbol"]
        plugin = "reducer"
    "#;
    result(&streams.replace("PLUGIN", plugin), Some(ORDERS))
}

#[test]
fn the_shipped_reducers_deal_with_nulls() {
    assert_eq!(by_symbol("min"), ["(MILL, -5, 0.5)", "(POND, 3, 100.0)"]);
    assert_eq!(by_symbol("max"), ["(MILL, 10, 50.5)", "(POND, 3, 100.0)"]);
    assert_eq!(by_symbol("first"), ["(MILL, 10, 2.5)", "(POND, 3, 100.0)"]);
    assert_eq!(by_symbol("last"), ["(MILL, 4, 0.5)", "(POND, 3, 100.0)"]);
    assert_eq!(by_symbol("sum"), ["(MILL, 12, 66.5)", "(POND, 3, 100.0)"]);
}

#[test]
fn a_whole_stream_is_reduced_to_a_row_and_an_empty_one_to_none() {
    let streams = r#"
        [plugins.select]
        path = "@select"
        config = { columns = ["price"] }
        [plugins.max]
        path = "@max"
        [streams.selected]
        op = "transform"
        from = "orders"
        plugin = "select"
        [streams.result]
        op = "reduce"
        from = "selected"
        plugin = "max"
    "#;
    assert_eq!(result(streams, Some(ORDERS)), ["100.0"]);
    assert_eq!(result(streams, None), [""; 0]);
}

#[test]
fn an_empty_batch_counts_nought() {
    let streams = "[streams.result]\nop = \"count\"\nfrom = \"orders\"";
    assert_eq!(result(streams, Some(ORDERS)), ["7"]);
    assert_eq!(result(streams, None), ["0"]);
}

#[test]
fn count_by_value_counts_rows_that_are_alike_in_all_columns() {
    let streams = r#"
        [plugins.select]
        path = "@select"
        config = { columns = ["buyer", "symbol"] }
        [streams.selected]
        op = "transform"
        from = "orders"
        plugin = "select"
        [streams.result]
        op = "count_by_value"
        from = "selected"
    "#;
    assert_eq!(
        result(streams, Some(ORDERS)),
        ["(ann, MILL, 2)", "(ann, POND, 1)", "(bob, MILL, 2)", "(null, MILL, 2)"]
    );
    assert_eq!(result(streams, None), [""; 0]);
}

#[test]
fn union_puts_streams_one_behind_the_other_and_repartition_cuts_anew() {
    let streams = format!(
        r#"
        [plugins.select]
        path = "@select"
        config = {{ columns = ["price"] }}
        [streams.selected]
        op = "transform"
        from = "orders"
        plugin = "select"
        [streams.both]
        op = "union"
        from = ["selected", "selected"]
        [streams.cut]
        op = "repartition"
        from = "both"
        partitions = 3
        {}
        {}
        "#,
        sink("both"),
        sink("cut")
    );
    let project = orders(&streams, Some(ORDERS));
    project.succeed(&["--once"]);
    let once = "2.5\n4.0\n100.0\n50.5\n1.0\n8.0\n0.5\n";
    let both: Vec<_> = folders(&project.path("out"), "both")[0].values().cloned().collect();
    assert_eq!(both.concat(), once.repeat(2));
    let cut: Vec<_> = folders(&project.path("out"), "cut")[0].clone().into_iter().collect();
    let names: Vec<_> = cut.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["part-00000", "part-00001", "part-00002"]);
    assert_eq!(cut.iter().map(|(_, text)| text.lines().count()).collect::<Vec<_>>(), [4, 5, 5]);
    assert_eq!(cut.iter().map(|(_, text)| text.as_str()).collect::<String>(), once.repeat(2));
}

#[test]
fn shipped_transforms_parse_and_trim() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "parse"
        batch_interval = "1s"
        [plugins.trim]
        path = "@trim_lowercase"
        [plugins.parse]
        path = "@parse_delimited"
        [plugins.parse.config]
        separator = "|"
        fields = [{ name = "word", type = "utf8" }, { name = "n", type = "int64", nullable = true }]
        [sources.lines]
        kind = "stdin"
        [streams.trimmed]
        op = "transform"
        from = "lines"
        plugin = "trim"
        [streams.parsed]
        op = "transform"
        from = "trimmed"
        plugin = "parse"
        [sinks.screen]
        kind = "console"
        from = "parsed"
        "#,
    );
    let mut program = project.start(&["--once"]);
    program.write("  Tide|3 \nMILL|\nmill|x\n");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.ends_with("---\n(tide, 3)\n(mill, null)\n\n"), "{}", finished.stdout);
    assert_eq!(finished.num_logged("row set aside: field `n`: `x` is no int64"), 1, "{}", finished.stderr);
}

#[test]
fn files_are_text_csv_or_jsonl() {
    let content = "buyer,symbol,amount,price\n\"a, \"\"b\"\"\",MILL,,2.5\n";
    let sinks = r#"
        [sinks.text]
        kind = "files"
        from = "orders"
        path = "out/text"
        suffix = "txt"
        [sinks.csv]
        kind = "files"
        from = "orders"
        path = "out/csv"
        format = "csv"
        header = true
        [sinks.jsonl]
        kind = "files"
        from = "orders"
        path = "out/jsonl"
        format = "jsonl"
    "#;
    let project = orders(sinks, Some(content));
    project.succeed(&["--once"]);
    let written = |prefix: &str| folders(&project.path("out"), prefix)[0]["part-00000"].clone();
    assert_eq!(written("text"), "(a, \"b\", MILL, null, 2.5)\n");
    assert_eq!(written("csv"), "buyer,symbol,amount,price\n\"a, \"\"b\"\"\",MILL,,2.5\n");
    assert_eq!(
        written("jsonl"),
        "{\"buyer\":\"a, \\\"b\\\"\",\"symbol\":\"MILL\",\"amount\":null,\"price\":2.5}\n"
    );
    let names: Vec<_> = std::fs::read_dir(project.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let text = names.iter().find(|name| name.starts_with("text-")).unwrap();
    let time = text.strip_prefix("text-").unwrap().strip_suffix(".txt").unwrap();
    assert_eq!(time.parse::<u64>().unwrap() % 1000, 0, "a batch time is a multiple of the interval");
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn times_are_written_as_rfc_3339_in_every_format() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "times"
        batch_interval = "1s"
        [sources.times]
        kind = "stdin"
        format = "csv"
        schema = { time = "timestamp", note = "utf8" }
        [sinks.screen]
        kind = "console"
        from = "times"
        [sinks.text]
        kind = "files"
        from = "times"
        path = "out/text"
        [sinks.csv]
        kind = "files"
        from = "times"
        path = "out/csv"
        format = "csv"
        [sinks.jsonl]
        kind = "files"
        from = "times"
        path = "out/jsonl"
        format = "jsonl"
        "#,
    );
    let mut program = project.start(&["--once"]);
    program.write("2026-01-05T10:30:01.5+01:00,a\n");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.ends_with("---\n(2026-01-05T09:30:01.500Z, a)\n\n"), "{}", finished.stdout);
    let out = project.path("out");
    assert_eq!(rows(&out, "text"), ["(2026-01-05T09:30:01.500Z, a)"]);
    assert_eq!(rows(&out, "csv"), ["2026-01-05T09:30:01.500Z,a"]);
    assert_eq!(rows(&out, "jsonl"), [r#"{"time":"2026-01-05T09:30:01.500Z","note":"a"}"#]);
}

#[test]
fn words_are_cut_at_every_kind_of_white_space_and_at_nothing_else() {
    let around = |byte: u8, before: usize| format!("{}{}b c", "a".repeat(before), char::from(byte));
    let ascii = (0..128)
        .filter(|byte| *byte != b'\n')
        .flat_map(|byte| [0, 7, 8, 15, 16, 40].map(|n| around(byte, n)));
    let other = ["a\u{85}b", "a\u{a0}b\u{2003}c", "日 本\u{3000}語", " é "].map(str::to_owned);
    let lines: Vec<String> = ascii.chain(other).collect();
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "words"
        batch_interval = "1s"
        [plugins.split]
        path = "@split_words"
        [sources.lines]
        kind = "directory"
        path = "in"
        [streams.words]
        op = "transform"
        from = "lines"
        plugin = "split"
        {}
        "#,
        sink("words")
    ));
    project.write("in/lines", lines.join("\n"));
    project.succeed(&["--once"]);
    let mut expected: Vec<String> =
        lines.iter().flat_map(|line| line.split_whitespace()).map(|word| format!("({word}, 1)")).collect();
    expected.sort();
    assert_eq!(rows(&project.path("out"), "words"), expected);
}

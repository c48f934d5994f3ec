//! Manifests that are wrong in one place, and all that is said of each.

use super::*;

/// What is said of the good manifest with `old` replaced by `new`, without the file's name.
#[track_caller]
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    let message = check(&GOOD.replacen(old, new, 1));
    message.strip_prefix("pipeline.toml:").map(str::to_owned).unwrap_or(message)
}

#[test]
fn tables_and_keys_are_known() {
    let cases = [
        (
            with("[streams.words]", "[stream.words]"),
            "9: stream: unknown table `stream`; did you mean `streams`?",
        ),
        (
            with("[pipeline]", "[weather]"),
            "1: weather: unknown table `weather`; the tables are `pipeline`, `plugins`, `sources`, `streams`, `sinks` and `dead_letters`",
        ),
        (with("address", "adress"), "8: sources.lines.adress: unknown key `adress`; did you mean `address`?"),
        (
            with("address", "address = \"x\"\ncolour"),
            "9: sources.lines.colour: unknown key `colour`; the keys are `kind`, `address`, `max_rate`, `wal`, `max_line`, `schema` and `ports`",
        ),
        (
            with("from = \"words\"", "from = \"words\"\nby = 1"),
            "16: streams.sums.by: unknown key `by`; the keys are `op` and `from`",
        ),
        (
            with("path = \"split.wasm\"", "path = \"split.wasm\"\nlimits.memry = 1"),
            "6: plugins.split.limits.memry: unknown key `memry`; did you mean `memory`?",
        ),
        (
            with("name =", "worker = 2\nname ="),
            "2: pipeline.worker: unknown key `worker`; did you mean `workers`?",
        ),
        (
            with("from = \"lines\"", "form = \"lines\""),
            "11: streams.words.form: unknown key `form`; did you mean `from`?",
        ),
        (
            with("from = \"lines\"", ""),
            "9: streams.words.from: the key `from` is missing; add it: name the source or stream that it reads",
        ),
        (with("address = \"tap:1\"", ""), "6: sources.lines.address: the key `address` is missing; add it"),
        (
            with("batch_interval = \"1s\"", ""),
            "1: pipeline.batch_interval: the key `batch_interval` is missing; add it",
        ),
        (
            with("kind = \"console\"", ""),
            "16: sinks.screen.kind: the key `kind` is missing; add it: the kinds are `console`, `files`, `sqlite`, `postgres`, `tcp` and `discard`",
        ),
        (
            with("kind = \"tap\"", "kind = \"trap\""),
            "7: sources.lines.kind: unknown kind `trap`; did you mean `tap`?",
        ),
        (
            with("\"count\"", "\"sort\""),
            "14: streams.sums.op: unknown operator `sort`; the operators are `call`, `count` and `union`",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn types_fit() {
    let cases = [
        (with("\"1s\"", "5"), "3: pipeline.batch_interval: found the number 5; write a string in quotes"),
        (
            with("\"1s\"", "\"often\""),
            "3: pipeline.batch_interval: `often` is not a duration; write for example \"500ms\"",
        ),
        (
            with("\"1s\"", "\"1500us\""),
            "3: pipeline.batch_interval: `1ms 500us` is not a whole number of milliseconds, 1 or more; write for example \"500ms\"",
        ),
        (
            with("name =", "workers = 0\nname ="),
            "2: pipeline.workers: found the number 0; write a whole number, 1 or more",
        ),
        (
            with("name =", "workers = \"two\"\nname ="),
            "2: pipeline.workers: found the string \"two\"; write a whole number, 1 or more",
        ),
        (
            with("name =", "partitions = -3\nname ="),
            "2: pipeline.partitions: found the number -3; write a whole number, 1 or more",
        ),
        (
            with("name =", "partitions = 129\nname ="),
            "2: pipeline.partitions: 129 is too many; write a number from 1 to 128",
        ),
        (
            with("name =", "workers = 9999\nname ="),
            "2: pipeline.workers: 9999 is too many; write a number from 1 to 1024, or leave it out to use every core",
        ),
        (
            with("name =", "rate = \"spork\"\nname ="),
            "2: pipeline.rate: unknown value `spork`; did you mean `spark`?",
        ),
        (
            with("name =", "rate = { mode = \"spark\", min_rate = 0 }\nname ="),
            "2: pipeline.rate: `min_rate` is 0; write a number of rows a second above 0",
        ),
        (
            with("name =", "control = \"here\"\nname ="),
            "2: pipeline.control: `here` is no address to listen at; write for example \"127.0.0.1:0\"",
        ),
        (
            with("path = \"split.wasm\"", "path = \"split.wasm\"\nmax_reject_rise = 2"),
            "6: plugins.split.max_reject_rise: 2 is no share; write a number from 0 to 1",
        ),
        (
            with("\"wordcount\"", "\" \""),
            "2: pipeline.name: ` ` can't be a name; use ASCII letters, digits, `_` and `-`, beginning with a letter or `_`",
        ),
        (with("\"tap:1\"", "true"), "8: sources.lines.address: found true; write a string in quotes"),
        (
            with("\"tap:1\"", "\"a\"\nwal = \"yes\""),
            "9: sources.lines.wal: found the string \"yes\"; write true or false",
        ),
        (
            with("\"tap:1\"", "\"a\"\nmax_rate = 1.5"),
            "9: sources.lines.max_rate: found the number 1.5; write a whole number from 0 to 4294967295",
        ),
        (
            with("\"tap:1\"", "\"a\"\nmax_line = \"big\""),
            "9: sources.lines.max_line: `big` is not a size; write for example \"64MiB\"",
        ),
        (
            with("\"tap:1\"", "\"a\"\nmax_line = true"),
            "9: sources.lines.max_line: found true; write a size such as \"64MiB\"",
        ),
        (
            with("\"tap:1\"", "\"a\"\nports = [1,\n70000]"),
            "9: sources.lines.ports: found the number 70000; write a whole number from 0 to 65535",
        ),
        (
            with("\"tap:1\"", "\"a\"\nports = 1"),
            "9: sources.lines.ports: found the number 1; write a list, as in [\"a\", \"b\"]",
        ),
        (
            with("\"tap:1\"", "\"a\"\nschema = { n = \"int32\" }"),
            "9: sources.lines.schema: column `n`: `int32` is not a type; the types are boolean, int64, float64, utf8, binary, timestamp, with a `?` behind one that may be null",
        ),
        (
            with("\"console\"", "7"),
            "17: sinks.screen.kind: found the number 7; the kinds are `console`, `files`, `sqlite`, `postgres`, `tcp` and `discard`",
        ),
        (
            with("\"console\"", "\"console\"\nlimit = \"ten\""),
            "18: sinks.screen.limit: found the string \"ten\"; write a whole number, 0 or more",
        ),
        (
            with("\"console\"", "\"files\"\npath = \"out\"\nformat = \"cvs\""),
            "19: sinks.screen.format: unknown value `cvs`; did you mean `csv`?",
        ),
        (
            with("\"console\"", "\"discard\"\nlimit = 1"),
            "18: sinks.screen.limit: unknown key `limit`; the keys are `kind` and `from`",
        ),
        (
            with("from = \"sums\"", "from = [\"sums\", \"words\"]"),
            "18: sinks.screen.from: a sink takes one stream, and 2 are named; put them together with a `union`, or add a sink for each",
        ),
        (
            with("from = \"sums\"", "from = [\"sums\", 3]"),
            "18: sinks.screen.from: found the number 3; write a name, as in from = \"lines\", or a list of names",
        ),
        (
            with("from = \"sums\"", "from = []"),
            "18: sinks.screen.from: the list is empty; write a name, as in from = \"lines\", or a list of names",
        ),
        (
            with("[streams.sums]", "[[streams.sums]]"),
            "13: streams.sums: found a list; write a table, [streams.sums]",
        ),
        (
            with("\"split.wasm\"", "\"split.wasm\"\nsha256 = \"abc\""),
            "6: plugins.split.sha256: `abc` is not 64 hexadecimal digits; write what `sha256sum` prints for the file",
        ),
        (
            with("\"split.wasm\"", "\"split.wasm\"\nlimits = 5"),
            "6: plugins.split.limits: found the number 5; write a table",
        ),
        (
            with("[sinks.screen]", "[dead_letters]\nkind = \"files\"\n[sinks.screen]"),
            "16: dead_letters.path: the key `path` is missing; add it",
        ),
        (
            with("[sinks.screen]", "[dead_letters]\nkind = \"file\"\n[sinks.screen]"),
            "17: dead_letters.kind: unknown kind `file`; did you mean `files`?",
        ),
        (
            with("[sinks.screen]", "[dead_letters]\nkind = \"log\"\npath = \"a\"\n[sinks.screen]"),
            "18: dead_letters.path: unknown key `path`; leave it out or write `kind`, there are no other keys",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn names_lead_somewhere() {
    let cases = [
        (
            with("from = \"words\"", "from = \"word\""),
            "15: streams.sums.from: no source or stream is named `word`; did you mean `words`?",
        ),
        (
            with("from = \"sums\"", "from = \"totals\""),
            "18: sinks.screen.from: no source or stream is named `totals`; the sources and streams are `lines`, `words` and `sums`",
        ),
        (
            with("from = \"lines\"", "from = \"sums\""),
            "11: streams.words.from: the streams go round in a cycle, words -> sums -> words; let one of these streams read something else",
        ),
        (
            with("from = \"lines\"", "from = \"words\""),
            "11: streams.words.from: the streams go round in a cycle, words -> words; let one of these streams read something else",
        ),
        (
            with("plugin = \"split\"", "plugin = \"spilt\""),
            "12: streams.words.plugin: no plugin is named `spilt`; did you mean `split`?",
        ),
        (
            with("plugin = \"split\"", "plugin = \"other\""),
            "12: streams.words.plugin: no plugin is named `other`; add a [plugins.other] with its path",
        ),
        (
            with("op = \"call\"\nfrom = \"lines\"\nplugin = \"split\"", "op = \"count\"\nfrom = \"lines\""),
            "4: plugins.split: no stream uses this plugin; leave it out, or name it as a stream's plugin",
        ),
        (
            with("from = \"words\"", "from = [\"words\", \"lines\"]"),
            "15: streams.sums.from: `count` reads one stream, but from names 2; put several together with a `union` first",
        ),
        (
            with("\"count\"", "\"union\""),
            "15: streams.sums.from: `union` reads two streams or more, but from names 1; name them all, as in from = [\"a\", \"b\"]",
        ),
        (
            with("[streams.sums]", "[streams.lines]"),
            "13: streams.lines: a source is named `lines` too; rename one of them",
        ),
        (
            with("[streams.sums]", "[streams.\"my sums\"]"),
            "13: streams.my sums: `my sums` can't be a name; use ASCII letters, digits, `_` and `-`, beginning with a letter or `_`",
        ),
        (
            with("[sinks.screen]\nkind = \"console\"\nfrom = \"sums\"", ""),
            "1: pipeline: nothing to execute, for there is no sink; add a [sinks.…]",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn variables_are_set() {
    let cases = [
        (
            with("tap:1", "${HOST}:${PORT}"),
            "8: sources.lines.address: the environment variable `HOST` is not set; set it",
        ),
        (
            with("tap:1", "${PORT"),
            "8: sources.lines.address: `${` has no `}` behind it; close it, or write `$${` for a plain `${`",
        ),
        (
            with("tap:1", "${PO RT}"),
            "8: sources.lines.address: `${PO RT}` does not name an environment variable; use letters, digits and `_`, or write `$${` for a plain `${`",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn text_that_is_not_toml_has_its_line() {
    let cases = [
        (
            with("from = \"sums\"", "from = \"sums"),
            "18: this is not TOML: invalid basic string, expected `\"`; correct this line",
        ),
        (
            with("[streams.sums]", "[streams.sums"),
            "13: this is not TOML: unclosed table, expected `]`; correct this line",
        ),
        (
            with("[streams.sums]", "[streams.words]"),
            "13: `words` is there twice; rename one of them or leave it out",
        ),
        (
            with("op = \"count\"", "op = \"count\"\nop = \"union\""),
            "15: `op` is there twice; rename one of them or leave it out",
        ),
        (
            check(""),
            "pipeline.toml: pipeline: there is no table [pipeline]; add one with name and batch_interval",
        ),
        (check("pipeline = 3"), "pipeline.toml:1: pipeline: found the number 3; write a table, [pipeline]"),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Manifest::read(Path::new("/nowhere/pipeline.toml")).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read the manifest /nowhere/pipeline.toml: ")
            && error.ends_with("; check the path"),
        "{error}"
    );
}

#[test]
fn hostile_text_is_an_error_and_no_more() {
    for text in [
        "[".repeat(100_000),
        "a.".repeat(100_000) + "b = 1",
        format!("a = {}", "[".repeat(100_000)),
        "\u{feff}\0".to_owned(),
    ] {
        assert!(read(&text).is_err());
    }
}

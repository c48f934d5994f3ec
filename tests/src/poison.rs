//! Rows and keys that a plugin fails on go to the dead letters, and the rest of the batch goes on as if they had
//! never been there.

use serde_json::json;

use super::support::{Finished, Project, folders, rows};

/// A run over `lines` of the plugin that does what lines say, beside a count that it has no part in.
fn run(limits: &str, tolerance: &str, lines: &str) -> (Project, Finished) {
    let project = Project::new(&format!(
        r#"
        [pipeline]
        name = "poison"
        batch_interval = "50ms"
        [plugins.odd]
        path = "@misbehave"
        limits = {{ {limits} }}
        [sources.lines]
        kind = "directory"
        path = "lines"
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "odd"
        {tolerance}
        [streams.num_lines]
        op = "count"
        from = "lines"
        [sinks.out]
        kind = "files"
        from = "passed"
        path = "out/passed"
        [sinks.num]
        kind = "files"
        from = "num_lines"
        path = "out/num"
        [dead_letters]
        kind = "files"
        path = "dead"
        "#
    ));
    project.write("lines/lines.txt", lines);
    let finished = project.run(&["--once"]);
    (project, finished)
}

/// `total` good lines with `bad` in some places.
fn lines_with(total: usize, bad: &[(usize, &str)]) -> (String, Vec<String>) {
    let good: Vec<String> = (0..total).map(|i| format!("line {i}")).collect();
    let mut all: Vec<&str> = good.iter().map(String::as_str).collect();
    for &(at, line) in bad.iter().rev() {
        all.insert(at, line);
    }
    (all.join("\n"), good)
}

fn passed(project: &Project) -> Vec<String> {
    let folders = folders(&project.path("out"), "passed");
    folders
        .iter()
        .flat_map(|folder| folder.values())
        .flat_map(|file| file.lines())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_row_that_traps_is_set_aside_and_the_others_pass_in_order() {
    let (text, good) = lines_with(100_000, &[(0, "panic"), (77_777, "panic")]);
    let (project, finished) = run("", "", &text);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(passed(&project) == good, "other rows than the good ones, or in another order");
    assert_eq!(rows(&project.path("out"), "num"), ["100002"]);
    let letters = project.dead_letters("poison");
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert_eq!(letter["origin"], "passed");
        assert_eq!(letter["kind"], "trap");
        assert_eq!(letter["row"], json!({ "line": "panic" }));
        assert_eq!(letter["plugin"]["name"], "odd");
        assert_eq!(letter["plugin"]["digest"].as_str().unwrap().len(), 64);
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.contains("asked to by a line"), "{reason}");
    }
}

#[test]
fn rows_that_take_all_time_or_memory_are_set_aside_each_with_its_kind() {
    let (text, good) = lines_with(2000, &[(3, "spin"), (900, "hoard"), (901, "panic"), (2000, "hoard")]);
    let (project, finished) = run("time = \"100ms\", memory = \"20MiB\"", "", &text);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(passed(&project), good);
    let letters = project.dead_letters("poison");
    let mut kinds: Vec<_> =
        letters.iter().map(|l| (l["row"]["line"].as_str().unwrap(), l["kind"].as_str().unwrap())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("hoard", "memory"), ("hoard", "memory"), ("panic", "trap"), ("spin", "timeout")]);
    let spin = letters.iter().find(|letter| letter["kind"] == "timeout").unwrap();
    assert_eq!(spin["reason"], "the call took longer than 100ms; raise `limits.time` if it needs longer");
}

#[test]
fn the_output_is_that_of_a_batch_without_the_bad_rows() {
    let (text, good) = lines_with(30_000, &[(9_999, "panic"), (20_000, "panic"), (20_001, "panic")]);
    let (with, _) = run("", "", &text);
    let (without, _) = run("", "", &good.join("\n"));
    let files = |project: &Project| folders(&project.path("out"), "passed").pop().unwrap();
    let all = |project: &Project| files(project).into_values().collect::<String>();
    assert!(all(&with) == all(&without));
}

#[test]
fn more_bad_rows_than_allowed_stop_the_pipeline_before_anything_is_published() {
    let (text, _) = lines_with(5000, &[(10, "panic"), (2000, "panic"), (4000, "panic")]);
    let (project, finished) = run("", "max_poison = 2", &text);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(passed(&project).is_empty());
    let error = finished.error();
    let wanted =
        "more than 2 rows or keys of the batch fail; mend the plugin, or raise the stream's `max_poison`";
    assert!(error.contains("stream `passed` failed: plugin `odd`: ") && error.contains(wanted), "{error}");
}

#[test]
fn where_errors_are_to_stop_the_pipeline_the_first_one_does() {
    let (text, _) = lines_with(5000, &[(10, "panic")]);
    let (project, finished) = run("", "on_error = \"stop\"", &text);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(passed(&project).is_empty() && project.dead_letters("poison").is_empty());
    assert!(finished.error().contains("asked to by a line"), "{}", finished.error());
}

const SUMS: &str = r#"
[pipeline]
name = "sums"
batch_interval = "50ms"
[plugins.sum]
path = "@sum"
[sources.numbers]
kind = "directory"
path = "numbers"
format = "csv"
schema = { key = "utf8", n = "int64" }
[streams.sums]
op = "reduce_by_key"
from = "numbers"
key = ["key"]
plugin = "sum"
[streams.ones]
op = "reduce_by_key"
from = "numbers"
key = ["n"]
plugin = "min"
[plugins.min]
path = "@min"
[sinks.sums]
kind = "files"
from = "sums"
path = "out/sums"
[sinks.ones]
kind = "files"
from = "ones"
path = "out/ones"
[dead_letters]
kind = "files"
path = "dead"
"#;

#[test]
fn a_key_that_fails_is_set_aside_whole_with_any_number_of_workers() {
    let run = |workers: &str| {
        let project = Project::new(SUMS);
        // `large` overflows within the first file; `split` only where the rows of both files meet.
        for (file, first) in [("a.csv", "large"), ("b.csv", "other")] {
            let mut text = format!("{first},{0}\n{first},{0}\nsplit,{0}\n", i64::MAX / 2 + 2);
            text.extend((0..30_000).map(|i| format!("k{},1\n", i % 10)));
            text.push_str("large,5\n");
            project.write(&format!("numbers/{file}"), text);
        }
        let finished = project.run(&["--once", "--workers", workers]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let letters: Vec<String> =
            project.dead_letters("sums").iter().map(|l| l["row"].to_string()).collect();
        (folders(&project.path("out"), "sums"), folders(&project.path("out"), "ones"), letters)
    };
    let (sums, ones, letters) = run("1");
    let mut rows: Vec<&str> = sums[0].values().flat_map(|file| file.lines()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..10).map(|i| format!("(k{i}, 6000)")).collect::<Vec<_>>());
    let of = |key: &str| -> Vec<i64> {
        let rows = letters.iter().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
        rows.filter(|row| row["key"] == key).map(|row| row["n"].as_i64().unwrap()).collect()
    };
    let big = i64::MAX / 2 + 2;
    assert_eq!(of("large"), [big, big, 5, 5]);
    assert_eq!(of("other"), [big, big]);
    assert_eq!(of("split"), [big, big]);
    assert_eq!(letters.len(), 8);
    assert_eq!(ones[0].values().flat_map(|file| file.lines()).count(), 3);
    for workers in ["2", "4"] {
        assert!(run(workers) == (sums.clone(), ones.clone(), letters.clone()), "{workers} workers");
    }
}

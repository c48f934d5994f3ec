//! The same input gives the same output, byte for byte, with any number of workers.

use std::collections::BTreeMap;

use super::support::{Folder, Lines, Project, count, counted_rows, folders, rows};

const MANIFEST: &str = r#"
[pipeline]
name = "determinism"
batch_interval = "1s"

[plugins.split]
path = "@split_words"
[plugins.select_n]
path = "@select"
config = { columns = ["n"] }
[plugins.select_word]
path = "@select"
config = { columns = ["word"] }
[plugins.sum]
path = "@sum"
[plugins.first]
path = "@first"

[sources.lines]
kind = "directory"
path = "lines"
[sources.prices]
kind = "directory"
path = "prices"
format = "csv"
schema = { symbol = "utf8", price = "float64" }

[streams.words]
op = "transform"
from = "lines"
plugin = "split"
[streams.counts]
op = "reduce_by_key"
from = "words"
key = ["word"]
plugin = "sum"
[streams.only_words]
op = "transform"
from = "words"
plugin = "select_word"
[streams.doubled]
op = "union"
from = ["only_words", "only_words"]
[streams.counts_by_value]
op = "count_by_value"
from = "doubled"
[streams.five]
op = "repartition"
from = "words"
partitions = 5
[streams.ones]
op = "transform"
from = "five"
plugin = "select_n"
[streams.total]
op = "reduce"
from = "ones"
plugin = "sum"
[streams.num_words]
op = "count"
from = "five"
[streams.sums]
op = "reduce_by_key"
from = "prices"
key = ["symbol"]
plugin = "sum"
[streams.firsts]
op = "reduce_by_key"
from = "prices"
key = ["symbol"]
plugin = "first"

[sinks.counts]
kind = "files"
from = "counts"
path = "out/counts"
[sinks.counts_by_value]
kind = "files"
from = "counts_by_value"
path = "out/by_value"
[sinks.five]
kind = "files"
from = "five"
path = "out/five"
format = "csv"
[sinks.total]
kind = "files"
from = "total"
path = "out/total"
[sinks.num_words]
kind = "files"
from = "num_words"
path = "out/num"
[sinks.sums]
kind = "files"
from = "sums"
path = "out/sums"
format = "jsonl"
[sinks.firsts]
kind = "files"
from = "firsts"
path = "out/firsts"
"#;

const OUTPUTS: [&str; 7] = ["counts", "by_value", "five", "total", "num", "sums", "firsts"];

#[test]
fn any_number_of_workers_writes_the_same_bytes_and_the_right_ones() {
    let project = Project::new(MANIFEST);
    let mut random = Lines::new(7);
    let text: Vec<String> = (0..4).map(|_| lines_of(&mut random, 50_000)).collect();
    for (i, file) in text.iter().enumerate() {
        project.write(&format!("lines/{i}.txt"), file);
    }
    let prices: Vec<(String, f64)> =
        (0..60_000).map(|_| (random.word(), random.below(1_000_000) as f64 / 1e3)).collect();
    for (i, part) in prices.chunks(20_000).enumerate() {
        let lines: String = part.iter().map(|(symbol, price)| format!("{symbol},{price}\n")).collect();
        project.write(&format!("prices/{i}.csv"), lines);
    }

    let first = outputs(&project, "1");
    for workers in ["2", "3", "8"] {
        let other = outputs(&project, workers);
        for name in OUTPUTS {
            // Not assert_eq, whose message would be megabytes.
            assert!(first[name] == other[name], "`{name}` is another with {workers} workers than with 1");
        }
    }
    assert!(first["counts"][0].len() > 1, "too few rows for several partitions");
    assert_eq!(first["five"][0].len(), 5);

    let counts = count(&text.concat());
    let rows_of = |name: &str| -> Vec<String> {
        let files = first[name].iter().flat_map(Folder::values);
        let mut rows: Vec<String> = files.flat_map(|file| file.lines()).map(str::to_owned).collect();
        rows.sort();
        rows
    };
    let total: i64 = counts.values().sum();
    assert!(rows_of("counts") == counted_rows(&counts), "the counts are wrong");
    let doubled = counts.iter().map(|(word, n)| (word.clone(), n * 2)).collect();
    assert!(rows_of("by_value") == counted_rows(&doubled), "the counts by value are wrong");
    assert_eq!(rows_of("total"), [total.to_string()]);
    assert_eq!(rows_of("num"), [total.to_string()]);
    assert_eq!(rows_of("five").len() as i64, total);

    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    prices.iter().for_each(|(symbol, price)| *sums.entry(symbol).or_default() += price);
    let summed = rows_of("sums");
    assert_eq!(summed.len(), sums.len());
    for row in summed {
        let row: serde_json::Value = serde_json::from_str(&row).unwrap();
        let (sum, expected) = (row["price"].as_f64().unwrap(), sums[row["symbol"].as_str().unwrap()]);
        assert!((sum - expected).abs() <= expected * 1e-9, "{row}, but {expected} is expected");
    }
    assert_eq!(rows_of("firsts").len(), sums.len());
}

fn lines_of(random: &mut Lines, num: usize) -> String {
    (0..num).map(|_| random.line(8) + "\n").collect()
}

/// Runs the pipeline with so many workers. Answers what it wrote, and removes it.
fn outputs(project: &Project, workers: &str) -> BTreeMap<&'static str, Vec<Folder>> {
    project.succeed(&["--once", "--workers", workers]);
    let out = project.path("out");
    let outputs = OUTPUTS.map(|name| (name, folders(&out, name)));
    std::fs::remove_dir_all(out).unwrap();
    for (name, folders) in &outputs {
        assert_eq!(folders.len(), 1, "{name}");
    }
    outputs.into()
}

#[test]
fn first_and_last_keep_the_order_of_arrival_over_partitions() {
    let manifest = r#"
        [pipeline]
        name = "order"
        batch_interval = "1s"
        [plugins.first]
        path = "@first"
        [plugins.last]
        path = "@last"
        [sources.rows]
        kind = "directory"
        path = "rows"
        format = "csv"
        schema = { key = "int64", at = "int64" }
        [streams.firsts]
        op = "reduce_by_key"
        from = "rows"
        key = ["key"]
        plugin = "first"
        [streams.lasts]
        op = "reduce_by_key"
        from = "rows"
        key = ["key"]
        plugin = "last"
        [sinks.firsts]
        kind = "files"
        from = "firsts"
        path = "out/firsts"
        [sinks.lasts]
        kind = "files"
        from = "lasts"
        path = "out/lasts"
    "#;
    let project = Project::new(manifest);
    // A csv file is one split, and splits are read at the same time.
    let mut at = 0..90_000;
    for file in 0..9 {
        let lines: String = at.by_ref().take(10_000).map(|at| format!("{},{at}\n", at % 100)).collect();
        project.write(&format!("rows/{file}.csv"), lines);
    }
    project.succeed(&["--once", "--workers", "3"]);
    let expected = |start: i64| {
        let mut rows: Vec<String> = (0..100).map(|key| format!("({key}, {})", start + key)).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&project.path("out"), "firsts"), expected(0));
    assert_eq!(rows(&project.path("out"), "lasts"), expected(89_900));
}

#[test]
fn what_an_instance_keeps_does_not_show_in_other_partitions() {
    let manifest = |reuse: bool| {
        format!(
            r#"
            [pipeline]
            name = "keeps"
            batch_interval = "1s"
            [plugins.remembers]
            path = "@remembers"
            reuse = {reuse}
            [sources.lines]
            kind = "directory"
            path = "lines"
            [streams.spread]
            op = "repartition"
            from = "lines"
            partitions = 16
            [streams.seen]
            op = "transform"
            from = "spread"
            plugin = "remembers"
            [sinks.seen]
            kind = "files"
            from = "seen"
            path = "out/seen"
            "#
        )
    };
    let run = |reuse: bool, workers: &str| {
        let project = Project::new(&manifest(reuse));
        project.write("lines/a.txt", lines_of(&mut Lines::new(3), 20_000));
        project.succeed(&["--once", "--workers", workers]);
        folders(&project.path("out"), "seen")
    };
    let first = run(false, "1");
    assert_eq!(first[0].len(), 16);
    for workers in ["1", "2", "4"] {
        assert!(run(false, workers) == first, "another with {workers} workers");
    }
    // It does keep something, which shows where the plugin's word is taken.
    assert!(run(true, "1") != first);
}

//! Operators on keys through the real program: aggregates, joins, groups and states, from files to files.

use super::support::{Project, folders, rows};

const MANIFEST: &str = r#"
[pipeline]
name = "keyed"
batch_interval = "50ms"

[plugins.mean]
path = "@mean"
[plugins.running]
path = "@running_sum"

[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { key = "utf8", n = "int64" }
[sources.names]
kind = "directory"
path = "names"
format = "csv"
schema = { key = "utf8", name = "utf8" }

[streams.means]
op = "aggregate_by_key"
from = "orders"
key = ["key"]
plugin = "mean"
[streams.named]
op = "join"
from = ["orders", "names"]
key = ["key"]
how = "full"
[streams.grouped]
op = "group_by_key"
from = "orders"
key = ["key"]
[streams.both]
op = "cogroup"
from = ["orders", "names"]
key = ["key"]
[streams.running]
op = "update_state_by_key"
from = "orders"
key = ["key"]
plugin = "running"
[streams.window]
op = "count"
from = "orders"
window = { length = "100ms" }

[sinks.means]
kind = "files"
from = "means"
path = "out/means"
[sinks.named]
kind = "files"
from = "named"
path = "out/named"
[sinks.grouped]
kind = "files"
from = "grouped"
path = "out/grouped"
[sinks.both]
kind = "files"
from = "both"
path = "out/both"
[sinks.running]
kind = "files"
from = "running"
path = "out/running"
[sinks.window]
kind = "files"
from = "window"
path = "out/window"
"#;

#[test]
fn each_answers_what_it_should() {
    let project = Project::new(MANIFEST);
    project.write("orders/a.csv", "a,1\nb,2\na,2\nc,5\n");
    project.write("names/a.csv", "a,Ada\nb,Bob\nd,Dan\nb,Ben\n");
    project.succeed(&["--once"]);
    let out = |name: &str| rows(&project.path("out"), name);
    assert_eq!(out("means"), ["(a, 1.5)", "(b, 2.0)", "(c, 5.0)"]);
    assert_eq!(
        out("named"),
        ["(a, 1, Ada)", "(a, 2, Ada)", "(b, 2, Ben)", "(b, 2, Bob)", "(c, 5, null)", "(d, null, Dan)"]
    );
    assert_eq!(out("grouped"), ["(a, [1,2])", "(b, [2])", "(c, [5])"]);
    assert_eq!(
        out("both"),
        [r#"(a, [1,2], ["Ada"])"#, r#"(b, [2], ["Bob","Ben"])"#, "(c, [5], [])", r#"(d, [], ["Dan"])"#]
    );
    assert_eq!(out("running"), ["(a, 3)", "(b, 2)", "(c, 5)"]);
    assert_eq!(out("window"), ["4"]);
}

#[test]
fn any_number_of_workers_writes_the_same_bytes() {
    let run = |workers: &str| {
        let project = Project::new(MANIFEST);
        let order = |i: usize| format!("k{},{}\n", i * 7919 % 5003, i % 100);
        project.write("orders/a.csv", (0..60_000).map(order).collect::<String>());
        project.write("names/a.csv", (0..20_000).map(|i| format!("k{i},n{i}\n")).collect::<String>());
        project.succeed(&["--once", "--workers", workers]);
        let names = ["means", "named", "grouped", "both", "running", "window"];
        names.map(|name| folders(&project.path("out"), name))
    };
    let one = run("1");
    assert_eq!(one[4][0].values().flat_map(|file| file.lines()).count(), 5003);
    assert!(one[1][0].len() > 1, "too few rows for several partitions");
    for workers in ["2", "4"] {
        assert!(run(workers) == one, "another with {workers} workers");
    }
}

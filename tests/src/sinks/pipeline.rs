//! A pipeline of orders, with their sums a batch and in all, that writes both to a database.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use super::super::support::{Lines, Project, wait_until};

const ORDERS: &str = r#"
[pipeline]
name = "orders"
batch_interval = "20ms"
checkpoint = "checkpoint"

[plugins.sum]
path = "@sum"
[plugins.running]
path = "@running_sum"

[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { key = "utf8", n = "int64" }

[streams.sums]
op = "reduce_by_key"
from = "orders"
key = ["key"]
plugin = "sum"
[streams.totals]
op = "update_state_by_key"
from = "orders"
key = ["key"]
plugin = "running"

[sinks.sums]
from = "sums"
table = "sums"
create = true
time_column = "batch"
SINK

[sinks.totals]
from = "totals"
table = "totals"
mode = "upsert"
key = ["key"]
create = true
SINK
"#;

/// The pipeline, with sinks that have the options `sink` besides.
pub fn orders(sink: &str) -> Project {
    let project = Project::new(&ORDERS.replace("SINK", sink));
    project.make_folder("orders");
    project
}

/// What a database has: the sum over all batches, and the last totals, by key.
pub type Sums = (BTreeMap<String, i64>, BTreeMap<String, i64>);

/// Kills the program at random, `num_cycles` times, while orders arrive, and expects `read` to answer their sums in the
/// end, and no more.
pub fn kill_at_random(project: &Project, num_cycles: u64, read: impl Fn() -> Option<Sums>) {
    let seed = 20_261_121;
    let (mut text, mut expected) = (Lines::new(seed), BTreeMap::new());
    for cycle in 0..num_cycles {
        let mut program = project.start(&[]);
        if cycle == 0 {
            // Files that are there before the first start are old.
            program.wait_for_log("running", 1);
        }
        for file in 0..6 {
            let orders: Vec<(String, i64)> =
                (0..200).map(|_| (format!("k{}", text.below(50)), text.below(1000) as i64)).collect();
            let mut lines = String::new();
            for (key, n) in orders {
                lines.push_str(&format!("{key},{n}\n"));
                *expected.entry(key).or_default() += n;
            }
            project.move_in(&format!("orders/{cycle}-{file}.csv"), lines);
            sleep(Duration::from_millis(text.below(40)));
        }
        sleep(Duration::from_millis(text.below(120)));
        program.kill();
    }
    let program = project.start(&[]);
    let is_done = || read().is_some_and(|(_, totals)| totals == expected).then_some(());
    wait_until(&format!("all totals (seed {seed})"), is_done);
    program.wait_for_log("running", 1);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    let (sums, totals) = read().unwrap();
    assert_eq!(sums, expected, "seed {seed}");
    assert_eq!(totals, expected, "seed {seed}");
}

/// Where a database's transaction can be interrupted.
const POINTS: [&str; 4] =
    ["transaction.before", "transaction.noted", "transaction.written", "transaction.after"];

/// Kills the program at each point of a transaction: the one of the first sink, and that of the second in the same batch.
/// Expects `read` to answer all orders once, after the next run.
pub fn kill_at_each_point(project: &Project, read: impl Fn() -> Option<Sums>) {
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    let mut expected = BTreeMap::new();
    for (round, point) in POINTS.into_iter().flat_map(|point| [(0, point), (1, point)]).enumerate() {
        let (passes, point) = point;
        project.move_in(&format!("orders/{round}.csv"), format!("a,{round}\nb,1\n"));
        let fail = format!("{point}={passes}*off->return(kill)");
        let killed = project.start_with(&["--once"], &[("FAILPOINTS", &fail)]).finish();
        assert_eq!(killed.code, None, "{fail}: {}", killed.stderr);
        project.succeed(&["--once"]);
        *expected.entry("a".to_owned()).or_default() += round as i64;
        *expected.entry("b".to_owned()).or_default() += 1;
        assert_eq!(read(), Some((expected.clone(), expected.clone())), "{fail}");
    }
}

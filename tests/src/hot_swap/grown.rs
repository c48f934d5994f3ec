//! A start with a file whose plugin keeps other states than the version that ran.

use super::super::support::{Finished, Project, version};
use super::*;

const MANIFEST: &str = r#"
[pipeline]
name = "growing"
batch_interval = "20ms"
checkpoint = "checkpoint"
[plugins.total]
path = "total.wasm"
PIN
[sources.pairs]
kind = "directory"
path = "in"
existing = true
format = "csv"
schema = { key = "utf8", value = "int64" }
[streams.totals]
op = "map_with_state"
from = "pairs"
key = ["key"]
plugin = "total"
[sinks.screen]
kind = "console"
from = "totals"
skip_empty = true
"#;

fn manifest(pin: &str) -> String {
    MANIFEST.replace("PIN", pin)
}

/// A pipeline that has added `first` up as version `one` of `versioned_total`, and whose file is that of `plugin` now.
fn grown(first: &str, plugin: Vec<u8>) -> Project {
    let project = Project::new(&manifest(""));
    project.write("total.wasm", version("versioned_total", "one"));
    project.write("in/1.csv", first);
    project.succeed(&["--once"]);
    project.write("total.wasm", plugin);
    project
}

/// The rows that `project` prints of one more file, sorted.
#[track_caller]
fn adds(project: &Project, name: &str, pairs: &str, options: &[&str]) -> (Vec<String>, Finished) {
    project.write(&format!("in/{name}.csv"), pairs);
    let finished = project.succeed(&[&["--once"], options].concat());
    let mut rows: Vec<String> =
        finished.stdout.lines().filter(|line| line.starts_with('(')).map(str::to_owned).collect();
    rows.sort();
    (rows, finished)
}

#[test]
fn what_ran_goes_on_and_new_plugins_migrates_before_the_first_batch() {
    let project = grown("a,1\nb,2\n", version("versioned_stats", "two"));
    let (rows, finished) = adds(&project, "2", "a,10\n", &[]);
    assert_eq!(rows, ["(a, 11, one)"]);
    assert_eq!(finished.num_logged("which ran last"), 1, "{}", finished.stderr);

    // Whoever watches the file doesn't swap it in once more.
    project.change_manifest(&manifest("watch = true"));
    let (rows, finished) = adds(&project, "3", "a,100\n", &["--new-plugins"]);
    assert_eq!(rows, ["(a, 111, two 1)"]);
    assert_eq!(finished.num_logged("which ran last"), 0, "{}", finished.stderr);
    assert_eq!(finished.num_logged("swapped plugin=total"), 1, "{}", finished.stderr);

    let (rows, finished) = adds(&project, "4", "b,1\n", &[]);
    assert_eq!(rows, ["(b, 3, two 1)"], "a state that saw no row was migrated too");
    assert_eq!(finished.num_logged("swapped"), 0, "{}", finished.stderr);
    let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint").stdout;
    assert!(shown.contains("a state (total: int64, count: int64)"), "{shown}");
}

#[test]
fn a_pinned_file_is_migrated_to_and_one_that_fails_is_rolled_back() {
    let greedy = version("versioned_stats", "greedy");
    let pin = |bytes: &[u8]| {
        let digest = tidemill::plugin::PluginFile::from_bytes(bytes.to_vec()).digest;
        manifest(&format!("sha256 = \"{digest}\""))
    };
    let project = grown("a,1\npoison,2\n", greedy.clone());
    project.change_manifest(&pin(&greedy));
    let (rows, finished) = adds(&project, "2", "a,10\npoison,1\n", &[]);
    assert_eq!(rows, ["(a, 11, one)", "(poison, 3, one)"]);
    assert_eq!(finished.num_logged("rolled back: "), 1, "{}", finished.stderr);

    let two = version("versioned_stats", "two");
    project.change_manifest(&pin(&two));
    project.write("total.wasm", two);
    let (rows, _) = adds(&project, "3", "a,1\npoison,1\n", &[]);
    assert_eq!(rows, ["(a, 12, two 1)", "(poison, 4, two 1)"]);
}

#[test]
fn states_that_cannot_be_migrated_are_told_and_stay_until_they_are_dropped() {
    let project = grown("a,-1\n", version("versioned_stats", "two"));
    let refused = |says: &[&str]| {
        let finished = project.run(&["--once", "--new-plugins"]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        let error = finished.error();
        for text in says.iter().chain(&["without --new-plugins", "--drop-state totals"]) {
            assert!(error.contains(text), "no {text} in {error}");
        }
    };
    refused(&["stream `totals` can't be migrated: ", "the total -1 is negative"]);
    project.write("total.wasm", std::fs::read(plugin("versioned_mean")).unwrap());
    refused(&["keeps for each key (key: utf8) a state (", "or let the plugin migrate them"]);
    assert_eq!(adds(&project, "2", "a,3\n", &[]).0, ["(a, 2, one)"], "nothing changed");
    project.write("total.wasm", version("versioned_stats", "two"));
    let (rows, _) = adds(&project, "3", "a,5\n", &["--new-plugins", "--drop-state", "totals"]);
    assert_eq!(rows, ["(a, 5, two 1)"]);
}

#[test]
fn killed_before_its_first_batch_counts_such_a_start_has_changed_nothing() {
    for (point, expected) in [("swap.migrated", "one"), ("swap.tried", "one"), ("swap.settled", "two 1")] {
        let project = grown("a,1\n", version("versioned_stats", "two"));
        project.write("in/2.csv", "b,5\n");
        let failing = format!("{point}=return(kill)");
        let killed =
            project.start_with(&["--once", "--new-plugins"], &[("FAILPOINTS", &failing)]).await_end();
        assert_eq!(killed.code, None, "{point}: {}", killed.stderr);
        let (rows, _) = adds(&project, "3", "a,10\n", &[]);
        assert_eq!(rows[..1], [format!("(a, 11, {expected})")], "{point}");
    }
}

//! What is measured of a run: in the file that `run --metrics-file` keeps, and through the library.

use std::fs;

use super::support::{Project, wait_until};

const MANIFEST: &str = r#"
[pipeline]
name = "measured"
batch_interval = "1s"

[plugins.worth]
path = "@worth"
[plugins.uncertain]
path = "@uncertain"
config = { draws = "never" }

[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { price = "float64", amount = "int64?" }
[sources.lines]
kind = "directory"
path = "lines"

[streams.worths]
op = "transform"
from = "orders"
plugin = "worth"
[streams.told]
op = "transform"
from = "lines"
plugin = "uncertain"

[sinks.out]
kind = "discard"
from = "worths"
[sinks.told]
kind = "discard"
from = "told"
"#;

/// The value of `series`, which has all labels but the pipeline's.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let comma = if labels == "}" { "" } else { "," };
    let series = format!("{name}{{pipeline=\"measured\"{comma}{labels} ");
    let found = text.lines().find_map(|line| line.strip_prefix(&series));
    found.unwrap_or_else(|| panic!("there is no {series}:\n{text}")).parse().unwrap()
}

#[test]
fn the_file_of_metrics_counts_batches_rows_calls_and_what_plugins_count() {
    let project = Project::new(MANIFEST);
    project.write("orders/1.csv", "2.5,4\n1.0,\nno number,1\n3.0,0\n3.0,2\n");
    project.write("lines/1.txt", "a\nb\nc\n");
    let file = project.path("run.prom");
    let finished = project.succeed(&["--once", "--metrics-file", file.to_str().unwrap()]);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for (series, expected) in [
        ("tidemill_batches_total", 1.0),
        ("tidemill_rows_in_total{source=\"orders\"}", 4.0),
        ("tidemill_rows_in_total{source=\"lines\"}", 3.0),
        ("tidemill_rows_out_total{sink=\"out\"}", 2.0),
        ("tidemill_rows_out_total{sink=\"told\"}", 3.0),
        ("tidemill_dead_letters_total{origin=\"orders\",kind=\"undecodable\"}", 1.0),
        ("tidemill_dead_letters_total{origin=\"worths\",kind=\"reject\"}", 2.0),
        ("tidemill_batch_processing_seconds_count", 1.0),
        ("tidemill_batch_scheduling_delay_seconds_count", 1.0),
        ("tidemill_plugin_calls_total{operator=\"worths\",plugin=\"worth\"}", 1.0),
        ("tidemill_plugin_counter_total{operator=\"told\",plugin=\"uncertain\",name=\"lines\"}", 3.0),
        ("tidemill_plugin_counter_total{operator=\"told\",plugin=\"uncertain\",name=\"other\"}", 3.0),
    ] {
        assert_eq!(value(&text, series), expected, "{series}");
    }
    let seconds = value(&text, "tidemill_plugin_call_seconds_total{operator=\"worths\",plugin=\"worth\"}");
    let processing = value(&text, "tidemill_batch_processing_seconds_sum");
    assert!(seconds > 0.0 && seconds <= processing, "{seconds} of {processing}");
    assert_eq!(finished.num_logged("plugin counts `no name`, which is no name"), 1, "{}", finished.stderr);
}

#[test]
fn keys_and_bytes_of_states_are_measured_from_the_start_on() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "measured"
        batch_interval = "50ms"
        [plugins.running]
        path = "@running_sum"
        [sources.orders]
        kind = "directory"
        path = "orders"
        format = "csv"
        schema = { client = "utf8", n = "int64" }
        [streams.totals]
        op = "update_state_by_key"
        from = "orders"
        key = ["client"]
        plugin = "running"
        initial_state = { path = "totals.csv" }
        [sinks.out]
        kind = "discard"
        from = "totals"
        "#,
    );
    project.make_folder("orders");
    let totals: String = (0..1000).map(|n| format!("client number {n},{n}\n")).collect();
    project.write("totals.csv", totals);
    let file = project.path("run.prom");
    let keys_and_bytes = || {
        let text = fs::read_to_string(&file).unwrap();
        ["keys", "bytes"].map(|what| value(&text, &format!("tidemill_state_{what}{{operator=\"totals\"}}")))
    };
    let program = project.start(&["--metrics-file", file.to_str().unwrap()]);
    program.wait_for_log("running", 1);
    let [keys, bytes] = keys_and_bytes();
    assert_eq!(keys, 1000.0);
    assert!((26_000.0..130_000.0).contains(&bytes), "{bytes}");
    project.move_in("orders/1.csv", "client number 3,1\nsomebody else,1\n");
    wait_until("the new key", || (keys_and_bytes()[0] == 1001.0).then_some(()));
    assert!(keys_and_bytes()[1] > bytes);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn the_file_is_there_from_the_start_and_is_right_after_a_failure() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "measured"
        batch_interval = "50ms"
        [plugins.odd]
        path = "@misbehave"
        [sources.lines]
        kind = "stdin"
        [streams.passed]
        op = "transform"
        from = "lines"
        plugin = "odd"
        on_error = "stop"
        [sinks.out]
        kind = "discard"
        from = "passed"
        "#,
    );
    let file = project.path("run.prom");
    let mut program = project.start(&["--metrics-file", file.to_str().unwrap()]);
    program.wait_for_log("running", 1);
    assert_eq!(value(&fs::read_to_string(&file).unwrap(), "tidemill_rows_in_total{source=\"lines\"}"), 0.0);
    program.write("panic\n");
    let finished = program.finish();
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        value(&text, "tidemill_plugin_failures_total{operator=\"passed\",plugin=\"odd\",kind=\"trap\"}")
            >= 1.0
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_runs() {
    let project = Project::new(MANIFEST);
    project.make_folder("orders");
    project.make_folder("lines");
    let file = project.path("missing/run.prom");
    let finished = project.run(&["--once", "--metrics-file", file.to_str().unwrap()]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.error().starts_with(&format!("cannot write metrics to {}: ", file.display())));
}

//! The manifest of the pipeline that is killed.

use std::path::Path;

/// How far back the window reaches: over all of a run that is killed, over a few seconds where memory is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    All,
    Seconds,
}

/// With frames at the port `frames`, and `sinks` beside files.
pub fn manifest(plugins: &Path, frames: u16, reach: Reach, sinks: &str) -> String {
    let length = match reach {
        Reach::All => "20000s",
        Reach::Seconds => "10s",
    };
    let schema =
        "format = \"csv\"\nschema = { origin = \"utf8\", number = \"int64\", key = \"utf8\", n = \"int64\" }";
    let plugin = |name: &str| format!("{:?}", plugins.join(format!("{name}.wasm")));
    format!(
        r#"[pipeline]
name = "chaos"
batch_interval = "200ms"
checkpoint = "checkpoint"

[plugins.select]
path = {}
config = {{ columns = ["key", "n"] }}
[plugins.running]
path = {}
[plugins.figures]
path = {}

[sources.frames]
kind = "framed"
address = "127.0.0.1:{frames}"
{schema}
[sources.files]
kind = "directory"
path = "input"
existing = true
{schema}
[sources.lines]
kind = "socket"
address = "${{LINES}}"
wal = true
{schema}

[streams.records]
op = "union"
from = ["frames", "files", "lines"]
[streams.values]
op = "transform"
from = "records"
plugin = "select"
[streams.totals]
op = "update_state_by_key"
from = "values"
key = ["key"]
plugin = "running"
[streams.figures]
op = "map_with_state"
from = "values"
key = ["key"]
plugin = "figures"
[streams.recent]
op = "count"
from = "records"
window = {{ length = "{length}", slide = "1s" }}

[sinks.records]
kind = "files"
from = "records"
path = "out/records"
format = "csv"
skip_empty = true
[sinks.totals]
kind = "files"
from = "totals"
path = "out/totals"
format = "csv"
skip_empty = true
[sinks.recent]
kind = "files"
from = "recent"
path = "out/recent"
{sinks}"#,
        plugin("select"),
        plugin("running_sum"),
        plugin("figures"),
    )
}

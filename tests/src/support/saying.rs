//! The pipeline that most tests of swaps run in the program: it lets a version of `versioned` say lines.

use super::{Program, Project, version};

const MANIFEST: &str = r#"
[pipeline]
name = "saying"
batch_interval = "20ms"
PIPELINE
[plugins.say]
path = "say.wasm"
PLUGIN
[sources.lines]
kind = "stdin"
[streams.said]
op = "transform"
from = "lines"
plugin = "say"
[sinks.screen]
kind = "console"
from = "said"
skip_empty = true
"#;

/// What a pipeline has that keeps a checkpoint.
pub const CHECKPOINT: &str = "checkpoint = \"checkpoint\"";

/// What a pipeline has that can be asked.
pub const CONTROL: &str = "checkpoint = \"checkpoint\"\ncontrol = \"127.0.0.1:0\"";

/// The manifest, with more keys of the pipeline and of the plugin.
pub fn saying(pipeline: &str, plugin: &str) -> String {
    MANIFEST.replace("PIPELINE", pipeline).replace("PLUGIN", plugin)
}

/// A pipeline that says lines, at first as version `one`, and answers; `two.wasm` is another version.
pub fn start_saying(plugin: &str) -> (Project, Program) {
    let project = Project::new(&saying(CONTROL, plugin));
    project.write("say.wasm", version("versioned", "one"));
    project.write("two.wasm", version("versioned", "two"));
    let program = project.start(&[]);
    program.wait_for_log("listening for control", 1);
    (project, program)
}

/// Gives `line` to `program`, which is to say it as version `version`.
#[track_caller]
pub fn says(program: &mut Program, version: &str, line: &str) {
    program.write(format!("{line}\n"));
    let said = format!("{version} {line}\n");
    program.wait_for_output(|output| output.contains(&said));
}

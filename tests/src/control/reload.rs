//! The manifest read again while its pipeline runs: plugins change, and nothing else does.

use super::*;

const MANIFEST: &str = r#"
[pipeline]
name = "reloading"
batch_interval = "20ms"
checkpoint = "checkpoint"
control = "127.0.0.1:0"
[plugins.parse]
path = "parse.wasm"
config = { separator = ",", fields = [{ name = "item", type = "utf8" }, { name = "n", type = "int64" }] }
[sources.lines]
kind = "stdin"
[streams.rows]
op = "transform"
from = "lines"
plugin = "parse"
[sinks.screen]
kind = "console"
from = "rows"
skip_empty = true
[dead_letters]
kind = "files"
path = "dead"
"#;

fn start() -> (Project, Program) {
    let project = Project::new(MANIFEST);
    project.write("parse.wasm", std::fs::read(plugin("parse_delimited")).unwrap());
    let program = project.start(&[]);
    program.wait_for_log("listening for control", 1);
    (project, program)
}

fn with_separator(separator: &str) -> String {
    MANIFEST.replace("separator = \",\"", &format!("separator = \"{separator}\""))
}

#[track_caller]
fn parses(program: &mut Program, line: &str, row: &str) {
    program.write(format!("{line}\n"));
    program.wait_for_output(|output| output.contains(row));
}

#[test]
fn another_config_is_in_use_with_the_next_batch_and_in_the_history() {
    let (project, mut program) = start();
    parses(&mut program, "a,1", "(a, 1)\n");
    assert_eq!(told(&project, &["reload"]), "nothing in the manifest changed\n");
    project.change_manifest(&with_separator(";"));
    let reloaded = told(&project, &["reload"]);
    assert!(
        reloaded.starts_with("parse: ") && reloaded.contains(" with other config or limits since"),
        "{reloaded}"
    );
    parses(&mut program, "b;2", "(b, 2)\n");
    let history = told(&project, &["history"]);
    assert!(history.lines().last().is_some_and(|line| line.ends_with(", reload")), "{history}");
    // Of the code, nothing ran before.
    assert!(ask(&project, &["rollback", "parse"]).error().contains("no version ran before"));
}

#[test]
fn what_cannot_change_is_refused_with_the_whole_list_and_nothing_changes() {
    let (project, mut program) = start();
    let other =
        with_separator(";").replace("20ms", "40ms").replace("skip_empty = true", "skip_empty = false")
            + "[sources.more]\nkind = \"stdin\"\n";
    project.change_manifest(&other);
    let refused = ask(&project, &["reload"]);
    assert_eq!(refused.code, Some(1));
    let list = "other changes: pipeline.batch_interval, sinks.screen.skip_empty, sources.more; undo";
    assert!(refused.error().contains(list), "{}", refused.error());
    parses(&mut program, "a,1", "(a, 1)\n");

    project.change_manifest(&with_separator("").replace("fields", "felds"));
    let refused = ask(&project, &["reload"]);
    assert!(refused.error().contains("felds"), "{}", refused.error());
    project.change_manifest("no manifest");
    assert!(ask(&project, &["reload"]).error().contains("pipeline.toml:1: "));
    parses(&mut program, "b,2", "(b, 2)\n");
}

#[test]
fn a_config_that_does_worse_is_taken_back_and_can_be_tried_again() {
    let (project, mut program) = start();
    project.change_manifest(&with_separator(";"));
    told(&project, &["reload"]);
    // It refuses the row, and the config before doesn't.
    parses(&mut program, "a,1", "(a, 1)\n");
    program.wait_for_log("rolled back: it refuses 1 of 1 rows", 1);
    parses(&mut program, "b,2", "(b, 2)\n");
    assert!(told(&project, &["reload"]).contains(" with other config or limits since"));
    parses(&mut program, "c;3", "(c, 3)\n");
    assert!(project.dead_letters("reloading").is_empty());
}

#[test]
fn a_hang_up_reads_the_manifest_and_settings_need_no_swap() {
    let (project, mut program) = start();
    let limits = "path = \"parse.wasm\"\nlimits = { memory = \"32MiB\" }\nwatch = true";
    project.change_manifest(&MANIFEST.replace("path = \"parse.wasm\"", limits));
    program.signal("HUP");
    program.wait_for_log("read the manifest again", 1);
    program.wait_for_log("swapped its config or limits plugin=parse", 1);
    parses(&mut program, "a,1", "(a, 1)\n");
    // It is watched by now.
    project.move_in("parse.wasm", renamed("parse_delimited", 0));
    program.wait_for_log("swapped plugin=parse", 1);
    project.change_manifest(&MANIFEST.replace("path = \"parse.wasm\"", &limits.replace("true", "false")));
    assert_eq!(told(&project, &["reload"]), "plugins.parse.watch is set\n");
    project.change_manifest(&with_separator(";").replace("20ms", "21ms"));
    program.signal("HUP");
    program.wait_for_log("the manifest was read again, and not taken: ", 1);
    assert_eq!(program.finish().code, Some(0));
}

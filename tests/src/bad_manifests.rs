//! Manifests and plugins that are wrong: one line that says where, what, and what to do, before anything starts.

use sha2::{Digest, Sha256};

use super::support::{Project, plugin};

const GOOD: &str = r#"[pipeline]
name = "good"
batch_interval = "50ms"

[plugins.split]
path = "@split_words"

[plugins.sum]
path = "@sum"

[sources.lines]
kind = "directory"
path = "in"

[streams.words]
op = "transform"
from = "lines"
plugin = "split"

[streams.counts]
op = "reduce_by_key"
from = "words"
key = ["word"]
plugin = "sum"

[sinks.out]
kind = "files"
from = "counts"
path = "out/counts"

[dead_letters]
kind = "files"
path = "dead"
"#;

/// The good project with `old` replaced by `new` in its manifest.
#[track_caller]
fn project(old: &str, new: &str) -> Project {
    assert!(GOOD.contains(old), "{old}");
    let project = Project::new(&GOOD.replacen(old, new, 1));
    project.write("in/lines.txt", "one two one\n");
    project
}

/// Runs and checks a project that is wrong. Answers what is said of it, behind the manifest's path.
#[track_caller]
fn complaint(project: &Project) -> String {
    let ran = project.run(&["--once"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    for name in ["out", "dead"] {
        assert!(!project.path(name).exists(), "`{name}` was made before all was found right");
    }
    let manifest = project.path("pipeline.toml");
    let manifest = manifest.to_str().unwrap();
    let checked = super::support::Program::start(&["check", manifest]).finish();
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(2), ran.stderr.as_str()));
    let message = ran.error();
    // What a plugin says is its own; all that the host says ends with what to do.
    assert!(message.contains("; ") || message.contains("open refused"), "no remedy: {message}");
    message.strip_prefix(manifest).unwrap_or_else(|| panic!("no place: {message}")).to_owned()
}

/// What is said of the good manifest with `old` replaced by `new`.
#[track_caller]
fn with(old: &str, new: &str) -> String {
    complaint(&project(old, new))
}

/// What is said where the plugin that splits is `file` with `content`, behind the file's path.
#[track_caller]
fn with_plugin(content: &[u8]) -> String {
    let project = project("\"@split_words\"", "\"mine.wasm\"");
    project.write("mine.wasm", content);
    let message = complaint(&project);
    let place = format!(":6: plugins.split.path: {} ", project.path("mine.wasm").display());
    message.strip_prefix(&place).unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn the_good_one_runs() {
    let project = project("", "");
    project.succeed(&["--once"]);
    assert_eq!(super::support::rows(&project.path("out"), "counts"), ["(one, 2)", "(two, 1)"]);
}

#[test]
fn what_the_text_says_is_wrong() {
    assert_eq!(
        with("plugin = \"split\"", "plugn = \"split\""),
        ":18: streams.words.plugn: unknown key `plugn`; did you mean `plugin`?"
    );
    assert_eq!(
        with("\"50ms\"", "50"),
        ":3: pipeline.batch_interval: found the number 50; write a string in quotes"
    );
    assert_eq!(
        with("from = \"lines\"", "from = \"counts\""),
        ":17: streams.words.from: the streams go round in a cycle, words -> counts -> words; let one of these streams read something else"
    );
    assert_eq!(
        with("[sinks.out]", "[sinks.out"),
        ":26: this is not TOML: unclosed table, expected `]`; correct this line"
    );
    assert_eq!(
        with("path = \"in\"", "path = \"${TIDEMILL_TESTS_NOWHERE}\""),
        ":13: sources.lines.path: the environment variable `TIDEMILL_TESTS_NOWHERE` is not set; set it"
    );
}

#[test]
fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let message = with("key = [\"word\"]", "key = [\"wrod\"]");
    assert!(message.starts_with(":23: streams.counts.key: its input has no column `wrod`; "), "{message}");
    assert!(message.contains("word: utf8") && message.contains("n: int64"), "{message}");
}

#[test]
fn files_and_folders_that_are_not_there_are_named() {
    let gone = project("path = \"in\"", "path = \"nowhere\"");
    let message = complaint(&gone);
    assert!(message.starts_with(":11: sources.lines: "), "{message}");
    assert!(message.contains(gone.path("nowhere").to_str().unwrap()), "{message}");
    let gone = project("\"@split_words\"", "\"nowhere.wasm\"");
    let message = complaint(&gone);
    assert!(message.starts_with(":6: plugins.split.path: cannot read "), "{message}");
    assert!(message.contains(gone.path("nowhere.wasm").to_str().unwrap()), "{message}");
    let ran = super::support::Program::start(&["run", "/nowhere/pipeline.toml"]).finish();
    assert_eq!(ran.code, Some(2));
    assert!(ran.error().starts_with("cannot read the manifest /nowhere/pipeline.toml: "), "{}", ran.error());
}

#[test]
fn what_is_no_webassembly_is_no_plugin() {
    assert_eq!(
        with_plugin(b"#!/bin/sh\necho hello\n"),
        "isn't WebAssembly; build the plugin, for example with `tidemill build`"
    );
    assert_eq!(with_plugin(b""), "isn't WebAssembly; build the plugin, for example with `tidemill build`");
    let cut = std::fs::read(plugin("split_words")).unwrap();
    let message = with_plugin(&cut[..cut.len() / 2]);
    assert!(message.starts_with("is a core module that can't be made a component: "), "{message}");
    let message = with_plugin(b"\0asm\x0d\0\x01\0what follows is no component");
    assert!(message.starts_with("isn't a component that can be compiled: "), "{message}");
}

/// A component that exports a function of no contract.
const STRANGER: &str = r#"
    (component
        (core module $m (func (export "f") (result i32) i32.const 42))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "f")))
        (export "answer" (func $f)))
"#;

#[test]
fn a_component_of_another_contract_is_no_plugin() {
    let message = with_plugin(&wat::parse_str(STRANGER).unwrap());
    assert!(message.starts_with("is a component of another contract: it exports answer; "), "{message}");
    let message = with_plugin(&wat::parse_str("(component)").unwrap());
    assert!(message.starts_with("is a component of another contract: it exports nothing; "), "{message}");
    let message = with_plugin(&wat::parse_str("(module (func (export \"f\")))").unwrap());
    assert!(message.starts_with("is a "), "{message}");
}

#[test]
fn an_export_with_our_name_and_another_type_is_no_plugin() {
    let project = project("\"@split_words\"", "\"mine.wasm\"");
    let fake = r#"
        (component
            (core module $m (func (export "f") (result i32) i32.const 42))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $t (export "process" (func $f)))
            (export "tidemill:plugin/transform@0.1.0" (instance $t)))
    "#;
    project.write("mine.wasm", wat::parse_str(fake).unwrap());
    let message = complaint(&project);
    assert!(
        message.starts_with(":18: streams.words.plugin: plugin `split`: its `transform` isn't ours: "),
        "{message}"
    );
}

#[test]
fn a_plugin_that_needs_what_is_not_granted_is_refused() {
    let needy = r#"
        (component
            (import "acme:disk/files@1.0.0" (instance (export "read" (func (result u32)))))
            (core module $m (func (export "f") (result i32) i32.const 42))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $t (export "process" (func $f)))
            (export "tidemill:plugin/transform@0.1.0" (instance $t)))
    "#;
    assert_eq!(
        with_plugin(&wat::parse_str(needy).unwrap()),
        "imports acme:disk/files@1.0.0, which plugins are not granted; build it without"
    );
}

#[test]
fn a_plugin_that_refuses_its_input_is_quoted() {
    let message = with("\"@split_words\"", "\"@is_large\"\nconfig = { over = 1.0 }");
    assert!(message.starts_with(":19: streams.words.plugin: plugin `split`: open refused: "), "{message}");
    assert!(message.contains("there is no column `price` of type float64"), "{message}");
    let message = with("\"@split_words\"", "\"@is_large\"\nconfig = { above = 1.0 }");
    assert!(message.contains("unknown field `above`"), "{message}");
    let message = with("\"@sum\"", "\"@split_words\"");
    assert!(
        message.starts_with(":24: streams.counts.plugin: plugin `sum`: it exports transform, and "),
        "{message}"
    );
}

#[test]
fn a_pinned_plugin_must_be_the_one() {
    let digest = Sha256::digest(std::fs::read(plugin("split_words")).unwrap());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let pinned = |digest: &str| format!("\"@split_words\"\nsha256 = \"{digest}\"");
    project("\"@split_words\"", &pinned(&digest)).succeed(&["--once"]);
    let message = with("\"@split_words\"", &pinned(&"0".repeat(64)));
    assert!(message.starts_with(":7: plugins.split.sha256: "), "{message}");
    assert!(message.contains(&digest) && message.contains("pin the new digest"), "{message}");
}

#[test]
fn limits_have_a_maximum() {
    for (limit, place) in [
        ("memory = \"2GiB\"", "limits.memory asks for 2.0 GiB; at most 1.0 GiB is allowed"),
        ("time = \"2m\"", "limits.time asks for 2m; at most 1m is allowed"),
        ("output_rows = 100000000", "limits.output_rows asks for 100000000; at most 64000000 is allowed"),
    ] {
        let message = with("\"@split_words\"", &format!("\"@split_words\"\nlimits = {{ {limit} }}"));
        assert_eq!(message, format!(":7: plugins.split.limits: {place}"));
    }
}

#[test]
fn a_source_that_never_ends_is_not_run_once() {
    let project = Project::new(
        r#"
        [pipeline]
        name = "endless"
        batch_interval = "50ms"
        [sources.lines]
        kind = "generate"
        [sinks.nowhere]
        kind = "discard"
        from = "lines"
        "#,
    );
    let ran = project.run(&["--once"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.error().contains("pipeline.toml:5: sources.lines: "), "{}", ran.stderr);
    assert!(ran.error().ends_with("give `rows`"), "{}", ran.stderr);
}

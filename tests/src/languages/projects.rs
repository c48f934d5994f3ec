//! From `tidemill new` to counts, in each language: what a newcomer does.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::commands::{succeed, text_of, tidemill};

/// The counts that the template's pipeline prints for its input.
const COUNTS: &str = "(to, 2)\n(be, 2)\n(or, 1)\n(not, 1)\n(that, 1)\n(is, 1)\n(the, 1)\n(question, 1)\n";

/// What `tidemill test` answers for the same input.
const WORDS: [&str; 10] = ["to", "be", "or", "not", "to", "be", "that", "is", "the", "question"];

/// Makes a project, builds it, runs its pipeline, and tries it out.
#[track_caller]
fn new_builds_and_runs(language: &str, name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let made = succeed(root, &["new", "words", "--lang", language]);
    assert!(
        made.starts_with("words/") && made.ends_with("tidemill run words/pipeline.toml --once\n"),
        "{made}"
    );
    let built = succeed(root, &["build", "words", "--install"]);
    assert!(built.contains("kind     transform\nsize     "), "{built}");
    let counted = succeed(root, &["run", "words/pipeline.toml", "--once"]);
    assert!(counted.contains(COUNTS), "{counted}");
    let expected = WORDS.map(|word| format!("{{\"word\":\"{word}\"}}\n")).concat();
    std::fs::write(root.join("expected.jsonl"), &expected).unwrap();
    let call =
        ["test", "words/plugin.wasm", "--input", "words/input/lines.txt", "--expect", "expected.jsonl"];
    assert_eq!(succeed(root, &call), expected);
    let shown = succeed(root, &["inspect", "words/plugin.wasm", "--input", "line: utf8"]);
    assert!(shown.contains(&format!("\nlanguage {name}; by ")), "{shown}");
    assert!(shown.ends_with("reads    line\ncarries  nothing\nproduces word: utf8\n"), "{shown}");
    folder
}

#[test]
fn a_new_project_in_python_counts_words_at_once() {
    let folder = new_builds_and_runs("python", "Python");
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest"]).env("PYTHONPATH", "sdk/plugins/python");
    text_of(python.current_dir(folder.path().join("words")).output().unwrap());
}

#[test]
fn a_new_project_in_javascript_counts_words_at_once() {
    let folder = new_builds_and_runs("js", "JavaScript");
    let project = folder.path().join("words");
    let npm = |arguments: &[&str]| {
        text_of(Command::new("npm").args(arguments).current_dir(&project).output().unwrap());
    };
    npm(&["install", "--no-audit", "--no-fund"]);
    npm(&["test"]);
    // The same in TypeScript, which is another name for the file here.
    std::fs::rename(project.join("plugin.js"), project.join("plugin.ts")).unwrap();
    succeed(folder.path(), &["build", "words"]);
    let shown = succeed(folder.path(), &["inspect", "words/plugin.wasm"]);
    assert!(shown.contains("\nlanguage TypeScript; by "), "{shown}");
}

#[test]
fn a_new_project_in_rust_counts_words_at_once() {
    new_builds_and_runs("rust", "Rust");
}

#[test]
fn templates_of_keyed_operators_run() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let expected = [
        ("reduce", "(tea, 3.5)\n(silk, 99.5)\n"),
        ("aggregate", "(tea, 3.0)\n(silk, 99.5)\n"),
        ("update-state", "(tea, 6.0)\n(silk, 99.5)\n"),
        ("cogroup", "(ann, 5.0)\n"),
    ];
    for (kind, counts) in expected {
        succeed(root, &["new", kind, "--lang", "js", "--kind", kind]);
        succeed(root, &["build", kind, "--install"]);
        let counted = succeed(root, &["run", &format!("{kind}/pipeline.toml"), "--once"]);
        assert!(counted.contains(counts), "{kind}: {counted}");
    }
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], error: &str) {
    let output = tidemill(folder, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(error), "{stderr}");
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    refused(root, &["new", "x", "--lang", "cobol"], "[possible values: rust, python, js]");
    refused(root, &["build", "x"], "error: x is no folder; name that of a project");
    std::fs::create_dir(root.join("x")).unwrap();
    refused(
        root,
        &["build", "x"],
        "error: x holds none of Cargo.toml (rust), plugin.py (python), package.json (js); `tidemill new` makes a project",
    );
    succeed(root, &["new", "y", "--lang", "python"]);
    refused(root, &["new", "y", "--lang", "python"], "error: y is there already; take another name");
    let mut build = Command::new(super::super::support::PROGRAM);
    build.args(["build", "y"]).current_dir(root).env("TIDEMILL_TOOLCHAINS", root.join("none"));
    let stderr = String::from_utf8(build.output().unwrap().stderr).unwrap();
    assert!(stderr.starts_with("error: componentize-py "), "{stderr}");
    assert!(stderr.contains("isn't here; say `tidemill build --install`, or in "), "{stderr}");
}

#[test]
fn a_source_that_cannot_be_built_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let failed = |language: &str, source: &str, text: &str| {
        succeed(root, &["new", language, "--lang", language]);
        std::fs::write(root.join(language).join(source), text).unwrap();
        let output = tidemill(root, &["build", language, "--install"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let python = failed("python", "plugin.py", "from tidemill_plugin import map\n\nnonsense(1)\n");
    assert!(
        python.contains("plugin.py can't be imported: NameError: name 'nonsense' is not defined"),
        "{python}"
    );
    let js = failed("js", "plugin.js", "import { map } from 'tidemill-plugin';\nexport const x = map({\n");
    assert!(js.contains("plugin.js:3:0") || js.contains("plugin.js:2:"), "{js}");
}

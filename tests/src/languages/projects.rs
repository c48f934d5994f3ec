//! From `tidemill new` to counts, in each language: what a newcomer does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::commands::{compiler, succeed, text_of, tidemill};

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
fn a_new_project_in_go_counts_words_at_once() {
    let folder = new_builds_and_runs("go", "Go");
    // Its compiler leaves alone what is up to date.
    succeed(folder.path(), &["build", "words"]);
    text_of(compiler("go").arg("test").current_dir(folder.path().join("words")).output().unwrap());
}

#[test]
fn a_new_project_in_c_counts_words_at_once() {
    let folder = new_builds_and_runs("c", "C");
    text_of(Command::new("make").arg("test").current_dir(folder.path().join("words")).output().unwrap());
}

#[test]
fn a_new_project_in_cpp_counts_words_at_once() {
    let folder = new_builds_and_runs("cpp", "C++");
    text_of(Command::new("make").arg("test").current_dir(folder.path().join("words")).output().unwrap());
}

#[test]
fn a_new_project_in_zig_counts_words_at_once() {
    let folder = new_builds_and_runs("zig", "Zig");
    let mut zig = compiler("zig");
    zig.args(["test", "--dep", "tidemill", "-Mroot=plugin_test.zig"]);
    zig.arg("-Mtidemill=sdk/plugins/zig/src/tidemill.zig");
    text_of(zig.current_dir(folder.path().join("words")).output().unwrap());
}

#[test]
fn a_new_project_in_assemblyscript_counts_words_at_once() {
    let folder = new_builds_and_runs("assemblyscript", "AssemblyScript");
    let project = folder.path().join("words");
    text_of(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund"])
            .current_dir(&project)
            .output()
            .unwrap(),
    );
    text_of(Command::new("npm").arg("test").current_dir(&project).output().unwrap());
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

#[test]
fn states_of_templates_grow_in_compiled_languages() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for language in ["go", "c", "cpp", "zig", "assemblyscript"] {
        succeed(root, &["new", language, "--lang", language, "--kind", "update-state"]);
        succeed(root, &["build", language, "--install"]);
        let counted = succeed(root, &["run", &format!("{language}/pipeline.toml"), "--once"]);
        assert!(counted.contains("(tea, 6.0)\n(silk, 99.5)\n"), "{language}: {counted}");
    }
}

/// What the language's own library asks of WASI: output goes to the log, all else is refused or is always the same.
#[test]
fn what_a_compiled_plugin_prints_is_logged_and_it_finds_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("lines"), "one\n").unwrap();
    let sources = [
        ("go", "plugin.go", GO_THAT_PRINTS, "no file: true, environment: 0, seconds: 1"),
        ("c", "plugin.c", C_THAT_PRINTS, "no file: 1, environment: 0, seconds: 0"),
    ];
    for (language, source, text, wanted) in sources {
        succeed(root, &["new", language, "--lang", language]);
        std::fs::write(root.join(language).join(source), text).unwrap();
        succeed(root, &["build", language, "--install"]);
        let plugin = format!("{language}/plugin.wasm");
        let output = tidemill(root, &["test", &plugin, "--input", "lines"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(wanted), "{language}: {said}");
    }
}

const GO_THAT_PRINTS: &str = r#"package main

import (
	"fmt"
	"os"
	"time"

	"tidemill/transform"
)

func init() { transform.Filter(keep) }

func main() {}

type Line struct{ Line string }

func keep(Line) (bool, error) {
	time.Sleep(time.Second)
	_, err := os.ReadFile("/etc/passwd")
	fmt.Printf("no file: %v, environment: %d, seconds: %d\n", err != nil, len(os.Environ()), time.Now().Unix())
	return true, nil
}
"#;

const C_THAT_PRINTS: &str = r#"#include <tidemill.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool keep(const td_value *row) {
  (void)row;
  printf("no file: %d, environment: %d, seconds: %d\n", !fopen("/etc/passwd", "r"), getenv("HOME") != 0, (int)time(0));
  return true;
}

TIDEMILL_FILTER(.reads = "line: utf8", .keep = keep)
"#;

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
    refused(
        root,
        &["new", "x", "--lang", "cobol"],
        "[possible values: rust, python, assemblyscript, js, go, c, cpp, zig]",
    );
    refused(root, &["build", "x"], "error: x is no folder; name that of a project");
    std::fs::create_dir(root.join("x")).unwrap();
    refused(
        root,
        &["build", "x"],
        "error: x holds none of Cargo.toml (rust), plugin.py (python), asconfig.json (assemblyscript), package.json (js), go.mod (go), plugin.c (c), plugin.cpp (cpp), plugin.zig (zig); `tidemill new` makes a project",
    );
    succeed(root, &["new", "y", "--lang", "python"]);
    refused(root, &["new", "y", "--lang", "python"], "error: y is there already; take another name");
    let mut build = Command::new(super::super::support::PROGRAM);
    build.args(["build", "y"]).current_dir(root).env("TIDEMILL_TOOLCHAINS", root.join("none"));
    let stderr = String::from_utf8(build.output().unwrap().stderr).unwrap();
    assert!(stderr.starts_with("error: componentize-py "), "{stderr}");
    assert!(stderr.contains("isn't here; say `tidemill build --install`, or in "), "{stderr}");
    // Tools may be the first in the folder of compiled plugins, which keeps none where others can open it.
    let cache = root.join("cache");
    let mut build = Command::new(super::super::support::PROGRAM);
    build
        .args(["build", "y"])
        .current_dir(root)
        .env("TIDEMILL_CACHE", &cache)
        .env_remove("TIDEMILL_TOOLCHAINS");
    assert_eq!(build.output().unwrap().status.code(), Some(2));
    assert_eq!(cache.metadata().unwrap().permissions().mode() & 0o077, 0);
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
    let go = failed("go", "plugin.go", "package main\n\nfunc main() { nonsense() }\n");
    assert!(go.contains("plugin.go:3:15: undefined: nonsense"), "{go}");
    let c = failed("c", "plugin.c", "#include <tidemill.h>\nnonsense;\n");
    assert!(c.contains("plugin.c:2:1: error: "), "{c}");
    let zig = failed("zig", "plugin.zig", "pub const x = nonsense;\n");
    assert!(zig.contains("plugin.zig:1:15: error: use of undeclared identifier 'nonsense'"), "{zig}");
}

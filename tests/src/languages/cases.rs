//! The same cases for every language: `tests/languages/cases.toml`, each a call by `tidemill test`.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::support::plugin;
use super::commands::{built, repository, tidemill};
use super::migrations::take_over_earlier_states;

/// Where the plugin of a kind of operator is.
type Plugins<'a> = dyn Fn(&str) -> PathBuf + 'a;

fn cases() -> Vec<toml::Table> {
    let text = fs::read_to_string(repository().join("tests/languages/cases.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["case"].as_array().unwrap().iter().map(|case| case.as_table().unwrap().clone()).collect()
}

/// Runs all cases; `source` is what the file with the functions is called, for errors with a line.
#[track_caller]
fn pass_all(plugins: &Plugins<'_>, source: &str) {
    let folder = tempfile::tempdir().unwrap();
    let failed: Vec<String> =
        cases().iter().filter_map(|case| run(case, folder.path(), plugins, source).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    take_over_earlier_states(&plugins("update-state"));
}

fn run(case: &toml::Table, folder: &Path, plugins: &Plugins<'_>, source: &str) -> Result<(), String> {
    let text = |key: &str| case.get(key).and_then(toml::Value::as_str);
    let kind = text("kind").unwrap();
    let plugin = plugins(kind);
    let mut arguments = vec!["test", plugin.to_str().unwrap(), "--as", kind];
    let options = [
        ("columns", "--columns"),
        ("key", "--key"),
        ("config", "--config"),
        ("right_columns", "--right-columns"),
    ];
    for (key, option) in options {
        arguments.extend(text(key).into_iter().flat_map(|value| [option, value]));
    }
    let _ = fs::remove_file(folder.join("states"));
    let files = [("rows", "--input"), ("right", "--right"), ("states", "--state"), ("expect", "--expect")];
    for (key, option) in files {
        if let Some(lines) = text(key) {
            fs::write(folder.join(key), lines).unwrap();
            arguments.extend([option, key]);
        }
    }
    if case.get("time_out").is_some() {
        arguments.push("--time-out");
    }
    let output = tidemill(folder, &arguments);
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let error = stderr.lines().rfind(|line| line.starts_with("error: "));
    let problem = match (text("error"), error) {
        (None, None) => None,
        (None, Some(error)) => Some(format!("{error}\nwhat came out:\n{stdout}")),
        (Some(wanted), Some(error)) if !error.contains(wanted) => {
            Some(format!("`{wanted}` is wanted, and it is {error}"))
        }
        (Some(_), Some(error)) if case.get("line").is_some() && !names_a_line(error, source) => {
            Some(format!("no line of {source}: {error}"))
        }
        (Some(_), Some(_)) => None,
        (Some(wanted), None) => Some(format!("it should fail with `{wanted}`; what came out:\n{stdout}")),
    };
    problem.map_or(Ok(()), |problem| Err(format!("{kind}, {}: {problem}", text("name").unwrap())))
}

fn names_a_line(error: &str, source: &str) -> bool {
    error
        .split(&format!("{source}:"))
        .skip(1)
        .any(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
}

#[test]
fn rust_passes_all_cases() {
    let name = |kind: &str| plugin(&format!("case_{}", kind.split('-').next().unwrap()));
    pass_all(&name, "lib.rs");
}

#[test]
fn python_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/python"), "python-cases");
    pass_all(&|_| plugin.clone(), "plugin.py");
}

#[test]
fn javascript_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/js"), "js-cases");
    pass_all(&|_| plugin.clone(), "plugin.js");
}

#[test]
fn go_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/go"), "go-cases");
    pass_all(&|_| plugin.clone(), "plugin.go");
}

#[test]
fn c_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/c"), "c-cases");
    pass_all(&|_| plugin.clone(), "plugin.c");
}

#[test]
fn cpp_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/cpp"), "cpp-cases");
    pass_all(&|_| plugin.clone(), "plugin.cpp");
}

#[test]
fn zig_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/zig"), "zig-cases");
    pass_all(&|_| plugin.clone(), "plugin.zig");
}

#[test]
fn assemblyscript_passes_all_cases() {
    let plugin = built(&repository().join("tests/languages/assemblyscript"), "assemblyscript-cases");
    pass_all(&|_| plugin.clone(), "plugin.ts");
}

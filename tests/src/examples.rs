//! The examples, run as their READMEs say, and what they print compared with what their READMEs promise.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Project, Server, count, plugin_folder, printed, totals};

/// A copy of an example's manifest, whose plugins are those that were built.
fn example(name: &str, change: impl Fn(String) -> String) -> Project {
    let text = std::fs::read_to_string(folder(name).join("pipeline.toml")).unwrap();
    let text = text.replace("../../target/plugins", plugin_folder().to_str().unwrap());
    Project::new(&change(text))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// The blocks of a README that look like rows, each with its lines sorted.
fn promised(name: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(folder(name).join("README.md")).unwrap();
    let (_, expected) = readme.split_once("## What to expect").unwrap();
    let blocks = expected.split("```").skip(1).step_by(2);
    blocks.map(|block| sorted(block.lines().filter(|line| !line.is_empty()))).collect()
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn wordcount_counts_what_is_typed() {
    let server = Server::start();
    let address = server.address().to_string();
    let project = example("wordcount", |text| text.replace("127.0.0.1:9999", &address));
    let program = project.start(&[]);
    server.accept().send("hello spark hello\n");
    program.wait_for_output(|output| totals(output) == count("hello spark hello"));
    program.signal("INT");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let readme = std::fs::read_to_string(folder("wordcount").join("README.md")).unwrap();
    assert!(readme.contains("(hello, 2)\n(spark, 1)\n"), "the README promises something else");
}

#[test]
fn orders_prints_what_its_readme_promises() {
    let project = example("orders", |text| text);
    project.make_folder("input");
    let generated = Command::new(env!("CARGO_BIN_EXE_orders-generator-under-test"))
        .args(["--seed", "1", "--files", "5", "--rows", "200"])
        .arg(project.path("input"))
        .output()
        .unwrap();
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));

    let finished = project.succeed(&["--once"]);
    let batches = printed(&finished.stdout);
    let blocks: Vec<_> = batches.iter().map(|batch| sorted(batch.rows.iter().map(String::as_str))).collect();
    assert_eq!(blocks, promised("orders"));
    let letters = project.dead_letters("orders");
    assert_eq!(letters.len(), 10);
    assert_eq!(letters.iter().filter(|letter| letter["kind"] == "undecodable").count(), 7);
    let refused: Vec<_> = letters.iter().filter(|letter| letter["kind"] == "reject").collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|letter| letter["origin"] == "checked"), "{refused:?}");
}

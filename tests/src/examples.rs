//! The examples, run as their READMEs say, and what they print compared with what their READMEs promise.

mod access_log;
mod orders;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::languages::commands::built;
use super::support::{PROGRAM, Project, Server, count, plugin_folder, printed, totals};

/// A copy of an example's manifest, whose plugins are those that were built.
fn example(name: &str, change: impl Fn(String) -> String) -> Project {
    let text = std::fs::read_to_string(folder(name).join("pipeline.toml")).unwrap();
    let text = text.replace("../../target/plugins", plugin_folder().to_str().unwrap());
    Project::new(&change(text))
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

fn readme(name: &str) -> String {
    std::fs::read_to_string(folder(name).join("README.md")).unwrap()
}

/// The blocks of a README that look like rows, each with its lines sorted.
fn promised(name: &str) -> Vec<Vec<String>> {
    let readme = readme(name);
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
    assert!(readme("wordcount").contains("(hello, 2)\n(spark, 1)\n"), "the README promises something else");
}

/// The blocks that `output` has so far, each with its lines sorted.
fn blocks(output: &str) -> Vec<Vec<String>> {
    printed(output).iter().map(|batch| sorted(batch.rows.iter().map(String::as_str))).collect()
}

fn sample(name: &str, file: &str) -> String {
    std::fs::read_to_string(folder(name).join(file)).unwrap()
}

#[test]
fn windows_tells_what_its_readme_promises_until_the_visits_are_too_old() {
    let server = Server::start();
    let address = server.address().to_string();
    // Twenty times as fast.
    let times = [("\"1s\"", "\"50ms\""), ("\"10s\"", "\"500ms\""), ("\"2s\"", "\"100ms\"")];
    let project = example("windows", |text| {
        let text = text.replace("127.0.0.1:9999", &address);
        times.iter().fold(text, |text, (from, to)| text.replace(from, to))
    });
    let program = project.start(&[]);
    server.accept().send(sample("windows", "visits.csv"));
    let promised = promised("windows");
    assert_eq!(promised.len(), 3);
    let none = |count: &str| vec![count.to_owned()];
    program.wait_for_output(|output| {
        let blocks = blocks(output);
        let last = blocks.iter().rposition(|block| *block == promised[0]);
        let is_over = last.is_some_and(|last| blocks[last..].contains(&none("0")));
        is_over && promised.iter().all(|wanted| blocks.contains(wanted))
    });
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn sessions_tells_what_its_readme_promises_of_those_who_leave_and_those_who_fall_silent() {
    let server = Server::start();
    let address = server.address().to_string();
    let project = example("sessions", |text| {
        let text = text.replace("127.0.0.1:9999", &address);
        text.replace("\"30s\"", "\"3s\"").replace("\"1s\"", "\"50ms\"")
    });
    project.write("open.csv", sample("sessions", "open.csv"));
    let program = project.start(&[]);
    let mut connection = server.accept();
    connection.send(sample("sessions", "visits.csv"));
    let promised: Vec<String> = sorted(promised("sessions").iter().flatten().map(String::as_str));
    let told =
        |output: &str| sorted(printed(output).iter().flat_map(|batch| &batch.rows).map(String::as_str));
    program.wait_for_output(|output| told(output).len() >= promised.len());
    assert_eq!(told(&program.stdout()), promised);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn framed_counts_each_line_once_however_often_it_is_killed() {
    let port = Server::free_port();
    let project =
        example("framed", |text| text.replace("9998", &port.to_string()).replace("\"1s\"", "\"20ms\""));
    let send = |file: &Path| {
        let mut sender = Command::new(env!("CARGO_BIN_EXE_framed-send-under-test"));
        sender.args([&format!("127.0.0.1:{port}"), "till-1"]).arg(file).output().unwrap()
    };
    let told = |output: &str| blocks(output).last().cloned().unwrap_or_default();
    let mut program = project.start(&[]);
    for _ in 0..2 {
        let sent = send(&folder("framed").join("sales.csv"));
        assert_eq!(String::from_utf8_lossy(&sent.stdout), "6 lines are safe\n");
    }
    let promised = promised("framed").remove(0);
    program.wait_for_output(|output| told(output) == promised);
    program.kill();
    project.write("more.csv", sample("framed", "sales.csv") + "cake,90\n");
    // The sender is there first, and waits.
    let more = project.path("more.csv");
    let (sent, program) = std::thread::scope(|scope| {
        let sent = scope.spawn(|| send(&more));
        let program = project.start(&[]);
        (sent.join().unwrap(), program)
    });
    assert_eq!(String::from_utf8_lossy(&sent.stdout), "7 lines are safe\n");
    let wanted = ["(cake, 500)", "(coffee, 640)", "(tea, 800)"];
    program.wait_for_output(|output| told(output) == wanted);
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
}

#[test]
fn hot_swap_swaps_and_takes_back_as_its_readme_says() {
    let project = example("hot_swap", |text| text.replace("500ms", "50ms"));
    let score = |name: &str| std::fs::read(super::support::plugin(name)).unwrap();
    project.write("score.wasm", score("sum"));
    project.write("swap.sh", std::fs::read(folder("hot_swap").join("swap.sh")).unwrap());
    let program = project.start(&[]);
    program.wait_for_log("listening for control", 1);
    let script = Command::new("sh")
        .arg("swap.sh")
        .current_dir(project.path("."))
        .env("PLUGINS", plugin_folder())
        .env("TIDEMILL", PROGRAM)
        .output()
        .unwrap();
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let told = String::from_utf8(script.stdout).unwrap();
    let shapes = |text: &str| -> Vec<String> {
        let digits = |word: &str| word.chars().any(|c| c.is_ascii_digit());
        let line = |line: &str| line.split(' ').filter(|word| !digits(word)).collect::<Vec<_>>().join(" ");
        text.lines().map(line).collect()
    };
    let readme = readme("hot_swap");
    let promised = readme.split("```").find(|block| block.contains("in use since batch")).unwrap();
    // A batch of so short an interval may have had no rows yet.
    let expected: Vec<String> = shapes(promised.trim_start_matches('\n'));
    assert_eq!(shapes(&told.replace(", on trial until rows come", "")), expected, "{told}");

    project.move_in("score.wasm", score("min"));
    program.wait_for_log("swapped plugin=score", 3);
    let of = |output: &str| totals(output).into_values().collect::<Vec<_>>();
    assert!(of(&program.stdout()).iter().all(|total| *total > 10), "sums were printed");
    program.signal("INT");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let last = printed(&finished.stdout).pop().unwrap();
    assert!(last.rows.iter().all(|row| row.ends_with(", 1)")), "{last:?}");
}

#[test]
fn polyglot_prints_what_its_readme_promises() {
    let plugins = ["visits", "sections", "pages", "largest"].map(|name| {
        let plugin = built(&folder("polyglot").join(name), &format!("polyglot-{name}"));
        (format!("{name}/plugin.wasm"), plugin.to_str().unwrap().to_owned())
    });
    let project = example("polyglot", |text| {
        plugins.iter().fold(text, |text, (written, built)| text.replace(written.as_str(), built))
    });
    let log = std::fs::read_to_string(folder("polyglot").join("input/access.log")).unwrap();
    project.write("input/access.log", log);
    let finished = project.succeed(&["--once"]);
    let batches = printed(&finished.stdout);
    let blocks: Vec<_> = batches.iter().map(|batch| sorted(batch.rows.iter().map(String::as_str))).collect();
    assert_eq!(blocks, promised("polyglot"));
    assert_eq!(finished.num_logged("row set aside: not a line of a log"), 1, "{}", finished.stderr);
}

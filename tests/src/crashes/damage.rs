//! What is wrong with a checkpoint on disk: what a crash tore off its end is as if it had never been, and what is damaged
//! elsewhere is an error that says what to do.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::support::{Finished, Lines, Project, published, wait_until};

const MANIFEST: &str = r#"
[pipeline]
name = "damaged"
batch_interval = "20ms"
checkpoint = "checkpoint"
[plugins.running]
path = "@running_sum"
[sources.orders]
kind = "directory"
path = "orders"
format = "csv"
schema = { key = "utf8", n = "int64" }
[streams.totals]
op = "update_state_by_key"
from = "orders"
key = ["key"]
plugin = "running"
[sinks.totals]
kind = "files"
from = "totals"
path = "out/totals"
skip_empty = true
"#;

/// A project that ran once for each of the files that are `files`.
fn ran(files: impl Iterator<Item = String>) -> Project {
    let project = Project::new(MANIFEST);
    for (number, text) in files.enumerate() {
        project.write(&format!("orders/{number}.csv"), text);
        project.succeed(&["--once"]);
    }
    project
}

/// The states in the order in which the last batch answered them.
fn totals(project: &Project) -> Vec<String> {
    let last = published(&project.path("out"), "totals").pop().unwrap_or_default();
    last.values().flat_map(|file| file.lines()).map(str::to_owned).collect()
}

/// The newest journal of the store, and how long it is without the zeros behind its last write.
fn journal(project: &Project) -> (PathBuf, Vec<u8>) {
    let entries = fs::read_dir(project.path("checkpoint/store")).unwrap().map(|entry| entry.unwrap().path());
    let journals = entries.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    let newest = journals.max_by_key(|path| number(path)).unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    (newest, bytes)
}

fn number(path: &Path) -> u64 {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

#[track_caller]
fn assert_told(finished: &Finished, case: &str) {
    assert_eq!(finished.code, Some(1), "{case}: {}", finished.stderr);
    let error = finished.error();
    assert!(error.starts_with("checkpoint ") && error.contains("damaged"), "{case}: {error}");
    let what_to_do = "put a copy of the directory in its place, or start anew by moving it away";
    assert!(error.contains(what_to_do), "{case}: {error}");
}

/// How far the last epoch is.
fn last_epoch(project: &Project) -> u64 {
    let shown = project.command_on(&["checkpoint", "inspect"], "checkpoint");
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let mut epochs = shown.stdout.lines().filter_map(|line| line.strip_prefix("epoch ")?.split(':').next());
    epochs.next_back().map_or(0, |number| number.parse().unwrap())
}

fn few_orders() -> impl Iterator<Item = String> {
    (0..6).map(|file| format!("a,{file}\nb,{}\nkey {file},1\n", 2 * file))
}

#[test]
fn a_tail_that_was_torn_off_is_as_if_it_had_never_been() {
    let project = ran(few_orders());
    let (expected, epochs) = (totals(&project), last_epoch(&project));
    let (path, bytes) = journal(&project);
    let mut dice = Lines::new(20_261_121);
    for turn in 0..10 {
        // The first ones tear off the last write alone.
        let most = if turn < 3 { 8 } else { bytes.len() as u64 };
        let len = bytes.len() - 1 - dice.below(most - 1) as usize;
        fs::write(&path, &bytes[..len]).unwrap();
        let after = last_epoch(&project);
        assert!(after < epochs || turn >= 3, "cut at {len}: epoch {after} of {epochs}");
        // What the epochs that are gone had read is read again.
        let finished = project.succeed(&["--once"]);
        assert!(finished.stderr.contains("cut off") || after <= epochs, "{}", finished.stderr);
        let (mut found, mut wanted) = (totals(&project), expected.clone());
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "cut at {len} of {}", bytes.len());
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn damage_in_an_older_epoch_is_told_and_nothing_is_cut() {
    let project = ran(few_orders());
    let (path, bytes) = journal(&project);
    let mut dice = Lines::new(7);
    for _ in 0..10 {
        let at = dice.below(bytes.len() as u64 * 9 / 10) as usize;
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << dice.below(8);
        fs::write(&path, &damaged).unwrap();
        assert_told(&project.run(&["--once"]), &format!("byte {at}"));
        assert_eq!(fs::read(&path).unwrap(), damaged, "it was left as it was");
    }
    fs::write(&path, &bytes).unwrap();
    project.succeed(&["--once"]);
}

/// The files below `folder`, the largest first.
fn files(folder: &Path, into: &mut Vec<(u64, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => files(&entry.path(), into),
            Ok(found) => into.push((found.len(), entry.path())),
            // The store may be at work.
            Err(_) => {}
        }
    }
    into.sort_by(|a, b| b.cmp(a));
}

/// A key of 160 bytes for each number, of which none is like another: tables are compressed, and are to be large.
fn long_key(number: u64) -> String {
    let part = |i: u64| format!("{:016x}", (10 * number + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..10).map(part).collect()
}

#[test]
fn damage_in_a_table_file_is_told_or_does_no_harm() {
    // So much state that the store writes tables, of which the number of keys is told.
    let counted = MANIFEST.replace("20ms", "200ms").replace("from = \"totals\"", "from = \"keys\"")
        + "[streams.keys]\nop = \"count\"\nfrom = \"totals\"\n";
    let project = Project::new(&counted);
    project.make_folder("orders");
    let program = project.start(&[]);
    program.wait_for_log("running", 1);
    for file in 0..4_u64 {
        let text = (0..20_000).map(|n| format!("{},{n}\n", long_key(20_000 * file + n))).collect::<String>();
        project.move_in(&format!("orders/{file}.csv"), text);
    }
    let expected = ["80000"];
    wait_until("all keys", || (totals(&project) == expected).then_some(()));
    let is_large = |(len, _): &&(u64, PathBuf)| *len > 1 << 20;
    let tables = || {
        let mut found = Vec::new();
        files(&project.path("checkpoint/store/keyspaces"), &mut found);
        found
    };
    // One that is still being written isn't part of the store: it is once its size has stayed for a while.
    let (mut size, mut num_looks) = (0, 0);
    wait_until("tables", || {
        let now = tables().first().map_or(0, |(len, _)| *len);
        num_looks = if now > 1 << 20 && now == size { num_looks + 1 } else { 0 };
        size = now;
        (num_looks >= 30).then_some(())
    });
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    let found = tables();
    let large: Vec<_> = found.iter().filter(is_large).map(|(_, path)| path.clone()).collect();
    let small = found.iter().filter(|(len, _)| (1..1 << 20).contains(len)).map(|(_, path)| path.clone());
    let mut dice = Lines::new(3);
    let mut num_told = 0;
    let num_large = large.len();
    for (turn, path) in large.into_iter().chain(small.step_by(3)).enumerate() {
        // A run that went well may have tidied up.
        let Ok(bytes) = fs::read(&path) else { continue };
        let mut damaged = bytes.clone();
        // Of a large file not all is read; a bit in each of its blocks is one in what is.
        let block = if turn < num_large { 4096 } else { bytes.len() };
        for block in damaged.chunks_mut(block) {
            block[dice.below(block.len() as u64) as usize] ^= 1 << dice.below(8);
        }
        fs::write(&path, &damaged).unwrap();
        let finished = project.run(&["--once"]);
        let case = path.display().to_string();
        match finished.code {
            Some(0) => assert_eq!(totals(&project), expected, "{case}"),
            _ => {
                assert_told(&finished, &case);
                num_told += usize::from(turn < num_large);
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(num_told > 0, "no damage was told of");
}

#[test]
fn a_store_that_a_crash_left_half_made_is_made_anew() {
    let mut dice = Lines::new(11);
    for _ in 0..20 {
        let project = Project::new(MANIFEST);
        project.write("orders/0.csv", "a,1\nb,2\n");
        let mut program = project.start(&["--once"]);
        let lock = project.path("checkpoint/store/lock");
        while !lock.exists() && !program.has_ended() {}
        let delay = dice.below(6000);
        std::thread::sleep(std::time::Duration::from_micros(delay));
        program.kill();
        project.write("orders/1.csv", "b,3\n");
        project.succeed(&["--once"]);
        assert_eq!(totals(&project), ["(a, 1)", "(b, 5)"], "killed after {delay} µs");
    }
}

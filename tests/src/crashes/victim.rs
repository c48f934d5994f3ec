//! A pipeline that is made to die, what it is fed meanwhile, and what has to have come of it in the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::super::support::{
    Finished, FramedSender, PATIENCE, Program, Project, Server, printed, published, rows, wait_until,
};

const MANIFEST: &str = r#"
[pipeline]
name = "victim"
batch_interval = "40ms"
checkpoint = "checkpoint"

[plugins.sum]
path = "@sum"
[plugins.running]
path = "@running_sum"

[sources.frames]
kind = "framed"
address = "127.0.0.1:PORT"
format = "csv"
schema = { key = "utf8", n = "int64" }
[sources.files]
kind = "directory"
path = "orders"
format = "csv"
schema = { key = "utf8", n = "int64" }
existing = true

[streams.orders]
op = "union"
from = ["frames", "files"]
[streams.sums]
op = "reduce_by_key"
from = "orders"
key = ["key"]
plugin = "sum"
[streams.totals]
op = "update_state_by_key"
from = "orders"
key = ["key"]
plugin = "running"
[streams.recent]
op = "count"
from = "orders"
window = { length = "2000s", slide = "200ms" }

[sinks.sums]
kind = "files"
from = "sums"
path = "out/sums"
skip_empty = true
[sinks.totals]
kind = "files"
from = "totals"
path = "out/totals"
skip_empty = true
[sinks.recent]
kind = "files"
from = "recent"
path = "out/recent"
skip_empty = true
[sinks.screen]
kind = "console"
from = "sums"
limit = 1000
skip_empty = true
[sinks.table]
kind = "sqlite"
from = "sums"
path = "out/orders.db"
table = "sums"
create = true

[dead_letters]
kind = "files"
path = "dead"
"#;

/// Rows of a file that is moved in, but for the one that can't be decoded.
const FILE_ROWS: u64 = 20;
/// One frame in so many can't be decoded.
const BAD_FRAMES: u64 = 50;

/// What the frame of a number holds.
fn payload(number: u64) -> String {
    match number % BAD_FRAMES {
        0 => format!("bad,frame {number}"),
        _ => format!("k{},{number}", number % 10),
    }
}

/// The pipeline, its senders and what it printed so far.
pub struct Victim {
    pub project: Project,
    sender: FramedSender,
    num_files: u64,
    printed: String,
}

impl Victim {
    pub fn new() -> Self {
        let port = Server::free_port();
        let project = Project::new(&MANIFEST.replace("PORT", &port.to_string()));
        project.make_folder("orders");
        Self { project, sender: FramedSender::start(port, payload), num_files: 0, printed: String::new() }
    }

    /// Runs it until it dies or ends as `failpoints` want it, while it is fed.
    #[track_caller]
    pub fn run(&mut self, failpoints: &str) -> Finished {
        self.run_with(failpoints, |_, _| {})
    }

    /// Runs it, asks it twice to end, and waits for that.
    #[track_caller]
    pub fn stop_twice(&mut self, failpoints: &str) -> Finished {
        let mut is_asked = false;
        self.run_with(failpoints, |program, num_files| {
            if num_files >= 10 && !std::mem::replace(&mut is_asked, true) {
                program.wait_for_log("running", 1);
                program.signal("TERM");
                program.wait_for_log("stopping", 1);
                program.signal("TERM");
            }
        })
    }

    /// Runs it until it dies of `failpoints` after a signal.
    #[track_caller]
    pub fn stop(&mut self, failpoints: &str) -> Finished {
        let mut is_asked = false;
        self.run_with(failpoints, |program, num_files| {
            if num_files >= 10 && !std::mem::replace(&mut is_asked, true) {
                program.wait_for_log("running", 1);
                program.signal("TERM");
            }
        })
    }

    #[track_caller]
    fn run_with(&mut self, failpoints: &str, mut meanwhile: impl FnMut(&Program, u64)) -> Finished {
        let mut program = self.project.start_with(&[], &[("FAILPOINTS", failpoints)]);
        let (begun, first) = (std::time::Instant::now(), self.num_files);
        while !program.has_ended() {
            assert!(begun.elapsed() < PATIENCE, "`{failpoints}` is never reached:\n{}", program.stderr());
            self.move_in();
            meanwhile(&program, self.num_files - first);
            sleep(Duration::from_millis(15));
        }
        let finished = program.finish();
        self.printed.push_str(whole_batches(&finished.stdout));
        finished
    }

    /// Runs it until it is killed at the point that `failpoints` name.
    #[track_caller]
    pub fn die(&mut self, failpoints: &str) {
        let finished = self.run(failpoints);
        assert_eq!(finished.code, None, "`{failpoints}`:\n{}", finished.stderr);
    }

    /// Moves a file in, with one line that is no row.
    fn move_in(&mut self) {
        let file = self.num_files;
        let mut text: String = file_rows(file).map(|(key, n)| format!("{key},{n}\n")).collect();
        text.push_str(&format!("bad,file {file}\n"));
        self.project.move_in(&format!("orders/{file}.csv"), text);
        self.num_files += 1;
    }

    /// Runs it once more to its end, and compares all that came of it with what should have.
    #[track_caller]
    pub fn survive(mut self, case: &str) {
        let program = self.project.start(&[]);
        self.move_in();
        let num_frames = self.sender.finish();
        let mut expected = BTreeMap::<String, i64>::new();
        let frames = (1..=num_frames).filter(|number| number % BAD_FRAMES != 0);
        let frames = frames.map(|number| (format!("k{}", number % 10), number as i64));
        let mut num_rows = 0;
        for (key, n) in frames.chain((0..self.num_files).flat_map(file_rows)) {
            *expected.entry(key).or_default() += n;
            num_rows += 1;
        }
        let out = self.project.path("out");
        let last = |prefix: &str| -> Vec<String> {
            let folder = published(&out, prefix).pop().unwrap_or_default();
            folder.values().flat_map(|file| file.lines()).map(str::to_owned).collect()
        };
        wait_until(&format!("{case}: all totals"), || {
            (sums(last("totals").iter()) == expected).then_some(())
        });
        wait_until(&format!("{case}: the window"), || {
            (last("recent") == [num_rows.to_string()]).then_some(())
        });
        program.wait_for_log("running", 1);
        program.signal("INT");
        let finished = program.finish();
        assert_eq!(finished.code, Some(0), "{case}:\n{}", finished.stderr);
        self.printed.push_str(whole_batches(&finished.stdout));
        assert_eq!(sums(rows(&out, "sums").iter()), expected, "{case}: the files");
        assert_eq!(table_sums(&out.join("orders.db")), expected, "{case}: the table");
        let mut batches = BTreeMap::new();
        for batch in printed(&self.printed) {
            let rows = batch.rows.clone();
            let before = batches.insert(batch.time, batch.rows);
            assert!(before.is_none_or(|before| before == rows), "{case}: a batch was printed in two ways");
        }
        assert_eq!(sums(batches.values().flatten()), expected, "{case}: the console, each batch once");
        let files = (0..self.num_files).map(|file| format!("bad,file {file}"));
        let frames = (1..=num_frames).filter(|number| number % BAD_FRAMES == 0).map(payload);
        let mut bad: Vec<String> = files.chain(frames).collect();
        bad.sort();
        let mut letters: Vec<String> = self.project.dead_letters("victim").iter().map(line_of).collect();
        letters.sort();
        assert_eq!(letters, bad, "{case}: the dead letters");
    }
}

fn file_rows(file: u64) -> impl Iterator<Item = (String, i64)> {
    (0..FILE_ROWS).map(move |row| (format!("k{}", row % 10), (file * 1000 + row) as i64))
}

/// The sums of the rows in the table `sums` of the database `path`.
fn table_sums(path: &Path) -> BTreeMap<String, i64> {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut sums = database.prepare("SELECT key, sum(n) FROM sums GROUP BY key").unwrap();
    sums.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// The line that a letter is of.
fn line_of(letter: &serde_json::Value) -> String {
    match &letter["row"] {
        serde_json::Value::String(line) => line.clone(),
        row => row["line"].as_str().unwrap_or_else(|| panic!("no line: {row}")).to_owned(),
    }
}

/// What was printed but for a last batch that was being printed.
fn whole_batches(output: &str) -> &str {
    output.rfind("\n\n").map_or("", |end| &output[..end + 2])
}

/// The sums of rows `(key, n)`.
fn sums<'a>(rows: impl Iterator<Item = &'a String>) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let (key, n) = row.trim_matches(['(', ')']).split_once(", ").unwrap();
        *sums.entry(key.to_owned()).or_default() += n.parse::<i64>().unwrap();
    }
    sums
}

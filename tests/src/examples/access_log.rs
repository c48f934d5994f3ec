//! The log of a site: what the README promises of a run with the generator, and what a run by a clock that is moved by
//! hand tells over six minutes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use tidemill::batch::ManualClock;
use tidemill::context::{BatchReport, RunOptions, RunningContext, StreamingContext};
use tidemill::manifest::Manifest;

use super::{blocks, example, promised};
use crate::support::{Connection, Kept, PATIENCE, Project, Server, engine};

/// The generator as it runs. Dropping it kills it.
struct Generator(Child);

impl Generator {
    /// Serves `rows` lines of the first seed to one client, and answers where.
    fn start(rows: usize) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_access-log-generator-under-test"))
            .args(["--seed", "1", "--rows", &rows.to_string(), "--once", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let generator = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("it says where it listens");
        (generator, address.to_owned())
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn at(address: &str) -> Project {
    example("access_log", |text| text.replace("127.0.0.1:9999", address))
}

#[test]
fn access_log_prints_what_its_readme_promises() {
    let (_generator, address) = Generator::start(1000);
    let project = at(&address);
    let finished = project.succeed(&["--once"]);
    // How many batches there are depends on how fast lines come; the last ones tell of all.
    let blocks = blocks(&finished.stdout);
    for wanted in promised("access_log") {
        assert!(blocks.contains(&wanted), "{wanted:?} is not in {}", finished.stdout);
    }
    let promised_letters = super::readme("access_log").contains("\n23 lines");
    assert!(promised_letters, "the README promises other dead letters");
    assert_eq!(project.dead_letters("access_log").len(), 23);
}

/// How often things come.
type Counts = BTreeMap<String, i64>;

/// The requests that `lines` tell of, read without Tidemill: IP, path and status.
fn requests<'a>(lines: &'a [&str]) -> Vec<(&'a str, &'a str, u16)> {
    let request = |line: &&'a str| {
        let [ip, method, target, status, time] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let is_whole =
            ip.parse::<IpAddr>().is_ok() && ["GET", "POST"].contains(&method) && time.ends_with('Z');
        let status = status.parse().ok().filter(|_| is_whole)?;
        Some((ip, target.split('?').next()?, status))
    };
    lines.iter().filter_map(request).collect()
}

fn counts<'a>(of: impl Iterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::new();
    of.for_each(|name| *counts.entry(name.to_owned()).or_default() += 1);
    counts
}

fn by_ip(lines: &[&str]) -> Counts {
    counts(requests(lines).iter().map(|(ip, ..)| *ip))
}

fn by_path(lines: &[&str]) -> Counts {
    counts(requests(lines).iter().map(|(_, path, _)| *path))
}

/// Rows of a name and a number, in brackets.
fn parsed(rows: &[String]) -> Counts {
    let row = |row: &String| {
        let (name, number) = row.trim_matches(['(', ')']).rsplit_once(", ").unwrap();
        (name.to_owned(), number.parse().unwrap())
    };
    rows.iter().map(row).collect()
}

/// The example, with sinks that keep what they are given and a clock that is moved by hand.
struct ByHand {
    clock: Arc<ManualClock>,
    ends: Receiver<usize>,
    sinks: BTreeMap<String, Kept>,
    _running: RunningContext,
}

impl ByHand {
    fn start(project: &Project) -> Self {
        let mut pipeline = Manifest::read(&project.path("pipeline.toml")).unwrap().pipeline;
        let mut sinks = BTreeMap::new();
        for (name, output) in &mut pipeline.sinks {
            let kept = Kept::default();
            output.sink = Box::new(kept.clone());
            sinks.insert(name.clone(), kept);
        }
        let clock = Arc::new(ManualClock::new(0));
        let mut context = StreamingContext::from_pipeline(pipeline);
        context.engine(&engine()).clock(Arc::clone(&clock) as Arc<_>);
        let (end, ends) = channel();
        context.listener(move |report: &BatchReport| {
            // Whoever listened may have gone.
            let _ = end.send(report.num_rows_in());
        });
        let running = context.start(&RunOptions::default()).unwrap();
        Self { clock, ends, sinks, _running: running }
    }

    /// Lets a second pass, and answers how many lines its batch had.
    fn tick(&self) -> usize {
        self.clock.advance(1000);
        self.ends.recv_timeout(PATIENCE).expect("a batch")
    }

    /// Lets seconds pass without anything coming.
    fn wait(&self, seconds: usize) {
        (0..seconds).for_each(|_| assert_eq!(self.tick(), 0));
    }

    /// Sends lines, and lets seconds pass until they are all in batches: one or two, at most nine.
    fn send(&self, connection: &mut Connection, lines: &[&str]) {
        connection.send(lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        connection.wait_until_read();
        let mut num = self.tick();
        for _ in 0..8 {
            if num == lines.len() {
                return;
            }
            // What was read may still be on its way to the intake.
            std::thread::sleep(PATIENCE / 100);
            num += self.tick();
        }
        panic!("{num} of {} lines came", lines.len());
    }

    /// What `sink` was given in the last batch.
    fn last(&self, sink: &str) -> Counts {
        parsed(&self.sinks[sink].batches().last().unwrap().1)
    }

    /// What `sink` was given last of each name, in the last so many batches.
    fn told(&self, sink: &str, num_batches: usize) -> Counts {
        let batches = self.sinks[sink].batches();
        let last = &batches[batches.len().saturating_sub(num_batches)..];
        last.iter().flat_map(|(_, rows)| parsed(rows)).collect()
    }
}

#[test]
fn access_log_counts_by_state_and_by_window_and_tells_bursts_of_errors() {
    let (_generator, address) = Generator::start(700);
    let mut text = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 700);
    // The burst is in the second half.
    let (first, second) = lines.split_at(400);

    let server = Server::start();
    let project = at(&server.address().to_string());
    let run = ByHand::start(&project);
    let mut connection = server.accept();
    run.send(&mut connection, first);
    assert_eq!(run.last("visits"), by_ip(first));
    assert_eq!(run.last("pages"), by_path(first));
    assert_eq!(run.told("last_minute", 10), by_ip(first));
    assert!(run.told("alerts", 10).is_empty());

    run.wait(70);
    let silent: Counts = by_ip(first).into_keys().map(|ip| (ip, 0)).collect();
    assert_eq!(run.told("last_minute", 70), silent, "nobody came for a minute");
    assert_eq!((run.last("visits"), run.last("pages")), (by_ip(first), by_path(first)));

    run.send(&mut connection, second);
    assert_eq!(run.last("visits"), by_ip(&lines));
    assert_eq!(run.last("pages"), by_path(&lines));
    assert_eq!(run.told("last_minute", 9), by_ip(second), "what came before has left");
    let errors = counts(requests(second).iter().filter(|request| request.2 >= 500).map(|request| request.1));
    let burst: Counts = errors.into_iter().filter(|(_, num)| *num >= 5).collect();
    assert!(burst.contains_key("/tide") && burst.len() == 1, "{burst:?}");
    assert_eq!(run.last("alerts"), burst);

    run.wait(20);
    assert!(run.last("alerts").is_empty(), "the burst is over");
    run.wait(230);
    assert_eq!(run.last("pages"), by_path(second), "the first half is five minutes old");
    run.wait(60);
    assert!(run.last("pages").is_empty());
    assert_eq!(run.last("visits"), by_ip(&lines));

    let letters = project.dead_letters("access_log");
    assert_eq!(letters.len(), lines.len() - requests(&lines).len());
    assert!(letters.iter().all(|letter| letter["origin"] == "requests" && letter["kind"] == "reject"));
}

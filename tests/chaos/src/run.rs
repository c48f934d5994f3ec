//! Cycle after cycle: start, wait a while, kill; in the end once more, to the end, and the reckoning.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::accounts::{Accounts, Run};
use crate::dice::Dice;
use crate::feed::{Feed, Lines, Sent, free_port};
use crate::outputs::Outputs;
use crate::pipeline::{Reach, manifest};
use crate::program::{Launch, Program, Said, memory, room};
use crate::record::NUM_KEYS;
use crate::soak::Soak;
use crate::store::{Server, SqliteFile};
use crate::tables::Tables;

/// How often one looks.
const LOOK: Duration = Duration::from_millis(20);
/// What the program may need to start and to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long it is from one look at tables to the next, and how long before a kill is the last: a look takes a while.
const TABLE_LOOK: Duration = Duration::from_millis(700);
const TABLE_REST: Duration = Duration::from_millis(300);
/// How long after a start memory is no longer that of a start.
const WARM: Duration = Duration::from_secs(5);

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many kills, each 50 to 2,000 ms after a start.
    Cycles(u32),
    /// So long, with a kill every 20 to 60 s, and a look at memory and disk every second.
    Soak(Duration),
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program.
    pub program: PathBuf,
    /// Where its plugins are.
    pub plugins: PathBuf,
    /// Where compiled plugins are kept; as the program has it where none is given.
    pub cache: Option<PathBuf>,
    /// A folder for all that is written.
    pub folder: PathBuf,
    /// How long.
    pub extent: Extent,
    /// Other seeds kill at other times.
    pub seed: u64,
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How often the program was killed.
    pub num_kills: u32,
    /// How many records counted exactly once, because their senders were told so or could look: frames, and those of files.
    pub num_exact: u64,
    /// How many lines of plain connections came out, each once.
    pub num_lines: u64,
    /// How many of these were on their way when the program was killed.
    pub num_lines_lost: u64,
    /// How many keys there were.
    pub num_keys: usize,
    /// What is to be told of memory and disk.
    pub soak: Option<String>,
}

/// Kills the program as `options` say, and tells what became of it, or what was wrong. Progress is told to `tell`.
pub fn run(options: &Options, tell: &dyn Fn(&str)) -> Result<Report> {
    let mut chaos = Chaos::start(options)?;
    let begun = Instant::now();
    let mut dice = Dice::new(options.seed);
    let mut report = Report::default();
    loop {
        let delay = match options.extent {
            Extent::Cycles(cycles) if report.num_kills >= cycles => break,
            Extent::Soak(time) if begun.elapsed() >= time => break,
            Extent::Cycles(_) => dice.millis(50, 2_000),
            Extent::Soak(time) => dice.millis(20_000, 60_000).min(time.saturating_sub(begun.elapsed())),
        };
        chaos.cycle(delay)?;
        report.num_kills += 1;
        if report.num_kills.is_multiple_of(10) {
            let kills = report.num_kills;
            tell(&format!("{kills} kills, {} records came out", chaos.accounts.num_seen()));
        }
    }
    chaos.finish(report)
}

struct Chaos {
    launch: Launch,
    /// None once it has ended.
    feed: Option<Feed>,
    outputs: Outputs,
    accounts: Accounts,
    tables: [Tables; 2],
    looked_at_tables: Instant,
    runs: Vec<Run>,
    next_line: u64,
    checkpoint: PathBuf,
    soak: Option<Soak>,
}

impl Chaos {
    fn start(options: &Options) -> Result<Self> {
        let input = options.folder.join("input");
        fs::create_dir_all(&input).context("cannot make a folder")?;
        let frames = free_port()?;
        let (reach, soak) = match options.extent {
            Extent::Cycles(_) => (Reach::All, None),
            Extent::Soak(_) => (Reach::Seconds, Some(Soak::default())),
        };
        let sqlite = SqliteFile(options.folder.join("out/chaos.db"));
        let tables = [Tables::new(sqlite), Tables::new(Server::start()?)];
        let sinks: String = tables.iter().map(Tables::sinks).collect();
        let path = options.folder.join("pipeline.toml");
        let text = manifest(&options.plugins, frames, reach, &sinks);
        fs::write(&path, text).context("cannot write the manifest")?;
        Ok(Self {
            launch: Launch { program: options.program.clone(), manifest: path, cache: options.cache.clone() },
            feed: Some(Feed::start(frames, input)),
            outputs: Outputs::new(options.folder.join("out")),
            accounts: Accounts::default(),
            tables,
            looked_at_tables: Instant::now(),
            runs: Vec::new(),
            next_line: 1,
            checkpoint: options.folder.join("checkpoint"),
            soak,
        })
    }

    /// Starts the program, lets it run for `delay`, and kills it.
    fn cycle(&mut self, delay: Duration) -> Result<()> {
        let (begun, mut looked) = (Instant::now(), Instant::now());
        let lines = Lines::start(self.next_line)?;
        let mut program = Program::start(&self.launch, lines.address)?;
        while begun.elapsed() < delay {
            sleep(LOOK.min(delay.saturating_sub(begun.elapsed())));
            if program.ended()?.is_some() {
                bail!("the program ended by itself:\n{}", program.end()?.tail());
            }
            if self.feed.as_ref().is_some_and(Feed::has_ended) {
                self.feed.take().map(Feed::finish).transpose().context("a sender failed")?;
            }
            self.outputs.collect(&mut self.accounts)?;
            if begun.elapsed() + TABLE_REST < delay {
                self.look_at_tables()?;
            }
            if let Some(soak) = &mut self.soak
                && begun.elapsed() > WARM
                && looked.elapsed() > Duration::from_secs(1)
                && let Some(memory) = memory(program.id())
            {
                looked = Instant::now();
                soak.enter(memory, room(&self.checkpoint));
            }
        }
        let said = program.kill()?;
        self.note(lines, &said)
    }

    /// Takes out of the tables what is there, now and then.
    fn look_at_tables(&mut self) -> Result<()> {
        if self.looked_at_tables.elapsed() > TABLE_LOOK {
            self.looked_at_tables = Instant::now();
            self.tables.iter_mut().try_for_each(Tables::collect)?;
        }
        Ok(())
    }

    /// Notes what a run that is over was sent and logged.
    fn note(&mut self, lines: Lines, said: &Said) -> Result<()> {
        let sent = lines.finish()?;
        self.next_line = sent.end() + 1;
        self.runs.push(Run { sent, num_logged: said.logged.get("lines").copied().unwrap_or(0) });
        Ok(())
    }

    /// Runs it to its end in order, and compares.
    fn finish(mut self, mut report: Report) -> Result<Report> {
        let lines = Lines::start(self.next_line)?;
        let mut program = Program::start(&self.launch, lines.address)?;
        let begun = Instant::now();
        while !program.said().is_running {
            ensure!(begun.elapsed() < PATIENCE, "the program doesn't start:\n{}", program.said().tail());
            sleep(LOOK);
        }
        sleep(Duration::from_millis(500));
        let sent = self.feed.take().context("the senders have ended")?.finish()?;
        self.note(lines, &Said::default())?;
        let whole = sent.frames + sent.files;
        while !self.is_done(&sent, whole)? {
            if let Some(status) = program.ended()? {
                bail!("the program ended by itself, {status}:\n{}", program.end()?.tail());
            }
            if begun.elapsed() > PATIENCE {
                self.accounts.check(&sent, &self.runs)?;
                self.tables.iter().try_for_each(|tables| tables.check(&sent, &self.runs, &self.accounts))?;
                bail!("the window or the lines of the last run don't come:\n{}", program.said().tail());
            }
            sleep(LOOK);
        }
        program.ask_to_end()?;
        let said = program.end()?;
        self.outputs.collect(&mut self.accounts)?;
        self.tables.iter_mut().try_for_each(Tables::collect)?;
        ensure!(
            said.log.iter().any(|line| line.contains("stopped")),
            "it didn't stop in order:\n{}",
            said.tail()
        );
        let (num_lines, num_lines_lost) = self.accounts.check(&sent, &self.runs)?;
        self.outputs.check_states(self.accounts.keys())?;
        self.tables.iter().try_for_each(|tables| tables.check(&sent, &self.runs, &self.accounts))?;
        report.num_exact = whole;
        (report.num_lines, report.num_lines_lost) = (num_lines, num_lines_lost);
        report.num_keys = self.accounts.keys().len();
        ensure!(report.num_keys as u64 <= NUM_KEYS, "there are more keys than were sent");
        report.soak = self.soak.map(|soak| soak.check()).transpose()?;
        Ok(report)
    }

    /// Whether everything came out, and the window has it too.
    fn is_done(&mut self, sent: &Sent, whole: u64) -> Result<bool> {
        self.outputs.collect(&mut self.accounts)?;
        self.look_at_tables()?;
        let is_complete = self.accounts.num_seen() >= whole && self.accounts.is_complete(sent, &self.runs);
        let is_all =
            self.soak.is_some() || self.outputs.recent().is_ok_and(|n| n == self.accounts.num_seen());
        let are_filled = self.tables.iter().all(|tables| tables.num_seen() >= self.accounts.num_seen());
        Ok(is_complete && is_all && are_filled)
    }
}

//! The store on disk: who may write it, what is in it, and the one write that makes a batch final.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, PersistMode};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::contents::{Contents, Difference};
use super::epoch::Epoch;
use super::error::{CheckpointError, failure};
use super::folder;
use super::journal;
use super::log::{self, LogWriter, Logged, SourceLog};
use super::outbox::{self, Undelivered};
use super::versions::{How, VersionChange};
use crate::failpoint::{Point, reach};
use crate::id::new_id;
use crate::operator::Keeping;
use crate::record::{BatchTime, Partition};
use crate::state::{Changes, PieceKey};

/// The format of what is written. Another number means that older programs can't read it.
const FORMAT: u32 = 1;

/// The folder of the store within the checkpoint.
const FOLDER: &str = "store";

/// How many epochs are kept for people to look at.
const EPOCHS_KEPT: u64 = 16;

/// How many changes of plugins are kept for people to look at, and to go back to.
const CHANGES_KEPT: u64 = 1000;

/// How much of what was written lately is held in memory.
const MEMORY_BYTES: u64 = 8 << 20;

/// A checkpoint that is open. No other process can open it meanwhile.
pub struct Checkpoint {
    path: PathBuf,
    database: Database,
    about: Keyspace,
    epochs: Keyspace,
    state: Keyspace,
    outbox: Keyspace,
    letters: Keyspace,
    blocks: Keyspace,
    history: Keyspace,
    /// The number of the next change in the history.
    next_change: u64,
    contents: Contents,
    id: String,
    logs: LogWriter,
    last: Option<Epoch>,
    /// What waited for the outside and is there by now: rows in the outbox, dead letters.
    delivered: Vec<(Keyspace, Vec<u8>)>,
}

/// What a batch commits.
#[derive(Default)]
pub struct Commit<'a> {
    /// The batch.
    pub epoch: Epoch,
    /// What changed of what streams keep, as (stream, partition, changes).
    pub state: Vec<(String, usize, Changes)>,
    /// Streams of which everything that was saved goes, with what they keep instead; `state` has all of that.
    pub replaced: Vec<(&'a str, &'a str)>,
    /// Plugins with other code from this batch on.
    pub versions: Vec<VersionChange>,
    /// Rows for sinks that can't stage them outside, as (sink, schema, partitions).
    pub outbox: Vec<(&'a str, &'a SchemaRef, &'a [Partition])>,
    /// The batch's dead letters, as they are written to their files.
    pub letters: &'a [u8],
}

/// What is in a checkpoint, for people.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The pipeline.
    pub contents: Contents,
    /// The last epochs, oldest first.
    pub epochs: Vec<Epoch>,
    /// What each stream keeps.
    pub state: Vec<(String, StateReport)>,
    /// How many batches' rows wait for each sink.
    pub undelivered: Vec<(String, usize)>,
}

/// How much a stream keeps on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateReport {
    /// Pieces.
    pub pieces: usize,
    /// Bytes.
    pub bytes: u64,
}

impl Checkpoint {
    /// Opens the checkpoint in the directory `path`, or makes one.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let failed = |action| move |error: fjall::Error| failure(path, action, &error);
        let broken = |action| move |error: std::io::Error| failure(path, action, &fjall::Error::Io(error));
        std::fs::create_dir_all(path).map_err(broken("make the directory"))?;
        let folder = path.join(FOLDER);
        reach(Point::Open).map_err(broken("open it"))?;
        if folder.is_dir() {
            let _alone = folder::take(path, &folder)?;
            folder::clear_unfinished(path, &folder)?;
        }
        if folder.is_dir() {
            let _alone = folder::take(path, &folder)?;
            journal::mend(path, &folder)?;
        }
        let options = Database::builder(&folder)
            .worker_threads(1)
            .cache_size(MEMORY_BYTES)
            .max_journaling_size(64 << 20)
            // Its time comes off that of the workers; what stays longer than the journal is compressed anyhow.
            .journal_compression(CompressionType::None)
            .manual_journal_persist(true);
        // Of some damage the store can only panic.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| options.open()));
        let opened = opened.map_err(|_| CheckpointError::Damaged {
            path: path.to_owned(),
            problem: "the store is damaged, so that it can't be opened".to_owned(),
        })?;
        let database = opened.map_err(failed("open it"))?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(MEMORY_BYTES);
        let large = || small().with_kv_separation(Some(KvSeparationOptions::default()));
        let open = |name, options: &dyn Fn() -> KeyspaceCreateOptions| {
            database.keyspace(name, options).map_err(failed("open it"))
        };
        let (blocks, senders) = (open("blocks", &large)?, open("senders", &small)?);
        let logs = LogWriter::start(&database, &blocks, &senders).map_err(broken("start a thread"))?;
        reach(Point::Opened).map_err(broken("open it"))?;
        let mut checkpoint = Self {
            path: path.to_owned(),
            blocks,
            logs,
            about: open("about", &small)?,
            epochs: open("epochs", &small)?,
            state: open("state", &large)?,
            outbox: open("outbox", &large)?,
            letters: open("letters", &large)?,
            history: open("history", &small)?,
            next_change: 0,
            contents: Contents::default(),
            id: String::new(),
            last: None,
            delivered: Vec::new(),
            database,
        };
        checkpoint.check_format()?;
        checkpoint.id = checkpoint.read_or_make_id()?;
        checkpoint.last = checkpoint.read_epochs()?.pop();
        checkpoint.contents = checkpoint.read_contents()?.unwrap_or_default();
        checkpoint.next_change = checkpoint.first_free_change()?;
        Ok(checkpoint)
    }

    /// Opens a checkpoint that is there.
    pub fn open_existing(path: &Path) -> Result<Self, CheckpointError> {
        match path.join(FOLDER).is_dir() {
            true => Self::open(path),
            false => Err(CheckpointError::Missing(path.to_owned())),
        }
    }

    /// Opens a checkpoint where there is one.
    pub fn open_if_there(path: &Path) -> Result<Option<Self>, CheckpointError> {
        path.join(FOLDER).is_dir().then(|| Self::open(path)).transpose()
    }

    fn check_format(&self) -> Result<(), CheckpointError> {
        let written = self.about.get("format").map_err(|error| self.failed("read it")(error))?;
        match written {
            None => self.about.insert("format", FORMAT.to_string()).map_err(self.failed("write it")),
            Some(found) if *found == *FORMAT.to_string().as_bytes() => Ok(()),
            Some(found) => Err(CheckpointError::Format {
                path: self.path.clone(),
                found: String::from_utf8_lossy(&found).into_owned(),
                known: FORMAT,
            }),
        }
    }

    /// The last batch that was committed.
    pub const fn last(&self) -> Option<&Epoch> {
        self.last.as_ref()
    }

    /// Takes up the work of the pipeline that wrote it, as far as `contents` fits. What is to be left behind is in
    /// `dropped`. Answers what is to be told.
    pub fn adopt(
        &mut self,
        contents: &Contents,
        dropped: &[String],
        time: BatchTime,
    ) -> Result<Vec<Difference>, CheckpointError> {
        let unfit = |problem: String, remedy: String| CheckpointError::Unfit {
            path: self.path.clone(),
            problem,
            remedy,
        };
        let before = self.read_contents()?;
        let differences = match &before {
            Some(before) if before.pipeline != contents.pipeline => {
                return Err(unfit(
                    format!(
                        "it belongs to the pipeline `{}`, and this is `{}`",
                        before.pipeline, contents.pipeline
                    ),
                    "give this pipeline a directory of its own".to_owned(),
                ));
            }
            Some(before) => contents.differences(before, dropped),
            None => Vec::new(),
        };
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for difference in &differences {
            match difference {
                Difference::Refused { name, problem } => {
                    let remedy =
                        format!("undo the change, or leave what it kept behind with --drop-state {name}");
                    return Err(unfit(problem.clone(), remedy));
                }
                Difference::Dropped(name) => {
                    for guard in self.state.prefix(stream_prefix(name)) {
                        batch.remove(&self.state, guard.key().map_err(self.failed("read it"))?);
                    }
                    for guard in self.blocks.prefix(stream_prefix(name)) {
                        batch.remove(&self.blocks, guard.key().map_err(self.failed("read it"))?);
                    }
                    if let Some(last) = &mut self.last {
                        last.sources.shift_remove(name);
                    }
                }
                Difference::Told(_) | Difference::Interval => {}
            }
        }
        for (plugin, digest) in &contents.plugins {
            let from = before.as_ref().and_then(|before| before.plugins.get(plugin).cloned());
            if from.as_ref() != Some(digest) {
                let (plugin, digest) = (plugin.clone(), digest.clone());
                let how = How::Start;
                let time = time.millis();
                let change = VersionChange { plugin, digest, from, time, how, reason: None, shadow: None };
                self.note(&mut batch, &change);
            }
        }
        batch.insert(&self.about, "contents", json(contents));
        self.contents = contents.clone();
        if let Some(last) = &self.last {
            batch.insert(&self.epochs, last.number.to_be_bytes(), json(last));
        }
        self.write(batch, [Point::Adopt, Point::Adopted], "write it")?;
        Ok(differences)
    }

    /// Loads what streams keep, on all cores.
    pub fn load<'a>(
        &self,
        streams: impl Iterator<Item = (&'a str, &'a Keeping)>,
    ) -> Result<(), CheckpointError> {
        let partitions: Vec<(&str, &Keeping, usize)> = streams
            .flat_map(|(name, keeping)| (0..keeping.state.num_partitions()).map(move |p| (name, keeping, p)))
            .collect();
        partitions.into_par_iter().try_for_each(|(stream, keeping, partition)| {
            reach(Point::Load).map_err(|error| self.failed("read it")(fjall::Error::Io(error)))?;
            let mut pieces = Vec::new();
            for guard in self.state.prefix(partition_prefix(stream, partition)) {
                let (key, bytes) = guard.into_inner().map_err(self.failed("read it"))?;
                let key = piece_key(&key).ok_or_else(|| self.damaged("a piece has no name".to_owned()))?;
                pieces.push((key, bytes));
            }
            let mut pieces = pieces.iter().map(|(key, bytes)| (*key, &**bytes));
            keeping.state.load(partition, &mut pieces).map_err(|error| CheckpointError::State {
                path: self.path.clone(),
                stream: stream.to_owned(),
                error,
            })
        })
    }

    /// The log of `source`, and what of it no batch has taken.
    pub fn log(&self, source: &str) -> Result<(SourceLog, Vec<Logged>), CheckpointError> {
        let taken = self.last.as_ref().and_then(|last| last.sources.get(source)?.logged);
        self.logs.open(self.path.clone(), source, taken.unwrap_or(0))
    }

    /// The rows that sinks may not have seen, oldest first.
    pub fn undelivered(&self) -> Result<Vec<Undelivered>, CheckpointError> {
        let mut all = Vec::new();
        for guard in self.outbox.iter() {
            let (key, bytes) = guard.into_inner().map_err(self.failed("read it"))?;
            let damaged = || self.damaged("rows for a sink are damaged".to_owned());
            let (time, sink) = outbox::from_key(&key).ok_or_else(damaged)?;
            let partitions = outbox::decode(&bytes).ok_or_else(damaged)?;
            all.push(Undelivered { time, sink, partitions });
        }
        Ok(all)
    }

    /// The sink `sink` has the rows of the batch of time `time`; the next commit forgets them.
    pub fn delivered(&mut self, time: BatchTime, sink: &str) {
        self.delivered.push((self.outbox.clone(), outbox::key(time, sink)));
    }

    /// The dead letters of batches that may not have been written to their files, oldest first.
    pub fn unwritten_letters(&self) -> Result<Vec<(BatchTime, Vec<u8>)>, CheckpointError> {
        let mut all = Vec::new();
        for guard in self.letters.iter() {
            let (key, lines) = guard.into_inner().map_err(self.failed("read it"))?;
            let (time, _) =
                outbox::from_key(&key).ok_or_else(|| self.damaged("dead letters have no time".to_owned()))?;
            all.push((time, lines.to_vec()));
        }
        Ok(all)
    }

    /// The dead letters of the batch of time `time` are in their files; the next commit forgets them.
    pub fn letters_written(&mut self, time: BatchTime) {
        self.delivered.push((self.letters.clone(), outbox::key(time, "")));
    }

    /// Forgets at once what sinks have, so that the next run doesn't give it to them again.
    pub fn close(&mut self) -> Result<(), CheckpointError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        self.delivered.drain(..).for_each(|(keyspace, key)| batch.remove(&keyspace, key));
        self.write(batch, [Point::Close, Point::Closed], "write it")
    }

    /// Writes `batch` between two points, both of which are part of what is tried.
    fn write(
        &self,
        batch: fjall::OwnedWriteBatch,
        [before, after]: [Point; 2],
        action: &'static str,
    ) -> Result<(), CheckpointError> {
        let written = reach(before).map_err(fjall::Error::Io).and_then(|()| batch.commit());
        written.and_then(|()| Ok(reach(after)?)).map_err(self.failed(action))
    }

    /// Makes a batch final: all of it or nothing, on the disk once this returns.
    pub fn commit(&mut self, mut commit: Commit<'_>) -> Result<(), CheckpointError> {
        let number = self.last.as_ref().map_or(0, |last| last.number) + 1;
        commit.epoch.number = number;
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.epochs, number.to_be_bytes(), json(&commit.epoch));
        if let Some(old) = number.checked_sub(EPOCHS_KEPT) {
            batch.remove(&self.epochs, old.to_be_bytes());
        }
        self.remove_replaced(&mut batch, &commit)?;
        for (stream, partition, changes) in commit.state {
            let prefix = partition_prefix(&stream, partition);
            for (key, bytes) in changes.put {
                batch.insert(&self.state, state_key(&prefix, key), bytes);
            }
            for key in changes.removed {
                batch.remove(&self.state, state_key(&prefix, key));
            }
        }
        for (source, now) in &commit.epoch.sources {
            let before = self.last.as_ref().and_then(|last| last.sources.get(source)?.logged);
            for number in before.unwrap_or(0) + 1..=now.logged.unwrap_or(0) {
                batch.remove(&self.blocks, log::key(source, number));
            }
        }
        for (keyspace, key) in self.delivered.drain(..) {
            batch.remove(&keyspace, key);
        }
        if !commit.letters.is_empty() {
            batch.insert(&self.letters, outbox::key(commit.epoch.batch_time(), ""), commit.letters);
        }
        for (sink, schema, partitions) in commit.outbox {
            let key = outbox::key(commit.epoch.batch_time(), sink);
            batch.insert(&self.outbox, key, outbox::encode(schema, partitions)?);
        }
        for change in &commit.versions {
            self.contents.plugins.insert(change.plugin.clone(), change.digest.clone());
            self.note(&mut batch, change);
        }
        for (stream, keeps) in &commit.replaced {
            self.contents.streams.entry((*stream).to_owned()).or_default().keeps = (*keeps).to_owned();
        }
        if !commit.versions.is_empty() || !commit.replaced.is_empty() {
            batch.insert(&self.about, "contents", json(&self.contents));
        }
        self.write(batch, [Point::Commit, Point::Committed], "write an epoch")?;
        self.last = Some(commit.epoch);
        Ok(())
    }

    /// Removes what was saved of streams that keep something else, but for pieces that are written over.
    fn remove_replaced(
        &self,
        batch: &mut fjall::OwnedWriteBatch,
        commit: &Commit<'_>,
    ) -> Result<(), CheckpointError> {
        for (name, _) in &commit.replaced {
            let of_stream = commit.state.iter().filter(|(stream, ..)| stream == name);
            let put: HashSet<Vec<u8>> = of_stream
                .flat_map(|(_, partition, changes)| {
                    let prefix = partition_prefix(name, *partition);
                    changes.put.iter().map(move |(key, _)| state_key(&prefix, *key))
                })
                .collect();
            for guard in self.state.prefix(stream_prefix(name)) {
                let key = guard.key().map_err(self.failed("read it"))?;
                if !put.contains(&*key) {
                    batch.remove(&self.state, key);
                }
            }
        }
        Ok(())
    }

    /// What tells it from any other checkpoint, for good.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A new id is on the disk with the first epoch, before anybody outside has seen it with a batch.
    fn read_or_make_id(&self) -> Result<String, CheckpointError> {
        if let Some(id) = self.about.get("id").map_err(self.failed("read it"))? {
            return String::from_utf8(id.to_vec()).map_err(|_| self.damaged("its id is no text".to_owned()));
        }
        let id = new_id();
        self.about.insert("id", &id).map_err(self.failed("write it"))?;
        Ok(id)
    }

    /// What it says of the pipeline that wrote it.
    pub const fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Which versions of plugins came into use, oldest first.
    pub fn history(&self) -> Result<Vec<VersionChange>, CheckpointError> {
        let mut history = Vec::new();
        for guard in self.history.iter() {
            let bytes = guard.value().map_err(self.failed("read it"))?;
            let change = serde_json::from_slice(&bytes);
            history.push(change.map_err(|error| self.damaged(format!("its history is damaged: {error}")))?);
        }
        Ok(history)
    }

    fn first_free_change(&self) -> Result<u64, CheckpointError> {
        let Some(last) = self.history.last_key_value() else { return Ok(0) };
        let key = last.key().map_err(self.failed("read it"))?;
        Ok(key.first_chunk().map_or(0, |number| u64::from_be_bytes(*number)).saturating_add(1))
    }

    /// Adds to the history, of which the oldest is left out.
    fn note(&mut self, batch: &mut fjall::OwnedWriteBatch, change: &VersionChange) {
        batch.insert(&self.history, self.next_change.to_be_bytes(), json(change));
        if let Some(old) = self.next_change.checked_sub(CHANGES_KEPT) {
            batch.remove(&self.history, old.to_be_bytes());
        }
        self.next_change += 1;
    }

    /// What is in it.
    pub fn report(&self) -> Result<Report, CheckpointError> {
        let contents = self.read_contents()?.unwrap_or_default();
        let mut state = Vec::new();
        for name in contents.streams.keys() {
            let mut sum = StateReport::default();
            for guard in self.state.prefix(stream_prefix(name)) {
                sum.pieces += 1;
                sum.bytes += u64::from(guard.size().map_err(self.failed("read it"))?);
            }
            state.push((name.clone(), sum));
        }
        let waiting = self.undelivered()?;
        let sinks: BTreeSet<&str> = waiting.iter().map(|rows| rows.sink.as_str()).collect();
        let undelivered = sinks
            .into_iter()
            .map(|sink| (sink.to_owned(), waiting.iter().filter(|rows| rows.sink == sink).count()));
        Ok(Report { epochs: self.read_epochs()?, state, undelivered: undelivered.collect(), contents })
    }

    fn read_contents(&self) -> Result<Option<Contents>, CheckpointError> {
        let Some(bytes) = self.about.get("contents").map_err(self.failed("read it"))? else {
            return Ok(None);
        };
        let contents = serde_json::from_slice(&bytes);
        contents
            .map(Some)
            .map_err(|error| self.damaged(format!("what it says of its pipeline is damaged: {error}")))
    }

    fn read_epochs(&self) -> Result<Vec<Epoch>, CheckpointError> {
        let mut epochs = Vec::new();
        for guard in self.epochs.iter() {
            let bytes = guard.value().map_err(self.failed("read it"))?;
            let epoch = serde_json::from_slice(&bytes);
            epochs.push(epoch.map_err(|error| self.damaged(format!("an epoch is damaged: {error}")))?);
        }
        Ok(epochs)
    }

    fn failed(&self, action: &'static str) -> impl Fn(fjall::Error) -> CheckpointError + use<> {
        let path = self.path.clone();
        move |error| failure(&path, action, &error)
    }

    fn damaged(&self, problem: String) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.clone(), problem }
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The keys of what a stream keeps begin with its name and a zero byte, which no name has.
fn stream_prefix(stream: &str) -> Vec<u8> {
    [stream.as_bytes(), &[0]].concat()
}

fn partition_prefix(stream: &str, partition: usize) -> Vec<u8> {
    let partition = u32::try_from(partition).unwrap_or(u32::MAX);
    [stream_prefix(stream).as_slice(), &partition.to_be_bytes()].concat()
}

fn state_key(prefix: &[u8], key: PieceKey) -> Vec<u8> {
    [prefix, &[key.kind], &key.number.to_be_bytes()].concat()
}

/// The name of the piece that a key ends with.
fn piece_key(key: &[u8]) -> Option<PieceKey> {
    let (rest, number) = key.split_last_chunk()?;
    let kind = *rest.last()?;
    Some(PieceKey { kind, number: u64::from_be_bytes(*number) })
}

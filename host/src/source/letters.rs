//! Dead letters as rows again, for the operator that set them aside.
//!
//! Not of a manifest: a replay puts it where the operator's input was. At each batch time it answers the next letters, as
//! rows of the operator's input. Where each of them stands is kept as `Progress` until the batch is published, so
//! that it can be marked. A letter that doesn't fit the columns stays what it is.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::format::Decoder;
use super::jsonl::Jsonl;
use super::{Block, Interrupted, Opening, Reader, Recovery, Replayable, Room, Source, SourceError, Split};
use crate::dead_letters::{Found, LetterError, Letters, Selection};
use crate::record::BatchTime;

/// The most letters in a batch.
const MAX_BATCH_ROWS: usize = 1 << 16;
/// The size of the rows of a batch, in bytes of JSON, from which on it is large enough.
const MAX_BATCH_BYTES: usize = 16 << 20;
/// How many letters that don't fit are told of one by one.
const NUM_TOLD: usize = 10;

/// Reads letters as rows.
#[derive(Clone, Debug)]
pub struct LetterSource {
    schema: SchemaRef,
    pick: Option<Pick>,
    progress: Progress,
}

/// Which letters are read.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Where they are.
    pub directory: PathBuf,
    /// The pipeline that they are of.
    pub pipeline: String,
    /// Those of it that are meant.
    pub selection: Selection,
}

/// How far the sources of a replay are.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    waiting: Vec<(i64, u64)>,
    failed: Option<LetterError>,
}

/// What became of letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many became rows.
    pub num_rows: u64,
    /// How many don't fit the columns.
    pub num_misfits: u64,
    /// Of the first of these, where they stand and why they don't fit.
    pub misfits: Vec<String>,
}

impl Progress {
    /// What became of letters so far.
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    /// The places of the letters that became rows since the last call.
    pub fn take(&self) -> Vec<(i64, u64)> {
        std::mem::take(&mut self.state().waiting)
    }

    /// Lets the sources fail with `error` when they are asked for more.
    pub fn fail(&self, error: LetterError) {
        self.state().failed = Some(error);
    }

    /// What the sources are to fail with, once.
    pub fn failure(&self) -> Option<LetterError> {
        self.state().failed.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LetterSource {
    /// Letters as rows of `schema`.
    pub fn new(schema: SchemaRef, pick: Pick, progress: &Progress) -> Self {
        Self { schema, pick: Some(pick), progress: progress.clone() }
    }

    /// A source without rows.
    pub fn empty(schema: SchemaRef) -> Self {
        Self { schema, pick: None, progress: Progress::default() }
    }

    /// Reads all without handing it to anyone, and says how many would be rows.
    pub fn rehearse(&self) -> Result<Tally, SourceError> {
        let progress = Progress::default();
        let mut reading = Self { progress: progress.clone(), ..self.clone() }.reading()?;
        while reading.next.is_some() {
            reading.block()?;
            progress.take();
        }
        Ok(progress.tally())
    }

    fn reading(&self) -> Result<Reading, SourceError> {
        let mut reading = Reading {
            letters: None,
            next: None,
            decoder: Jsonl::new(&self.schema, usize::MAX)?,
            progress: self.progress.clone(),
        };
        if let Some(pick) = &self.pick {
            let letters = Letters::open(&pick.directory, Some(&pick.pipeline))?;
            reading.letters = Some((letters, pick.selection.clone()));
            reading.advance()?;
        }
        Ok(reading)
    }
}

impl Source for LetterSource {
    fn kind(&self) -> &'static str {
        "dead letters"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn recovery(&self) -> Recovery {
        Recovery::ReadAgain { from_start: true }
    }

    fn open(&self, _opening: &Opening) -> Result<Reader, SourceError> {
        Ok(Reader::Replayable(Box::new(self.reading()?)))
    }
}

/// Letters that are being read.
struct Reading {
    letters: Option<(Letters, Selection)>,
    /// The next letter, read ahead to know whether there is one.
    next: Option<Found>,
    decoder: Jsonl,
    progress: Progress,
}

impl Reading {
    /// Goes on to the next letter that is meant, and answers the one before.
    fn advance(&mut self) -> Result<Option<Found>, LetterError> {
        let mut following = None;
        if let Some((letters, selection)) = &mut self.letters {
            following = letters
                .find(|found| found.as_ref().map_or(true, |found| selection.includes(found)))
                .transpose()?;
        }
        Ok(std::mem::replace(&mut self.next, following))
    }

    /// The rows of the next letters.
    fn block(&mut self) -> Result<RecordBatch, SourceError> {
        let (mut places, mut lines) = (Vec::new(), Vec::new());
        while places.len() < MAX_BATCH_ROWS && lines.len() < MAX_BATCH_BYTES {
            let Some(found) = self.advance()? else { break };
            places.push((found.file, found.line));
            // A letter is a line, so there is no line end in its row.
            lines.extend_from_slice(found.letter.row.get().as_bytes());
            lines.push(b'\n');
        }
        let mut misfits = Vec::new();
        let decoded = self.decoder.decode(&lines, &mut misfits)?;
        let mut state = self.progress.state();
        state.tally.num_rows += places.len().saturating_sub(misfits.len()) as u64;
        state.tally.num_misfits += misfits.len() as u64;
        let mut misfits = misfits.into_iter().peekable();
        for (place, index) in places.into_iter().zip(0..) {
            match misfits.next_if(|misfit| misfit.lines_before == index) {
                None => state.waiting.push(place),
                Some(misfit) if state.tally.misfits.len() < NUM_TOLD => {
                    let (file, line) = place;
                    state.tally.misfits.push(format!("letter {file}:{line}: {}", misfit.reason));
                }
                Some(_) => {}
            }
        }
        Ok(decoded.rows)
    }
}

impl Replayable for Reading {
    fn cut(&mut self, _: BatchTime, _: usize, _: Room) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        if let Some(error) = self.progress.failure() {
            return Err(error.into());
        }
        let rows = self.block()?;
        Ok(vec![Arc::new(Whole(Block { rows, dead: Vec::new() }))])
    }

    fn is_finished(&self) -> bool {
        self.next.is_none()
    }
}

/// All rows of a batch.
struct Whole(Block);

impl Split for Whole {
    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError> {
        Ok(into(self.0.clone())?)
    }
}

#[cfg(test)]
mod tests;

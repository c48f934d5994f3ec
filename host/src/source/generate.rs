//! Made-up lines of words, for trying out and measuring.
//!
//! Words are drawn from a vocabulary by Zipf's law, as in real text. The same options give the same lines in
//! the same order, whatever the rate and however they are cut into blocks. So how many of them batches took says how far
//! it is.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::zipf::Zipf;
use super::{
    Block, Extent, Opening, Outlet, Position, Reader, Receiver, Recovery, Source, SourceError, Stop,
};
use crate::record::line_schema;

/// Makes lines of words up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// How many rows a second; as many as possible where none is given.
    pub rate: Option<u64>,
    /// How many rows in all; without end where none is given.
    pub rows: Option<u64>,
    /// Other seeds give other lines.
    #[serde(default)]
    pub seed: u64,
    /// How many words a line has.
    #[serde(default = "default_words")]
    pub words: u32,
    /// How many different words there are.
    #[serde(default = "default_vocabulary")]
    pub vocabulary: u32,
}

fn default_words() -> u32 {
    8
}

fn default_vocabulary() -> u32 {
    10_000
}

const MOST_WORDS: u32 = 10_000;
const LARGEST_VOCABULARY: u32 = 10_000_000;
const MOST_ROWS_PER_SECOND: u64 = 1_000_000_000;

impl Default for Generate {
    fn default() -> Self {
        Self { rate: None, rows: None, seed: 0, words: default_words(), vocabulary: default_vocabulary() }
    }
}

impl Source for Generate {
    fn kind(&self) -> &'static str {
        "generate"
    }

    fn schema(&self) -> SchemaRef {
        line_schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::ReadAgain { from_start: true }
    }

    fn is_counted(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), SourceError> {
        let problem = if !(1..=MOST_WORDS).contains(&self.words) {
            format!("`words` must be between 1 and {MOST_WORDS}")
        } else if !(1..=LARGEST_VOCABULARY).contains(&self.vocabulary) {
            format!("`vocabulary` must be between 1 and {LARGEST_VOCABULARY}")
        } else if self.rate.is_some_and(|rate| !(1..=MOST_ROWS_PER_SECOND).contains(&rate)) {
            format!("`rate` must be between 1 and {MOST_ROWS_PER_SECOND}; remove it for as fast as possible")
        } else {
            return Ok(());
        };
        Err(SourceError::Option(problem))
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        self.check()?;
        if opening.extent == Extent::Available && self.rows.is_none() {
            let problem = "it never ends, but only what is available is wanted; give `rows`";
            return Err(SourceError::Option(problem.to_owned()));
        }
        let done = opening.position.as_ref().map_or(Ok(0), Position::read)?;
        let mut writer = Writer::new(self);
        writer.skip(done);
        let rows = self.rows.map(|rows| rows.saturating_sub(done));
        Ok(Reader::Receiver(Box::new(Generator { writer, rate: self.rate, rows })))
    }
}

/// Lines in the making.
struct Generator {
    writer: Writer,
    rate: Option<u64>,
    rows: Option<u64>,
}

/// The most rows of a block, so that blocks stay about as large as those of other sources.
const BLOCK_ROWS: u64 = 4096;

/// How often rows that are due are handed over.
const TICK: Duration = Duration::from_millis(1);

#[async_trait]
impl Receiver for Generator {
    async fn run(mut self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        let start = Instant::now();
        let mut done = 0;
        while self.rows.is_none_or(|rows| done < rows) {
            let num_rows = self.num_next(start.elapsed(), done);
            let pause = if num_rows == 0 { TICK } else { Duration::ZERO };
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                () = wait(pause) => {}
            }
            if num_rows == 0 {
                continue;
            }
            let block = Block { rows: self.writer.write(num_rows)?, dead: Vec::new() };
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(()),
                put = outlet.put(block) => if put.is_err() { return Ok(()) },
            }
            done += num_rows;
        }
        Ok(())
    }
}

impl Generator {
    /// How many rows to make next, where `done` were made in `elapsed`.
    fn num_next(&self, elapsed: Duration, done: u64) -> u64 {
        let due = self.rate.map_or(u64::MAX, |rate| num_due(rate, elapsed));
        due.min(self.rows.unwrap_or(u64::MAX)).saturating_sub(done).min(BLOCK_ROWS)
    }
}

/// Waits, or where there is nothing to wait for, lets others run.
async fn wait(pause: Duration) {
    if pause.is_zero() {
        tokio::task::yield_now().await;
    } else {
        sleep(pause).await;
    }
}

/// How many rows are due after `elapsed`.
fn num_due(rate: u64, elapsed: Duration) -> u64 {
    let due = elapsed.as_nanos().saturating_mul(u128::from(rate)) / 1_000_000_000;
    u64::try_from(due).unwrap_or(u64::MAX)
}

/// How many of its own words, of 32 bits each, the generator of numbers takes for one that it draws.
const WORDS_A_DRAW: u128 = 2;

/// Writes lines.
struct Writer {
    schema: SchemaRef,
    rng: ChaCha8Rng,
    zipf: Zipf,
    num_words: u32,
    vocabulary: Vec<String>,
}

impl Writer {
    fn new(options: &Generate) -> Self {
        Self {
            schema: line_schema(),
            rng: ChaCha8Rng::seed_from_u64(options.seed),
            zipf: Zipf::new(options.vocabulary),
            num_words: options.words,
            vocabulary: (0..options.vocabulary).map(word).collect(),
        }
    }

    /// Goes on as if so many lines had been written.
    fn skip(&mut self, num_rows: u64) {
        let words = u128::from(num_rows).saturating_mul(u128::from(self.num_words));
        self.rng.set_word_pos(words.saturating_mul(WORDS_A_DRAW));
    }

    /// The next `num_rows` lines.
    fn write(&mut self, num_rows: u64) -> Result<RecordBatch, ArrowError> {
        let mut text = Vec::new();
        let mut offsets = vec![0];
        for _ in 0..num_rows {
            for i in 0..self.num_words {
                if i > 0 {
                    text.push(b' ');
                }
                let word = self.vocabulary.get(self.zipf.draw(self.rng.next_u64()) as usize);
                text.extend_from_slice(word.map(String::as_bytes).unwrap_or_default());
            }
            offsets.push(i32::try_from(text.len()).map_err(|_| ArrowError::OffsetOverflowError(text.len()))?);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let lines = StringArray::try_new(offsets, Buffer::from_vec(text), None)?;
        RecordBatch::try_new(self.schema.clone(), vec![Arc::new(lines) as ArrayRef])
    }
}

const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8; 5] = b"aeiou";

/// The word of a rank: syllables, one up to rank 99, then two, then three.
fn word(rank: u32) -> String {
    let mut rest = rank;
    let mut word = String::new();
    loop {
        let syllable = (rest % 100) as usize;
        word.extend(CONSONANTS.get(syllable / VOWELS.len()).map(|&c| char::from(c)));
        word.extend(VOWELS.get(syllable % VOWELS.len()).map(|&v| char::from(v)));
        rest /= 100;
        if rest == 0 {
            return word;
        }
        rest -= 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::collections::HashSet;

    use super::super::testing::{Collected, collect, collect_from};
    use super::*;
    use crate::record::BatchTime;

    async fn run(options: Generate) -> Collected {
        collect(&options, Extent::Available).await
    }

    #[test]
    fn words_differ() {
        let words: HashSet<String> = (0..50_000).map(word).collect();
        assert_eq!(words.len(), 50_000);
        assert_eq!((word(0), word(99), word(100), word(10_099), word(10_100)).0, "ba");
        assert_eq!(word(99), "zu");
        assert_eq!(word(100), "baba");
        assert_eq!(word(10_100), "bababa");
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_gives_the_same_lines_at_any_rate() {
        let fast = run(Generate { rows: Some(10_000), ..Generate::default() }).await;
        let slow = run(Generate { rows: Some(10_000), rate: Some(3_000), ..Generate::default() }).await;
        let other = run(Generate { rows: Some(10_000), seed: 1, ..Generate::default() }).await;
        assert_eq!(fast.lines().len(), 10_000);
        assert_eq!(fast.lines(), slow.lines());
        assert_ne!(fast.lines(), other.lines());
        assert!(fast.lines().iter().all(|line| line.split(' ').count() == 8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept() {
        let start = Instant::now();
        run(Generate { rows: Some(500), rate: Some(1_000), ..Generate::default() }).await;
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(600), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_behind_the_rows_that_were_taken() {
        let options = Generate { rows: Some(1000), words: 3, ..Generate::default() };
        let all = run(options.clone()).await.lines();
        let position = Position::new(&700_u64);
        let rest = collect_from(&options, Extent::Available, position).await.lines();
        assert_eq!(rest, all[700..]);
    }

    #[test]
    fn what_never_ends_is_refused_where_only_what_is_there_is_wanted() {
        let opening = Opening {
            name: "made".into(),
            time: BatchTime::from_millis(0),
            extent: Extent::Available,
            position: None,
        };
        assert!(matches!(Generate::default().open(&opening), Err(SourceError::Option(_))));
        assert!(Generate { words: 0, ..Generate::default() }.check().is_err());
        assert!(Generate { rate: Some(0), ..Generate::default() }.check().is_err());
    }
}

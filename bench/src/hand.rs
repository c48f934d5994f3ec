//! The word count as a program written for nothing else: the file in memory, a hash map a thread, one merge.

use std::path::Path;

use anyhow::Result;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

type Counts<'a> = HashMap<&'a [u8], i64, FixedState>;

/// Counts the words of the file, on `num_threads` threads; answers how many words and how many different ones.
pub fn count(file: &Path, num_threads: usize) -> Result<(i64, usize)> {
    let text = std::fs::read(file)?;
    let pieces = cut(&text, num_threads);
    let mut counts: Vec<Counts<'_>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            pieces.into_iter().map(|piece| scope.spawn(move || count_piece(piece))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut all = counts.pop().unwrap_or_default();
    for other in counts {
        for (word, count) in other {
            *all.entry(word).or_insert(0) += count;
        }
    }
    Ok((all.values().sum(), all.len()))
}

/// Pieces of about the same size that end at line ends.
fn cut(text: &[u8], num_pieces: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::with_capacity(num_pieces);
    let mut rest = text;
    for left in (1..=num_pieces).rev() {
        let about = rest.len() / left;
        let end = rest
            .get(about..)
            .and_then(|tail| memchr::memchr(b'\n', tail))
            .map_or(rest.len(), |at| about + at + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn count_piece(text: &[u8]) -> Counts<'_> {
    let mut counts = Counts::with_capacity_and_hasher(1 << 17, FixedState::default());
    for word in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

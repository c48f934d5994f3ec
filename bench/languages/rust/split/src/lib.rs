//! The word count of the benchmarks, in Rust: split, as rows.

use tidemill_plugin::{Row, flat_map};

/// A word of a line.
#[derive(Row)]
pub struct Word<'a> {
    word: &'a str,
    n: i64,
}

/// The words of a line, in order.
#[flat_map]
pub fn split_words(line: &str) -> impl Iterator<Item = Word<'_>> {
    line.split_whitespace().map(|word| Word { word, n: 1 })
}

//! The words of a line.

use tidemill_plugin::{Reject, Row, flat_map};

/// A word, in lower case.
#[derive(Debug, PartialEq, Row)]
pub struct Word {
    word: String,
}

/// The words of `line`; a line with one that is too long is refused.
#[flat_map]
pub fn split_words(line: &str) -> impl Iterator<Item = Result<Word, Reject>> {
    line.split_whitespace().map(|word| match word.chars().count() {
        ..=64 => Ok(Word { word: word.to_lowercase() }),
        length => Err(Reject::new(format!("a word has {length} characters, at most 64 are allowed"))),
    })
}

#[cfg(test)]
mod tests {
    use tidemill_plugin::testing;

    #[test]
    fn a_line_with_a_long_word_is_refused() {
        let long = format!("to {}", "e".repeat(65));
        let input = testing::Table::new().column("line", [long.as_str(), "Be"]);
        let answer = testing::transform::<super::split_words>("null", &input).unwrap();
        assert_eq!(answer.table.rows(), ["(be)"]);
        assert_eq!(answer.rejects, [(0, "a word has 65 characters, at most 64 are allowed".into())]);
    }
}

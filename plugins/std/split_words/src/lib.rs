//! Splits lines into words at Unicode white space, each with a 1 to count it by.

use tidemill_plugin::{Row, flat_map, words};

/// A word of a line.
#[derive(Row)]
pub struct Word<'a> {
    word: &'a str,
    n: i64,
}

/// The words of a line, in order.
#[flat_map]
pub fn split_words(line: &str) -> impl Iterator<Item = Word<'_>> {
    words(line).map(|word| Word { word, n: 1 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidemill_plugin::testing::{Table, transform};

    #[test]
    fn words_are_cut_at_white_space_of_any_kind() {
        let lines = [Some(" to be,\tor\r"), None, Some(""), Some("n\u{f6}t\u{2003}to")];
        let outcome = transform::<split_words>("null", &Table::new().column("line", lines)).unwrap();
        assert_eq!(outcome.table.rows(), ["(to, 1)", "(be,, 1)", "(or, 1)", "(n\u{f6}t, 1)", "(to, 1)"]);
        assert_eq!(outcome.rejects, [(1, "column `line` holds no value".into())]);
    }
}

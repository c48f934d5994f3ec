//! The numbers of one stream beside the texts of another.

use tidemill_plugin::{Row, cogroup};

/// What comes out.
#[derive(Row)]
pub struct Pair {
    sum: i64,
    text: Option<String>,
}

/// A row for each text, with the sum of the numbers; one without a text where there is none.
#[cogroup]
pub fn beside<'a>(left: impl Iterator<Item = i64>, right: impl Iterator<Item = &'a str>) -> Vec<Pair> {
    let sum = left.sum();
    let mut pairs: Vec<Pair> = right.map(|text| Pair { sum, text: Some(text.to_owned()) }).collect();
    if pairs.is_empty() {
        pairs.push(Pair { sum, text: None });
    }
    pairs
}

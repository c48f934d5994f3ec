//! Text made up by the tests, and words counted without Tidemill.

use std::collections::BTreeMap;

/// Numbers that look random and follow from a seed.
pub struct Lines(u64);

impl Lines {
    /// From `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A word; some are far more frequent than others.
    pub fn word(&mut self) -> String {
        let rank = self.below(2000) * self.below(2000) / 2000;
        format!("w{rank}")
    }

    /// A line of up to `most` words, with white space of several kinds between them.
    pub fn line(&mut self, most: u64) -> String {
        let mut line = String::new();
        for _ in 0..self.below(most + 1) {
            line.push_str(&self.word());
            line.push_str([" ", "  ", "\t", "\u{2003}"][self.below(4) as usize]);
        }
        line
    }

    /// A line as servers log requests.
    pub fn request(&mut self) -> String {
        let host = format!("10.0.{}.{}", self.below(4), self.below(250));
        let path =
            ["/", "/index.html", "/über/uns", "/api/orders?id=7", "/img/logo.png"][self.below(5) as usize];
        let (status, bytes) = ([200, 200, 304, 404, 500][self.below(5) as usize], self.below(90_000));
        format!(
            "{host} - - [05/Jan/2026:09:30:{:02} +0000] \"GET {path} HTTP/1.1\" {status} {bytes}",
            self.below(60)
        )
    }
}

/// How often each word is in `text`.
pub fn count(text: &str) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts
}

/// `counts` as rows of text, sorted: `(word, 2)`.
pub fn counted_rows(counts: &BTreeMap<String, i64>) -> Vec<String> {
    let mut rows: Vec<String> = counts.iter().map(|(word, n)| format!("({word}, {n})")).collect();
    rows.sort();
    rows
}

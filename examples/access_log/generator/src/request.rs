//! Requests as lines of a log: IP, method, path, status, time.
//!
//! Users come by Zipf's law, about; now and then a page breaks for a while, and answers 503. One line in fifty is broken,
//! in one of five ways. Everything follows from the seed.

use jiff::{Timestamp, ToSpan};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Monday, 5 January 2026, half past nine.
const OPENING: Timestamp = Timestamp::constant(1_767_605_400, 0);
const NUM_USERS: u64 = 12;
const ONE_BAD_IN: u64 = 50;
/// How many requests lie between the beginnings of two bursts of errors, and how many a burst has an effect on.
const BURST_EVERY: u64 = 500;
const BURST_LENGTH: u64 = 80;
const PATHS: [&str; 6] = ["/", "/mill", "/tide", "/wheel", "/orders", "/contact"];

/// An endless series of lines, each with its newline.
pub struct Requests {
    random: ChaCha8Rng,
    time: Timestamp,
    number: u64,
}

impl Requests {
    /// The series of this seed.
    pub fn new(seed: u64) -> Requests {
        Requests { random: ChaCha8Rng::seed_from_u64(seed), time: OPENING, number: 0 }
    }

    /// A number below `bound`; the bias is far below what an example would show.
    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn fields(&mut self) -> [String; 5] {
        // The smaller of two draws: some come far more often than others.
        let user = self.below(NUM_USERS).min(self.below(NUM_USERS));
        let page = self.below(PATHS.len() as u64).min(self.below(PATHS.len() as u64));
        let path = PATHS.get(page as usize).copied().unwrap_or("/");
        let method = if path == "/orders" { "POST" } else { "GET" };
        let query = if self.below(4) == 0 { format!("?q={}", self.below(1000)) } else { String::new() };
        let is_broken = self.number % BURST_EVERY < BURST_LENGTH && self.number > BURST_EVERY;
        let status = match self.below(200) {
            _ if is_broken && path == "/tide" => 503,
            0 => 500,
            1..10 => 404,
            10..20 => 304,
            _ => 200,
        };
        [
            format!("10.0.0.{}", user + 1),
            method.to_owned(),
            format!("{path}{query}"),
            status.to_string(),
            self.time.to_string(),
        ]
    }

    /// Breaks a line as lines get broken.
    fn broken(&mut self, [ip, method, path, status, time]: [String; 5]) -> String {
        match self.below(5) {
            0 => format!("{ip} {method} {path}"),
            1 => format!("{ip}.999 {method} {path} {status} {time}"),
            2 => format!("{ip} \u{16}\u{3}\u{1} {path} {status} {time}"),
            3 => format!("{ip} {method} {path} - {time}"),
            _ => format!("{ip} {method} {path} {status} yesterday"),
        }
    }
}

impl Iterator for Requests {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.number += 1;
        let pause = self.below(50) as i64;
        self.time += pause.milliseconds();
        let fields = self.fields();
        let line = if self.below(ONE_BAD_IN) == 0 { self.broken(fields) } else { fields.join(" ") };
        Some(line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_series() {
        let lines = |seed| Requests::new(seed).take(500).collect::<String>();
        assert_eq!(lines(1), lines(1));
        assert_ne!(lines(1), lines(2));
    }

    #[test]
    fn errors_come_in_bursts_and_most_lines_are_whole() {
        let lines: Vec<String> = Requests::new(1).take(1000).collect();
        let whole = lines.iter().filter(|line| line.split(' ').count() == 5).count();
        assert!((980..1000).contains(&whole), "{whole} of 1000 have all fields");
        let errors = |lines: &[String]| lines.iter().filter(|line| line.contains(" 503 ")).count();
        assert!(errors(&lines[500..580]) >= 5);
        assert_eq!(errors(&lines[..500]) + errors(&lines[580..]), 0);
    }
}

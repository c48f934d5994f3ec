//! Orders as lines of CSV: time, order id, client id, symbol, amount, price, B or S.
//!
//! One line in a hundred is broken, in one of five ways, as lines from outside are. Everything follows
//! from the seed.

use jiff::{Timestamp, ToSpan};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Monday, 5 January 2026, half past nine.
const OPENING: Timestamp = Timestamp::constant(1_767_605_400, 0);
const NUM_CLIENTS: u64 = 100;
const ONE_BAD_IN: u64 = 100;

/// Symbols of companies that do not exist, and about what their shares cost, in cents.
const SYMBOLS: [(&str, u64); 8] = [
    ("EBB", 1_250),
    ("FLOW", 8_990),
    ("GATE", 430),
    ("GRIST", 20_075),
    ("MILL", 5_510),
    ("POND", 2_999),
    ("SLUICE", 760),
    ("WHEEL", 14_140),
];

/// An endless series of lines, each with its newline.
pub struct Orders {
    random: ChaCha8Rng,
    time: Timestamp,
    order: u64,
}

impl Orders {
    /// The series of this seed.
    pub fn new(seed: u64) -> Orders {
        Orders { random: ChaCha8Rng::seed_from_u64(seed), time: OPENING, order: 0 }
    }

    /// A number below `bound`; the bias is far below what an example would show.
    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn fields(&mut self) -> [String; 7] {
        let (symbol, usual_cents) = SYMBOLS[self.below(SYMBOLS.len() as u64) as usize];
        let cents = usual_cents * (950 + self.below(101)) / 1000;
        // The smaller of two draws: some clients trade much more than others.
        let client = self.below(NUM_CLIENTS).min(self.below(NUM_CLIENTS));
        let side = if self.below(2) == 0 { "B" } else { "S" };
        [
            self.time.to_string(),
            self.order.to_string(),
            (client + 1).to_string(),
            symbol.to_owned(),
            (10 * (1 + self.below(100))).to_string(),
            format!("{}.{:02}", cents / 100, cents % 100),
            side.to_owned(),
        ]
    }

    /// Breaks a line as lines get broken.
    fn broken(&mut self, [time, order, client, symbol, amount, price, side]: [String; 7]) -> String {
        match self.below(5) {
            0 => format!("{time},{order},{client},{symbol}"),
            1 => format!("yesterday,{order},{client},{symbol},{amount},{price},{side}"),
            2 => format!("{time},{order},{client},{symbol},many,{price},{side}"),
            3 => format!("{time},{order},{client},{symbol},-{amount},{price},{side}"),
            _ => format!("{time},{order},{client},{symbol},{amount},{price},H"),
        }
    }
}

impl Iterator for Orders {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.order += 1;
        let pause = self.below(2) as i64;
        self.time += pause.seconds();
        let fields = self.fields();
        let line = if self.below(ONE_BAD_IN) == 0 { self.broken(fields) } else { fields.join(",") };
        Some(line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_series() {
        let lines = |seed| Orders::new(seed).take(500).collect::<String>();
        assert_eq!(lines(1), lines(1));
        assert_ne!(lines(1), lines(2));
    }

    #[test]
    fn most_lines_are_orders() {
        let whole = |line: &String| {
            let fields: Vec<_> = line.trim_end().split(',').collect();
            fields.len() == 7 && fields[4].parse().is_ok_and(|amount: i64| amount > 0)
        };
        let good = Orders::new(1).take(10_000).filter(whole).count();
        assert!((9_900..10_000).contains(&good), "{good} of 10,000 are whole");
    }
}

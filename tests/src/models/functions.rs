//! The rows of the graphs, and the functions that engine and model apply to them.
//!
//! A row is a key, which may be missing, and a number. What an operator puts out in other columns is folded to a number
//! again, so that any operator can stand behind any other.

/// A key, which stands in a column of texts.
pub type Key = Option<u32>;

/// A row of any stream.
pub type Row = (Key, i64);

/// A value of a row beside its key, as operators put them out.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Int(Option<i64>),
    Float(f64),
    List(Vec<i64>),
}

/// Numbers stay below it, so that no sum is ever too large.
const MODULUS: i64 = 1_000_003;

/// Makes one number of `values`; a lone int64 below the modulus stays itself. `in_order` says whether the order within
/// lists counts.
pub fn fold(values: &[Value], in_order: bool) -> i64 {
    values.iter().fold(0, |folded, value| {
        let number = match value {
            Value::Int(Some(number)) => *number,
            Value::Int(None) => 77_777,
            Value::Float(number) => (number.to_bits() % MODULUS as u64) as i64,
            Value::List(list) => {
                let mut list = list.clone();
                if !in_order {
                    list.sort_unstable();
                }
                list.iter().fold(list.len() as i64, |folded, number| (folded * 31 + number) % MODULUS)
            }
        };
        (folded * 31 + number) % MODULUS
    })
}

/// A key as text; texts differ in length.
pub fn key_text(key: u32) -> String {
    "k".repeat(key as usize % 4) + &key.to_string()
}

/// The key that `text` says.
pub fn key_of(text: &str) -> u32 {
    text.trim_start_matches('k').parse().unwrap()
}

/// A function that makes any number of rows from a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// Adds one.
    AddOne,
    /// None, one or two rows.
    Repeat,
    /// The number says the key.
    Rekey(u32),
    /// Some rows lose their key.
    DropKeys,
}

impl Map {
    /// The rows that become of one.
    pub fn apply(self, (key, number): Row) -> Vec<Row> {
        match self {
            Self::AddOne => vec![(key, number + 1)],
            Self::Repeat => (0..number.rem_euclid(3)).map(|i| (key, number + i)).collect(),
            Self::Rekey(num) => vec![(Some(number.rem_euclid(i64::from(num)) as u32), number)],
            Self::DropKeys => vec![(key.filter(|_| number % 5 != 0), number)],
        }
    }

    /// Whether rows keep their keys.
    pub fn keeps_keys(self) -> bool {
        matches!(self, Self::AddOne | Self::Repeat)
    }
}

/// Which numbers a filter lets through.
pub fn passes(number: i64) -> bool {
    number % 3 != 0
}

/// How rows with one key become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// `sum` that ships, which has an inverse.
    Sum,
    /// The same as a function of the program.
    NativeSum,
    Max,
    Min,
    First,
    Last,
}

impl Reduction {
    /// What becomes of `numbers`, of which there are some.
    pub fn apply(self, numbers: &[i64]) -> i64 {
        match self {
            Self::Sum | Self::NativeSum => numbers.iter().sum(),
            Self::Max => *numbers.iter().max().unwrap(),
            Self::Min => *numbers.iter().min().unwrap(),
            Self::First => numbers[0],
            Self::Last => numbers[numbers.len() - 1],
        }
    }

    /// Whether it has an inverse.
    pub fn has_inverse(self) -> bool {
        matches!(self, Self::Sum | Self::NativeSum)
    }

    /// Whether it matters which number came first.
    pub fn needs_order(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}

/// The state of a key after a batch with `numbers`, as the updater of the program says: it grows by one where nothing
/// came, and is dropped where it is a multiple of seven.
pub fn drift(state: Option<i64>, numbers: &[i64]) -> Option<i64> {
    let state = state.unwrap_or(0) + if numbers.is_empty() { 1 } else { numbers.iter().sum() };
    Some(state).filter(|state| state % 7 != 0)
}

/// What comes out for a key whose state has timed out.
pub fn timed_out(state: i64) -> i64 {
    state % MODULUS + 500_000
}

/// What is told of all rows of a key in two streams.
pub fn settle(left: &[i64], right: &[i64]) -> Vec<i64> {
    let difference = left.iter().sum::<i64>() - right.iter().sum::<i64>();
    let mut told = vec![difference % MODULUS];
    if left.len() > right.len() {
        told.push(right.len() as i64);
    }
    told
}

/// A whole batch, the number `batch` of the run: rows are put in order and numbered.
pub fn number_rows(batch: i64, mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_unstable();
    rows.into_iter().zip(batch..).map(|((key, number), i)| (key, (number + i) % MODULUS)).collect()
}

/// Two whole batches: how many rows of the second have the key of each of the first.
pub fn mark_rows(rows: Vec<Row>, others: &[Row]) -> Vec<Row> {
    let mut counts = std::collections::HashMap::<Key, i64>::new();
    others.iter().for_each(|(key, _)| *counts.entry(*key).or_default() += 1);
    let mut rows = rows;
    rows.sort_unstable();
    rows.into_iter().map(|(key, number)| (key, number + counts.get(&key).unwrap_or(&0))).collect()
}

//! Answers, for each line, whatever a guest could tell calls, instances and workers apart by.
//!
//! Clocks, environment, random numbers, the bits of floats, and the order of hash maps that are seeded as runtimes
//! seed them: once an instance, when first needed, and counted up from there. The config says whether the seeds
//! are drawn when the plugin opens, as Go's runtime does, or in a call, as Rust's does. A line `sleep` sleeps for
//! an hour, and one that begins with `say ` is said in all the ways there are.

mod wasi;

use std::cell::{Cell, LazyCell};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, Hash};
use std::hint::black_box;

use serde::{Deserialize, Deserializer};
use tidemill_plugin::{Level, Row, config, count, log, map};
use wasi::wasi::cli::environment::{get_arguments, get_environment};
use wasi::wasi::clocks::{monotonic_clock, wall_clock};
use wasi::wasi::random::insecure::get_insecure_random_u64;
use wasi::wasi::random::insecure_seed::insecure_seed;
use wasi::wasi::random::random::{get_random_bytes, get_random_u64};

/// When the seeds of hash maps are drawn.
#[config]
pub struct Config {
    #[serde(deserialize_with = "drawn")]
    draws: String,
}

/// What was found out for a line.
#[derive(Row)]
pub struct Told {
    told: String,
}

const HOUR_NANOS: u64 = 3_600_000_000_000;

thread_local! {
    /// As the standard library keeps its keys: counted up for each map.
    static KEYS: LazyCell<Cell<(u64, u64)>> = LazyCell::new(|| Cell::new(insecure_seed()));
    /// As crates for hashing keep theirs: one for all maps.
    static SEED: LazyCell<u64> = LazyCell::new(get_random_u64);
}

fn drawn<'de, D: Deserializer<'de>>(config: D) -> Result<String, D::Error> {
    let at = String::deserialize(config)?;
    if at == "at open" {
        KEYS.with(|keys| keys.get());
        SEED.with(|seed| **seed);
    }
    Ok(at)
}

/// Tells all there is to tell, beside `line`.
#[map]
pub fn uncertain(line: &str, config: &Config) -> Told {
    count("lines", 1);
    count("no name", 1);
    if line == "sleep" {
        monotonic_clock::subscribe_duration(HOUR_NANOS).block();
    }
    if let Some(words) = line.strip_prefix("say ") {
        log(Level::Warn, words);
    }
    let words = || line.split(' ').chain(["a", "b", "c", "d", "e", "f", "g"]);
    let maps = match config.draws.as_str() {
        "never" => String::new(),
        _ => format!("{} {}", order(words(), Counted::new()), order(words(), Once)),
    };
    let draws = match config.draws.as_str() {
        "never" => String::new(),
        _ => format!("{} {} {:?}", get_random_u64(), get_insecure_random_u64(), get_random_bytes(3)),
    };
    let wall = wall_clock::now();
    let told = format!(
        "{line} | {}.{} {} | {} {} | {draws} | {maps} | {}",
        wall.seconds,
        wall.nanoseconds,
        monotonic_clock::now(),
        get_environment().len(),
        get_arguments().len(),
        floats(line)
    );
    Told { told }
}

/// The bits of what is not a number, made in two ways, and of a sum.
fn floats(line: &str) -> String {
    let (zero, nothing) = (black_box(0.0_f64), black_box(0.0_f64));
    let odd = black_box(f64::from_bits(0xfff8_0000_dead_beef)) + zero;
    let sum: f64 = line.bytes().map(|byte| f64::from(byte) / 10.0).sum();
    format!("{:x} {:x} {:x}", (zero / nothing).to_bits(), odd.to_bits(), sum.to_bits())
}

/// `words` in the order of a map with hashes of `hashes`.
fn order<'a>(words: impl Iterator<Item = &'a str>, hashes: impl BuildHasher) -> String {
    let mut map = HashMap::with_hasher(hashes);
    words.for_each(|word| *map.entry(word).or_insert(0) += 1);
    map.into_keys().collect::<Vec<_>>().join(" ")
}

/// Hashes as `std::hash::RandomState` makes them where WASI is there.
struct Counted(u64, u64);

impl Counted {
    fn new() -> Self {
        KEYS.with(|keys| {
            let (first, second) = keys.get();
            keys.set((first.wrapping_add(1), second));
            Self(first, second)
        })
    }
}

impl BuildHasher for Counted {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        seeded((self.0, self.1))
    }
}

/// Hashes with one seed an instance.
struct Once;

impl BuildHasher for Once {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        SEED.with(|seed| seeded(**seed))
    }
}

fn seeded(seed: impl Hash) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    hasher
}

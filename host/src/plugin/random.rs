//! Random numbers of WASI that follow from what a call is about, and the wear that drawing them leaves.
//!
//! What runtimes do with what they draw stays in their memory: a hash map's seed, the state of a generator. So that
//! it doesn't matter which calls an instance had before, one that drew in a call makes no other call, and
//! one that drew before its first call serves one partition of one batch.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::caller::Caller;
use super::guest::{Call, Guest};

/// The most bytes that can be drawn at a time: the host makes them, and no deadline ends that.
const MAX_BYTES: u64 = 16 << 20;

/// The random numbers of one instance. All kinds that WASI has are drawn from one sequence.
pub(super) struct Random {
    numbers: ChaCha8Rng,
    /// What hash maps are seeded with: a constant of the operator.
    seed: (u64, u64),
    phase: Phase,
    drew_at_start: bool,
    drew_in_call: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    Call,
}

impl Random {
    /// For an instance that starts and opens; what it draws then follows from the operator alone.
    pub(super) fn new(caller: &Caller) -> Self {
        let mut seeds = ChaCha8Rng::from_seed(seed(caller, "hash maps", None));
        Self {
            numbers: ChaCha8Rng::from_seed(seed(caller, "start", None)),
            seed: (seeds.next_u64(), seeds.next_u64()),
            phase: Phase::Start,
            drew_at_start: false,
            drew_in_call: false,
        }
    }

    /// A call begins, the `number`th about the same.
    pub(super) fn begin(&mut self, caller: &Caller, call: &Call, number: u64) {
        self.phase = Phase::Call;
        self.numbers = ChaCha8Rng::from_seed(seed(caller, "call", Some((call, number))));
    }

    /// Whether what was drawn before the first call binds the instance to what that call is about.
    pub(super) fn binds_to_partition(&self) -> bool {
        self.drew_at_start
    }

    /// Whether what was drawn in a call makes it the last.
    pub(super) fn is_spent(&self) -> bool {
        self.drew_in_call && !self.drew_at_start
    }

    fn draw(&mut self) -> &mut ChaCha8Rng {
        match self.phase {
            Phase::Start => self.drew_at_start = true,
            Phase::Call => self.drew_in_call = true,
        }
        &mut self.numbers
    }

    fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_BYTES {
            return Err(wasmtime::Error::msg(format!(
                "{len} random bytes at once are too many; draw {MAX_BYTES} or fewer"
            )));
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.draw().fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

fn seed(caller: &Caller, purpose: &str, call: Option<(&Call, u64)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tidemill 2026 random numbers of a plugin");
    for text in [&*caller.pipeline, &*caller.stream, purpose] {
        // With its length, so that no two lists of texts are the same bytes.
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    if let Some((call, number)) = call {
        hasher.update(&call.time.millis().to_le_bytes());
        hasher.update(&(call.partition as u64).to_le_bytes());
        hasher.update(&number.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.draw().next_u64())
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.draw().next_u64())
    }
}

impl insecure_seed::Host for Guest {
    /// A constant; but what asks for it has begun to count maps or the like, so that asking is drawing.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        self.random.draw();
        Ok(self.random.seed)
    }
}

/// Numbers the calls of one opened plugin that are about the same, so that each draws other random numbers.
///
/// Only calls that went well count: one that is made again after a failure draws what it drew before.
#[derive(Debug, Default)]
pub(super) struct CallNumbers {
    about: Option<Call>,
    number: u64,
}

impl CallNumbers {
    /// The number of the next call, which is about `call`.
    pub(super) fn next(&mut self, call: &Call) -> u64 {
        if self.about != Some(*call) {
            *self = Self { about: Some(*call), number: 0 };
        }
        self.number
    }

    /// That call went well.
    pub(super) fn done(&mut self) {
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::Callers;
    use super::super::limits::{Limits, LimitsSpec};
    use super::*;
    use crate::metrics::Metrics;
    use crate::record::BatchTime;

    fn limits() -> Limits {
        Limits::new(&LimitsSpec::default(), 0).unwrap()
    }

    fn call(millis: i64, partition: usize) -> Call {
        Call { time: BatchTime::from_millis(millis), partition }
    }

    fn first(pipeline: &str, stream: &str, call: &Call, number: u64) -> u64 {
        let caller = Callers::new("plugin", &Metrics::new(pipeline), &limits()).get(stream);
        let mut random = Random::new(&caller);
        random.begin(&caller, call, number);
        random.draw().next_u64()
    }

    #[test]
    fn numbers_follow_from_pipeline_operator_batch_partition_and_call() {
        let of = first("p", "words", &call(1000, 0), 0);
        assert_eq!(of, first("p", "words", &call(1000, 0), 0));
        for other in [
            first("q", "words", &call(1000, 0), 0),
            first("p", "more", &call(1000, 0), 0),
            first("pw", "ords", &call(1000, 0), 0),
            first("p", "words", &call(2000, 0), 0),
            first("p", "words", &call(1000, 1), 0),
            first("p", "words", &call(1000, 0), 1),
        ] {
            assert_ne!(of, other);
        }
    }

    #[test]
    fn an_instance_that_drew_in_a_call_is_spent_and_one_that_drew_before_is_bound() {
        let caller = Callers::new("plugin", &Metrics::new("p"), &limits()).get("words");
        let mut random = Random::new(&caller);
        random.begin(&caller, &call(0, 0), 0);
        assert!(!random.is_spent() && !random.binds_to_partition());
        random.draw();
        assert!(random.is_spent() && !random.binds_to_partition());

        let mut random = Random::new(&caller);
        random.draw();
        random.begin(&caller, &call(0, 0), 0);
        random.draw();
        assert!(!random.is_spent() && random.binds_to_partition());
    }

    #[test]
    fn calls_are_numbered_for_each_partition_and_failed_ones_keep_their_number() {
        let mut numbers = CallNumbers::default();
        assert_eq!(numbers.next(&call(0, 0)), 0);
        assert_eq!(numbers.next(&call(0, 0)), 0);
        numbers.done();
        assert_eq!(numbers.next(&call(0, 0)), 1);
        numbers.done();
        assert_eq!(numbers.next(&call(0, 1)), 0);
    }
}

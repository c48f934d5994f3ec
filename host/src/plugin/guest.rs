//! What the host keeps beside an instance: what it may use, whom it speaks for, and the tame clock and random
//! numbers that make a call a function of its arguments.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Infallible, Rng, SeedableRng, TryRng};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::bindings::host;
use super::limiter::Limiter;
use super::limits::Limits;
use super::voice::{Level, Voice};
use crate::record::BatchTime;

/// What a call is about, beside its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The time of the batch.
    pub time: BatchTime,
    /// The index of the partition.
    pub partition: usize,
}

/// The host's side of one instance.
pub(super) struct Guest {
    pub(super) limiter: Limiter,
    pub(super) voice: Voice,
    clock: Arc<AtomicI64>,
    random: SharedRandom,
    about: Option<Call>,
    wasi: WasiCtx,
    resources: ResourceTable,
}

impl Guest {
    /// For an instance of `plugin` that works for the stream `stream`.
    pub(super) fn new(plugin: &str, stream: &str, limits: &Limits) -> Self {
        let voice = Voice::new(plugin, stream, limits);
        let clock = Arc::new(AtomicI64::new(0));
        let random = SharedRandom::new(seed(stream, None));
        let wasi = WasiCtxBuilder::new()
            .stdout(voice.line_writer(Level::Info))
            .stderr(voice.line_writer(Level::Warn))
            .wall_clock(BatchClock(Arc::clone(&clock)))
            .monotonic_clock(BatchClock(Arc::clone(&clock)))
            .secure_random(random.clone())
            .insecure_random(random.clone())
            .insecure_random_seed(u128::from(random.clone().next_u64()))
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self {
            limiter: Limiter::new(limits),
            voice,
            clock,
            random,
            about: None,
            wasi,
            resources: ResourceTable::new(),
        }
    }

    /// Sets clock and random numbers for a call. Those of a partition's first call are the same
    /// whichever instance makes it.
    pub(super) fn begin(&mut self, call: &Call) {
        self.voice.begin();
        self.limiter.refused = None;
        if self.about != Some(*call) {
            self.about = Some(*call);
            self.clock.store(call.time.micros(), Ordering::Relaxed);
            self.random.reseed(seed(self.voice.stream(), Some(call)));
        }
    }
}

fn seed(stream: &str, call: Option<&Call>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tidemill 2026 random numbers of a plugin call");
    hasher.update(stream.as_bytes());
    if let Some(call) = call {
        hasher.update(&call.time.millis().to_le_bytes());
        hasher.update(&call.partition.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl super::bindings::types::Host for Guest {}

impl host::Host for Guest {
    fn log(&mut self, level: host::Level, message: String) {
        let level = match level {
            host::Level::Trace => Level::Trace,
            host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn => Level::Warn,
            host::Level::Error => Level::Error,
        };
        self.voice.say(level, &message);
    }

    fn count(&mut self, name: String, delta: u64) {
        self.voice.count(&name, delta);
    }
}

/// Clocks that stand at the batch's time.
struct BatchClock(Arc<AtomicI64>);

impl BatchClock {
    fn since_epoch(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

impl HostWallClock for BatchClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.since_epoch()
    }
}

impl HostMonotonicClock for BatchClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since_epoch().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Random numbers that WASI's several sources of them draw from one after the other.
#[derive(Clone)]
struct SharedRandom(Arc<Mutex<ChaCha8Rng>>);

impl SharedRandom {
    fn new(seed: [u8; 32]) -> Self {
        Self(Arc::new(Mutex::new(ChaCha8Rng::from_seed(seed))))
    }

    fn reseed(&self, seed: [u8; 32]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ChaCha8Rng::from_seed(seed);
    }
}

impl TryRng for SharedRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
        Ok(())
    }
}

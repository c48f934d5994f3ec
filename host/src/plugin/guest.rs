//! What the host keeps beside an instance: what it may use, whom it works for, and the tame clock and random
//! numbers that make a call a function of its arguments.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::bindings::host;
use super::caller::Caller;
use super::random::Random;
use super::tally::Tally;
use super::voice::{Level, Voice};
use crate::record::{BatchTime, Bytes};

/// The most table elements of an instance, over all its tables.
const MAX_TABLE_ELEMENTS: usize = 1_000_000;

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
    pub(super) random: Random,
    pub(super) resources: ResourceTable,
    caller: Arc<Caller>,
    tally: Tally,
    about: Option<Call>,
    wasi: WasiCtx,
}

impl Guest {
    /// For an instance that works for `caller`.
    pub(super) fn new(caller: Arc<Caller>, memory: Bytes) -> Self {
        let voice = Voice::new(Arc::clone(&caller));
        // Clocks and random numbers are our own; see `Engine`.
        let wasi = WasiCtxBuilder::new()
            .stdout(voice.line_writer(Level::INFO))
            .stderr(voice.line_writer(Level::WARN))
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self {
            limiter: Limiter { limit: memory.as_usize(), ..Limiter::default() },
            voice,
            random: Random::new(&caller),
            resources: ResourceTable::new(),
            caller,
            tally: Tally::default(),
            about: None,
            wasi,
        }
    }

    /// Sets clock and random numbers for call number `number` of those that are about `call`.
    pub(super) fn begin(&mut self, call: &Call, number: u64) {
        self.about = Some(*call);
        self.voice.begin(call.time);
        self.tally.clear();
        self.random.begin(&self.caller, call, number);
    }

    /// The call went well, so what it counted counts.
    pub(super) fn commit(&mut self) {
        self.tally.add_to(self.caller.metrics.counters());
    }

    /// What the last call was about; none where there was none yet.
    pub(super) fn about(&self) -> Option<Call> {
        self.about
    }
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
            host::Level::Trace => Level::TRACE,
            host::Level::Debug => Level::DEBUG,
            host::Level::Info => Level::INFO,
            host::Level::Warn => Level::WARN,
            host::Level::Error => Level::ERROR,
        };
        self.voice.say(level, &message);
    }

    fn count(&mut self, name: String, delta: u64) {
        self.tally.count(&name, delta);
    }
}

/// Refuses memory and tables beyond the limit, and remembers that it did.
#[derive(Default)]
pub(super) struct Limiter {
    limit: usize,
    memory: usize,
    table_elements: usize,
    pub(super) refused: bool,
}

impl Limiter {
    /// Whether so much of the limit is in use that the instance should make way for a new one.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.memory > self.limit / 4 * 3
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.memory = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > MAX_TABLE_ELEMENTS {
            self.refused = true;
            return Ok(false);
        }
        self.table_elements = wanted;
        Ok(true)
    }
}

//! What the host keeps beside an instance: what it may use, whom it works for, and the tame clock and random
//! numbers that make a call a function of its arguments.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::bindings::host;
use super::caller::Caller;
use super::limiter::Limiter;
use super::limits::Limits;
use super::random::Random;
use super::tally::Tally;
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
    pub(super) random: Random,
    pub(super) resources: ResourceTable,
    caller: Arc<Caller>,
    tally: Tally,
    about: Option<Call>,
    wasi: WasiCtx,
}

impl Guest {
    /// For an instance that works for `caller`.
    pub(super) fn new(caller: Arc<Caller>, limits: &Limits) -> Self {
        let voice = Voice::new(Arc::clone(&caller));
        // Clocks and random numbers are our own; see `Engine`.
        let wasi = WasiCtxBuilder::new()
            .stdout(voice.line_writer(Level::INFO))
            .stderr(voice.line_writer(Level::WARN))
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        Self {
            limiter: Limiter::new(limits),
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
        self.limiter.refused = None;
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

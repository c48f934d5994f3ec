//! One live instance: a store with its limits and deadlines, and calls whose failures are told apart.

use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use super::engine::{TICK, WASM_STACK};
use super::error::{Limit, PluginFailure};
use super::guest::{Call, Guest};
use super::limits::Limits;
use super::load::Loaded;
use super::voice::one_line;

/// A store and the exported interface `I` of the component in it.
pub(super) struct Instance<I> {
    pub(super) store: Store<Guest>,
    pub(super) exports: I,
}

impl<I> Instance<I> {
    /// Instantiates `plugin` for the stream `stream`; `find` looks up its exports.
    pub(super) fn new(
        plugin: &Loaded,
        stream: &str,
        find: impl FnOnce(&mut Store<Guest>, &wasmtime::component::Instance) -> wasmtime::Result<I>,
    ) -> Result<Self, PluginFailure> {
        let caller = plugin.callers.get(stream);
        caller.metrics.instance();
        let guest = Guest::new(caller, &plugin.limits);
        let mut store = Store::new(plugin.engine.wasm(), guest);
        store.limiter(|guest| &mut guest.limiter);
        // Counts what the host allocates for a guest's answer while it lifts it: lists may overlap in the guest.
        store.set_hostcall_fuel(plugin.limits.output.as_usize());
        store.set_epoch_deadline(ticks(plugin.limits.open_time));
        let made = plugin.code.instantiate(&mut store).and_then(|instance| find(&mut store, &instance));
        match made {
            Ok(exports) => Ok(Self { store, exports }),
            Err(error) => Err(explain(&store, plugin, Limit::OpenTime(plugin.limits.open_time), &error)),
        }
    }

    /// Calls `open`, or whatever else a new instance is asked first.
    pub(super) fn open<T>(
        &mut self,
        plugin: &Loaded,
        act: impl FnOnce(&mut Store<Guest>, &I) -> wasmtime::Result<Result<T, String>>,
    ) -> Result<T, PluginFailure> {
        let limit = plugin.limits.open_time;
        self.store.set_epoch_deadline(ticks(limit));
        match act(&mut self.store, &self.exports) {
            Ok(answer) => {
                self.store.data_mut().commit();
                answer.map_err(|reason| PluginFailure::Refused(bounded(&reason)))
            }
            Err(error) => Err(explain(&self.store, plugin, Limit::OpenTime(limit), &error)),
        }
    }

    /// Makes one call of the data path, the `number`th of those that are about `about`.
    pub(super) fn call<T>(
        &mut self,
        plugin: &Loaded,
        about: &Call,
        number: u64,
        act: impl FnOnce(&mut Store<Guest>, &I) -> wasmtime::Result<Result<T, String>>,
    ) -> Result<T, PluginFailure> {
        let limit = plugin.limits.time;
        self.store.data_mut().begin(about, number);
        self.store.set_epoch_deadline(ticks(limit));
        match act(&mut self.store, &self.exports) {
            Ok(Ok(answer)) => {
                self.store.data_mut().commit();
                Ok(answer)
            }
            Ok(Err(reason)) => Err(PluginFailure::Failed(bounded(&reason))),
            Err(error) => Err(explain(&self.store, plugin, Limit::Time(limit), &error)),
        }
    }

    /// Whether it should make way for a new one: some languages' runtimes leak, and what it drew at random stays.
    pub(super) fn is_worn(&self) -> bool {
        let guest = self.store.data();
        guest.limiter.is_nearly_full() || guest.random.is_spent()
    }

    /// Whether it may make a call that is about `call`; `reuse` where it may serve several partitions.
    pub(super) fn serves(&self, call: &Call, reuse: bool) -> bool {
        let guest = self.store.data();
        (reuse && !guest.random.binds_to_partition()) || guest.about().is_none_or(|about| about == *call)
    }
}

/// Ticks until a deadline; one more, because the current tick has begun already.
fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX).saturating_add(1)
}

fn explain(store: &Store<Guest>, plugin: &Loaded, time: Limit, error: &wasmtime::Error) -> PluginFailure {
    let guest = store.data();
    let trap = error.downcast_ref::<Trap>();
    match trap {
        Some(Trap::Interrupt) => return PluginFailure::Limit(time),
        Some(Trap::StackOverflow) => return PluginFailure::Limit(Limit::Stack(WASM_STACK)),
        _ => {}
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return PluginFailure::Host(format!(
            "there is no room for another instance, {full}; use fewer workers, or fewer streams with plugins"
        ));
    }
    let cause = trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    if let Some(limit) = guest.limiter.refused.or_else(|| limit_of(&cause, &plugin.limits)) {
        return PluginFailure::Limit(limit);
    }
    let text = match guest.voice.last_words() {
        Some(words) => format!("{cause} ({words})"),
        None => cause,
    };
    PluginFailure::Trapped(bounded(&text))
}

/// The limit that one of wasmtime's errors is about. These have no types of their own; tests reach each.
fn limit_of(cause: &str, limits: &Limits) -> Option<Limit> {
    if cause.starts_with("too much data is being copied between the host and the guest") {
        return Some(Limit::Output(limits.output));
    }
    let what = cause.strip_prefix("resource limit exceeded: ")?;
    match what.split(' ').next()? {
        "instance" => Some(Limit::Instances(limits.instances)),
        "memory" => Some(Limit::Memories(limits.memories)),
        "table" => Some(Limit::Tables(limits.tables)),
        _ => None,
    }
}

/// The longest text of a guest's that goes into an error or a dead letter.
const TEXT_BYTES: usize = 2048;

/// A guest's text as one line, cut where it is long.
pub(super) fn bounded(text: &str) -> String {
    let text = &*one_line(text);
    match text.get(..text.floor_char_boundary(TEXT_BYTES)) {
        Some(kept) if kept.len() < text.len() => format!("{kept}…"),
        _ => text.to_owned(),
    }
}

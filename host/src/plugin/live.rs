//! A plugin opened for one worker: its live instance is kept from call to call, and made anew where it is gone.
//!
//! Batches of Arrow columns go in, and the call gets them as the contract has them; out comes what the guest
//! answered, checked. Only an instance that did well makes another call.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::types::BatchParam;
use super::convert::{self, Lent};
use super::error::{Limit, PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::Instance;
use super::interface::Interface;
use super::limits::Limits;
use super::load::Loaded;
use super::random::CallNumbers;
use crate::record::Bytes;

/// How an interface of the contract is found in a component and opened.
pub(super) trait Contract: Send {
    /// Which one.
    const INTERFACE: Interface;
    /// Its functions in an instance.
    type Exports: Send;
    /// What its `open` answers, checked.
    type Plan: PartialEq + Send;

    /// Finds its functions in the code, to load them from instances.
    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Self::Exports>>;

    /// Opens a new instance, and checks what it answers.
    fn open(
        &self,
        plugin: &Loaded,
        instance: &mut Instance<Self::Exports>,
    ) -> Result<Self::Plan, PluginFailure>;
}

/// Loads the functions of an interface from an instance.
pub(super) trait Load<E>: FnOnce(&mut Store<Guest>, &Linked) -> wasmtime::Result<E> {}

impl<E, F: FnOnce(&mut Store<Guest>, &Linked) -> wasmtime::Result<E>> Load<E> for F {}

/// Rows that a call is given.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    /// Their columns.
    pub(super) columns: &'a [ArrayRef],
    /// How many they are.
    pub(super) num_rows: usize,
}

impl<'a> From<&'a RecordBatch> for Rows<'a> {
    fn from(batch: &'a RecordBatch) -> Self {
        Self { columns: batch.columns(), num_rows: batch.num_rows() }
    }
}

/// A plugin opened for one worker as what `C` says.
pub(super) struct Live<C: Contract> {
    plugin: Arc<Loaded>,
    stream: String,
    contract: C,
    plan: C::Plan,
    instance: Option<Instance<C::Exports>>,
    numbers: CallNumbers,
}

impl<C: Contract> Live<C> {
    /// Opens `plugin` for the stream `stream`. The error is also that it doesn't export the interface.
    pub(super) fn open(plugin: &Arc<Loaded>, stream: &str, contract: C) -> Result<Self, PluginError> {
        let begun = plugin.offers(C::INTERFACE).and_then(|()| begin(plugin, stream, &contract));
        let (instance, plan) = begun.map_err(|failure| plugin.error(stream, failure))?;
        let (plugin, stream) = (Arc::clone(plugin), stream.to_owned());
        let numbers = CallNumbers::default();
        Ok(Self { plugin, stream, contract, plan, instance: Some(instance), numbers })
    }

    pub(super) fn contract(&self) -> &C {
        &self.contract
    }

    pub(super) fn plan(&self) -> &C::Plan {
        &self.plan
    }

    pub(super) fn max_input(&self) -> Bytes {
        self.plugin.limits.input
    }

    /// Makes the next call run on a new instance.
    pub(super) fn renew(&mut self) {
        self.instance = None;
    }

    /// Makes one call: `act` gets `rows` as the contract has them, and `check` what the guest answered.
    pub(super) fn call<const N: usize, A, T>(
        &mut self,
        call: &Call,
        rows: [Rows<'_>; N],
        act: impl FnOnce(
            &mut Store<Guest>,
            &C::Exports,
            [BatchParam<'_>; N],
        ) -> wasmtime::Result<Result<A, String>>,
        check: impl FnOnce(A, &C::Plan, &Limits) -> Result<T, PluginFailure>,
    ) -> Result<T, PluginError> {
        self.try_call(call, rows, act, check).map_err(|failure| self.plugin.error(&self.stream, failure))
    }

    fn try_call<const N: usize, A, T>(
        &mut self,
        call: &Call,
        rows: [Rows<'_>; N],
        act: impl FnOnce(
            &mut Store<Guest>,
            &C::Exports,
            [BatchParam<'_>; N],
        ) -> wasmtime::Result<Result<A, String>>,
        check: impl FnOnce(A, &C::Plan, &Limits) -> Result<T, PluginFailure>,
    ) -> Result<T, PluginFailure> {
        let limits = &self.plugin.limits;
        let num_bytes =
            rows.iter().map(|rows| convert::call_bytes(rows.columns)).fold(0, u64::saturating_add);
        if num_bytes > limits.input.0 {
            return Err(PluginFailure::Limit(Limit::Input(limits.input)));
        }
        let lent = rows.iter().map(|rows| convert::lend(rows.columns)).collect::<Result<Vec<_>, _>>()?;
        let mut lent = lent.iter();
        let params = rows.map(|rows| {
            let columns = lent.next().into_iter().flatten().map(Lent::column).collect::<Vec<_>>();
            (columns, rows.num_rows)
        });
        let batches = params.each_ref().map(|(columns, num_rows)| convert::batch(columns, *num_rows));
        let mut instance = self.take_instance(call)?;
        let number = self.numbers.next(call);
        let answer =
            instance.call(&self.plugin, call, number, |store, exports| act(store, exports, batches))?;
        let checked = check(answer, &self.plan, &self.plugin.limits)?;
        self.numbers.done();
        self.instance = Some(instance).filter(|instance| !instance.is_worn());
        Ok(checked)
    }

    /// The live instance where it serves, or a new one, which must answer the plan that the first one did.
    fn take_instance(&mut self, call: &Call) -> Result<Instance<C::Exports>, PluginFailure> {
        if let Some(instance) =
            self.instance.take().filter(|instance| instance.serves(call, self.plugin.reuse))
        {
            return Ok(instance);
        }
        let (instance, plan) = begin(&self.plugin, &self.stream, &self.contract)?;
        if plan != self.plan {
            let problem = "open answered another plan than the first time";
            return Err(PluginFailure::InvalidAnswer(problem.to_owned()));
        }
        Ok(instance)
    }
}

fn begin<C: Contract>(
    plugin: &Loaded,
    stream: &str,
    contract: &C,
) -> Result<(Instance<C::Exports>, C::Plan), PluginFailure> {
    let load = C::find(&plugin.code).map_err(|error| {
        let name = C::INTERFACE.name();
        PluginFailure::Unsuitable(format!(
            "its `{name}` isn't ours: {error:#}; build it with this version's `wit`"
        ))
    })?;
    let mut instance = Instance::new(plugin, stream, load)?;
    let plan = contract.open(plugin, &mut instance)?;
    Ok((instance, plan))
}

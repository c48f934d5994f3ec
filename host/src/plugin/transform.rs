//! A transform in Wasm: gives the guest the columns that its plan reads, checks plans and answers.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{Instance as Linked, InstancePre};

use super::bindings::transform::{Guest as Exports, GuestIndices, Output, Plan, Reject};
use super::error::{PluginError, PluginFailure};
use super::guest::{Call, Guest};
use super::instance::{Instance, bounded};
use super::interface::Interface;
use super::limits::Limits;
use super::live::{Contract, Live, Load, Rows};
use super::load::Loaded;
use super::{Rejected, TransformPlan, Transformed, Transformer, check, convert};
use crate::record::Bytes;

/// A transform of rows with this schema.
pub(super) struct Transformation {
    pub(super) input: SchemaRef,
}

impl Contract for Transformation {
    const INTERFACE: Interface = Interface::Transform;
    type Exports = Exports;
    type Plan = TransformPlan;

    fn find(code: &InstancePre<Guest>) -> wasmtime::Result<impl Load<Exports>> {
        let indices = GuestIndices::new(code)?;
        Ok(move |store: &mut Store<Guest>, instance: &Linked| indices.load(store, instance))
    }

    fn open(
        &self,
        plugin: &Loaded,
        instance: &mut Instance<Exports>,
    ) -> Result<TransformPlan, PluginFailure> {
        let input = convert::fields(&self.input)?;
        let plan =
            instance.open(plugin, |store, exports| exports.call_open(store, &plugin.config, &input))?;
        checked_plan(plan, input.len())
            .map_err(|problem| PluginFailure::InvalidAnswer(format!("open: {problem}")))
    }
}

impl Transformer for Live<Transformation> {
    fn plan(&self) -> &TransformPlan {
        self.plan()
    }

    fn max_input(&self) -> Bytes {
        self.max_input()
    }

    fn renew(&mut self) {
        self.renew();
    }

    fn process(
        &mut self,
        call: &Call,
        columns: &[ArrayRef],
        num_rows: usize,
    ) -> Result<Transformed, PluginError> {
        self.call(
            call,
            [Rows { columns, num_rows }],
            |store, exports, [input]| exports.call_process(store, input),
            |answer, plan, limits| checked(answer, plan, num_rows, limits),
        )
    }
}

fn checked_plan(plan: Plan, num_columns: usize) -> Result<TransformPlan, String> {
    check::indices("column to read", &plan.reads, num_columns)?;
    check::indices("column to carry", &plan.carries, num_columns)?;
    let usizes = |indices: Vec<u32>| indices.into_iter().map(|i| i as usize).collect::<Vec<_>>();
    Ok(TransformPlan {
        reads: usizes(plan.reads),
        carries: usizes(plan.carries),
        produces: check::fields(plan.produces)?,
    })
}

fn checked(
    answer: Output,
    plan: &TransformPlan,
    num_input_rows: usize,
    limits: &Limits,
) -> Result<Transformed, PluginFailure> {
    let Output { batch, origins, rejects } = answer;
    let num_rows = batch.rows as usize;
    let columns = check::columns_within(batch, &plan.produces, limits)?;
    check_origins(num_rows, origins.as_deref(), num_input_rows)
        .and_then(|()| check_rejects(&rejects, origins.as_deref(), num_input_rows))
        .map_err(PluginFailure::InvalidAnswer)?;
    let rejects = rejects.iter().map(|r| Rejected { row: r.row as usize, reason: bounded(&r.reason) });
    Ok(Transformed { columns, num_rows, rejects: rejects.collect(), origins })
}

fn check_origins(num_rows: usize, origins: Option<&[u32]>, num_input_rows: usize) -> Result<(), String> {
    match origins {
        Some(origins) => check::origins(origins, num_rows, num_input_rows),
        None if num_rows == num_input_rows => Ok(()),
        None => Err(format!("it tells no origins, so its {num_rows} rows should be {num_input_rows}")),
    }
}

fn check_rejects(rejects: &[Reject], origins: Option<&[u32]>, num_input_rows: usize) -> Result<(), String> {
    let rejected: Vec<u32> = rejects.iter().map(|reject| reject.row).collect();
    check::indices("rejected row", &rejected, num_input_rows)?;
    match kept_and_rejected(&rejected, origins) {
        Some(both) => Err(format!("it rejects input row {both} and answers rows for it")),
        None => Ok(()),
    }
}

/// A row that was rejected and is an output row's origin too.
fn kept_and_rejected(rejected: &[u32], origins: Option<&[u32]>) -> Option<u32> {
    let rejected: HashSet<u32> = rejected.iter().copied().collect();
    match origins {
        _ if rejected.is_empty() => None,
        Some(origins) => origins.iter().find(|origin| rejected.contains(origin)).copied(),
        None => rejected.into_iter().next(),
    }
}

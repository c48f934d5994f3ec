//! The step that carries states over, where a new version keeps others than the one that runs.
//!
//! Most of it happens on the thread of whoever asks, while batches go on; the driver does what changed meanwhile, right
//! before the switch.

use std::sync::Arc;

use super::SwapError;
use crate::operator::{Migration, OperatorError};
use crate::plugin::{PluginError, STACK_BYTES};

/// How often what changed meanwhile is carried over before the driver has to.
const LOOKS: usize = 3;

/// Carries over all that is there, on a thread whose stack is as large as a guest may need.
pub(super) fn prepare(
    migrations: &[Arc<Migration>],
    unfit: impl Fn(String) -> SwapError,
) -> Result<(), SwapError> {
    if migrations.is_empty() {
        return Ok(());
    }
    let carry =
        || (0..LOOKS).try_for_each(|_| migrations.iter().try_for_each(|migration| migration.catch_up()));
    let done: Result<Result<(), OperatorError>, SwapError> = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("migrate".into()).stack_size(STACK_BYTES);
        let carrying = thread.spawn_scoped(scope, carry);
        let carrying =
            carrying.map_err(|error| unfit(format!("no thread to migrate its states on: {error}")))?;
        Ok(carrying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    done?.map_err(|error| failed(error, unfit))
}

/// Carries over what is left, between two batches.
pub(super) fn finish(
    migrations: &[Arc<Migration>],
    unfit: impl Fn(String) -> SwapError,
) -> Result<(), SwapError> {
    let done = migrations.iter().try_for_each(|migration| migration.finish());
    done.map_err(|error| failed(error, unfit))
}

fn failed(error: OperatorError, unfit: impl Fn(String) -> SwapError) -> SwapError {
    match error {
        OperatorError::Plugin(PluginError { stream, failure, .. }) => {
            let stream = stream.unwrap_or_default();
            unfit(format!("the states of stream `{stream}` can't be migrated: {failure}"))
        }
        other => unfit(format!("states can't be migrated: {other}")),
    }
}

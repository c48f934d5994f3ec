//! The corpus in `plugins/hostile`: plugins that loop, hoard, lie and reach out, and what becomes of them.
//!
//! `corpus` lists them with what each is to meet; the other modules drive them through the library, where a
//! failure is a typed error, and look at what stays: the host, its memory, the next rows, the other plugins.

mod corpus;
mod files;
mod witness;

mod failures;
mod features;
mod limits;
mod logs;
mod memory;
mod reach;
mod load;

use std::sync::LazyLock;

use tidemill::plugin::{Call, Engine};
use tidemill::record::BatchTime;

use super::support::engine;

pub use files::assemble;

/// The engine of all these tests. What the corpus does to it, every one of them would notice.
static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

/// The call that all tests make.
const CALL: Call = Call { time: BatchTime::from_millis(1_795_548_600_000), partition: 0 };

/// Runs `act` on a thread with the stack of the host's workers: a guest may use 2 MiB of it.
fn as_a_worker<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(8 << 20);
        let done = worker.spawn_scoped(scope, act).unwrap().join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

//! How a stream of arrivals becomes batches: the clock that says when, the intake that says what, and the rates that say
//! how much.
//!
//! Blocks of receivers come in, bounded in bytes; out go, at each batch time, the blocks that arrived up to then, as many
//! as fit. Nothing is dropped: who brings more than there is room for waits. Time is injected, so that tests don't sleep.

mod clock;
mod intake;
mod log;
pub mod rate;
mod wake;

pub use clock::{Clock, ManualClock, SystemClock};
pub use intake::{Intake, IntakeOptions, Taken};
pub use log::Log;
pub use wake::Wake;

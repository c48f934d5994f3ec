//! The expectations of Spark Streaming's own tests, run on the engine.
//!
//! In come files of cases: input values, parameters, expected values. Each case is built with the Rust API, its
//! functions are plugins of Wasm, and batches come at the times of a clock that is moved by hand. Out come verdicts. What
//! doesn't apply, or not yet, stands in `exceptions.toml` with its reason; what stands there and passes is a failure,
//! so that the list stays true.

mod case;
mod rows;
mod compare;
mod pipeline;
mod adapt;
mod checks;
mod run;
mod receivers;
mod fed;
mod sources;
mod times;
mod rates;
mod states;
mod mapped;
mod slices;
mod listeners;
mod lifecycle;
mod recovery;
mod exceptions;
mod report;

pub use case::{Case, CaseFile, read_folder};
pub use exceptions::Exceptions;
pub use report::{Report, Verdict};
pub use run::Harness;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The engine did something else than was expected.
    Wrong(String),
    /// The case asks for something that there isn't.
    Unsupported(String),
}

impl Failure {
    fn wrong(what: impl std::fmt::Display) -> Self {
        Self::Wrong(what.to_string())
    }

    fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::Unsupported(what.to_string())
    }
}

/// Fails as `Wrong` where `is_right` is false.
fn ensure(is_right: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_right { Ok(()) } else { Err(Failure::Wrong(what())) }
}

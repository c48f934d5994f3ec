//! From a description to something that can run: names resolved, plugins loaded, schemas known, stages laid out.
//!
//! A `Pipeline` comes in; out come the stages of every batch, or the first thing that is wrong with it, before
//! anything runs. Knows nothing of clocks or threads.

mod build;
mod guarantee;
mod opened;
mod part;
mod render;
mod versions;

pub use build::{lay_out, lay_out_with};
pub use guarantee::{Guarantee, Promise, guarantees};
pub use opened::{OpenedPipeline, OpenedStream};
pub use part::{PartError, PartInput, Role, part_from};
pub use render::{mermaid, text};
pub use versions::RanLast;

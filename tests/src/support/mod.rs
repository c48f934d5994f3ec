//! What the scenarios share: built plugins, projects in a folder, the running program, a server of lines.

mod console;
mod engine;
mod framed;
mod kept;
mod outputs;
mod plugins;
mod postgres;
mod program;
mod project;
mod relay;
mod saying;
mod server;
mod text;
mod versions;

pub use console::{printed, totals};
pub use engine::engine;
pub use framed::FramedSender;
pub use kept::{Batches, Kept, shown};
pub use outputs::{Folder, folders, last_published, published, rows};
pub use plugins::{plugin, plugin_folder};
pub use postgres::{Database, Postgres, database};
pub use program::{Finished, PROGRAM, Program, cache_folder};
pub use project::Project;
pub use relay::Relay;
pub use saying::{CHECKPOINT, CONTROL, saying, says, start_saying};
pub use server::{Connection, Server};
pub use text::{Lines, count, counted_rows};
pub use versions::{renamed, renamed_version, version};

use std::time::{Duration, Instant};

/// How long a test waits for what it expects. Far more than it takes, because machines that test are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until `look` answers something; fails when that takes too long.
#[track_caller]
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

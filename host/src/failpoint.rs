//! Named points of a commit, a sink, a swap, a start and an end, at which a test has the program die or the disk fail.
//!
//! With the feature `failpoints` the program takes from the environment what is to happen at them:
//! `FAILPOINTS="commit.before=3*off->return(kill)"` kills it at the fourth commit. `return(kill)` ends the process as
//! `kill -9` does, `return(io)` is an error of the disk and `return(full)` a disk without room. Without the feature
//! there is nothing of this in the program.

use std::io;

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A point that a test can have fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point),*];

            /// Its name in `FAILPOINTS`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// At the start: the store isn't open yet.
    Open = "open.before",
    /// The store is open, and may just have been made.
    Opened = "open.after",
    /// What the checkpoint says of its pipeline is about to be written.
    Adopt = "adopt.before",
    /// It was written.
    Adopted = "adopt.after",
    /// A plugin's file is about to be kept.
    Keep = "keep.before",
    /// It is written and synced beside its place.
    KeepWithin = "keep.within",
    /// It is in its place, and nobody knows.
    Kept = "keep.after",
    /// The pieces of a partition are about to be loaded.
    Load = "load",
    /// A sink is about to hear which batch was the last.
    Recover = "recover.before",
    /// It has published that one, and removed what was staged for others.
    Recovered = "recover.after",
    /// Rows that a run before committed are about to be delivered.
    Deliver = "deliver.before",
    /// They were delivered, and aren't noted as such.
    Delivered = "deliver.after",
    /// Blocks that a batch took are about to be removed from the log.
    Release = "release.before",
    /// They were removed.
    Released = "release.after",
    /// Files of plugins that nobody can go back to are about to be removed.
    Collect = "collect.before",
    /// One was removed.
    Collected = "collect.after",
    /// Blocks that were received are about to be written to the log.
    Log = "log.before",
    /// They are written and synced, and nobody knows.
    Logged = "log.after",
    /// A sink is about to stage a batch.
    Stage = "stage.before",
    /// One of a batch's files is written.
    StageWithin = "stage.within",
    /// A sink has staged a batch.
    Staged = "stage.after",
    /// What changed of a partition is about to be made pieces.
    Snapshot = "snapshot",
    /// An epoch is about to be written.
    Commit = "commit.before",
    /// It is written and synced, and nobody knows.
    Committed = "commit.after",
    /// Dead letters are about to be written.
    Letters = "letters.before",
    /// They are written and synced.
    LettersWritten = "letters.after",
    /// A sink is about to publish a batch.
    Publish = "publish.before",
    /// A batch's folder has its name, which isn't synced.
    PublishWithin = "publish.within",
    /// A sink has published a batch.
    Published = "publish.after",
    /// A database's transaction is about to begin.
    Begin = "transaction.before",
    /// It says that the batch is there, whose rows are not.
    Noted = "transaction.noted",
    /// It has the rows, and isn't committed.
    Written = "transaction.written",
    /// It is committed, and nobody knows.
    Applied = "transaction.after",
    /// At the end: what sinks have is about to be forgotten.
    Close = "close.before",
    /// It was forgotten.
    Closed = "close.after",
    /// The file system is about to be asked to tell of files that change.
    Listen = "watch.listen",
    /// The files of a swap were read.
    SwapRead = "swap.read",
    /// New code is opened and fits what runs.
    SwapOpened = "swap.opened",
    /// States were carried over to it.
    SwapMigrated = "swap.migrated",
    /// Its file is in the checkpoint.
    SwapKept = "swap.kept",
    /// A batch ran on it beside the version in use.
    SwapBeside = "swap.beside",
    /// Workers switched to it, and the batch hasn't run.
    SwapSwitched = "swap.switched",
    /// The batch ran on it, or on the version before it.
    SwapTried = "swap.tried",
    /// It went out of use, because it did worse.
    SwapRolledBack = "swap.rolled_back",
    /// Its first batch is final, and nobody is told.
    SwapSettled = "swap.settled",
}

/// Passes `point`, or fails there as a test wants it.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(point: Point) -> io::Result<()> {
    fail::fail_point!(point.name(), |action| match action.as_deref() {
        Some("kill") => kill(),
        Some("full") => Err(rustix::io::Errno::NOSPC.into()),
        _ => Err(rustix::io::Errno::IO.into()),
    });
    Ok(())
}

/// Passes `point`.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) const fn reach(_: Point) -> io::Result<()> {
    Ok(())
}

/// Ends the process as `kill -9` does: nothing is flushed, closed or dropped.
#[cfg(feature = "failpoints")]
fn kill() -> io::Result<()> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
    loop {
        std::thread::park();
    }
}

/// What `FAILPOINTS` asks for, for as long as this is there.
#[cfg(feature = "failpoints")]
pub(crate) fn from_environment() -> fail::FailScenario<'static> {
    fail::FailScenario::setup()
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn from_environment() {}

//! The options of `tidemill dead-letters`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::dead_letters::Selection;
use crate::record::{BatchTime, DeadLetterKind};

const SHOW_EXAMPLES: &str = "\
Examples:
  tidemill dead-letters show pipeline.toml --operator valued --limit 5
  tidemill dead-letters show dead --kind undecodable --since 2026-11-20T21:00:00Z --format json";

const REPLAY_EXAMPLES: &str = "\
Letters are replayed at least once: a crash may leave some that were published unmarked, never the other way round.
The pipeline itself may run meanwhile.

Examples:
  tidemill dead-letters replay pipeline.toml --operator valued --dry-run
  tidemill dead-letters replay pipeline.toml --operator valued --kind trap";

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// Count them by who set the rows aside, and why
    List {
        /// The pipeline's manifest, or a folder of dead letters
        #[arg(value_name = "MANIFEST|DIR")]
        place: PathBuf,

        /// A table for people, or a JSON object a line
        #[arg(long, value_enum, default_value_t)]
        format: LettersFormat,
    },

    /// Print them, the oldest first
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// The pipeline's manifest, or a folder of dead letters
        #[arg(value_name = "MANIFEST|DIR")]
        place: PathBuf,

        /// Of this source or stream
        #[arg(long, value_name = "NAME")]
        operator: Option<String>,

        /// Of these
        #[command(flatten)]
        filter: Filter,

        /// Also those that were replayed
        #[arg(long)]
        replayed: bool,

        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,

        /// Lines for people, or a JSON object a line, as it is in the file
        #[arg(long, value_enum, default_value_t)]
        format: LettersFormat,
    },

    /// Feed them back into the operator that set them aside
    ///
    /// Runs the part of the pipeline that begins with the operator, with the letters' rows as its input, into the
    /// manifest's sinks. What fails again becomes a dead letter again; the others are marked, so that they are not
    /// replayed twice.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay {
        /// The pipeline's manifest
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,

        /// The stream that set them aside
        #[arg(long, value_name = "NAME")]
        operator: String,

        /// Of these
        #[command(flatten)]
        filter: Filter,

        /// Say what would be replayed, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which letters are meant.
#[derive(Clone, Debug, Args)]
pub struct Filter {
    /// Of this kind: undecodable, reject, trap, timeout, memory, invalid_output or error
    #[arg(long, value_name = "KIND")]
    kind: Option<DeadLetterKind>,

    /// Of batches of this time or later, such as 2026-11-20T21:53:53Z
    #[arg(long, value_name = "TIME")]
    since: Option<BatchTime>,

    /// Of batches of this time or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<BatchTime>,
}

impl Filter {
    /// The letters that it means, of all sources and streams.
    pub fn selection(&self) -> Selection {
        Selection { kind: self.kind, since: self.since, until: self.until, ..Selection::default() }
    }
}

/// How letters are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LettersFormat {
    /// For people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

//! The commands and options of `tidemill`, and their help.
//!
//! Arguments come in, checked values go out. A wrong one ends the process with exit code 2 and one message,
//! which is clap's doing; nothing here runs anything.

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::build::{self, BuildArgs};
use super::checkpoint::CheckpointCommand;
use super::control::{self, At, RollbackArgs, SwapArgs, WorkersArgs};
use super::dead_letters::args::DeadLettersCommand;
use super::new::{self, NewArgs};
use super::test::{self, args::TestArgs};
use crate::manifest::MAX_WORKERS;
use crate::plugin::CompileRequest;
use crate::record::{DataType, Period, describe};

/// A stream processor whose operators are WebAssembly components.
#[derive(Clone, Debug, Parser)]
#[command(name = "tidemill", version, after_help = EXIT_CODES)]
pub struct Args {
    /// How the log on standard error is written
    #[arg(
        long,
        global = true,
        help_heading = "Log options",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,

    /// The least grave entries that the log has
    #[arg(
        long,
        global = true,
        help_heading = "Log options",
        value_enum,
        default_value_t,
        value_name = "LEVEL"
    )]
    pub log_level: LogLevel,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Rows go to standard output, the log to standard error.
Exit codes: 0 all went well, 1 the pipeline failed, 2 the command or the manifest is wrong.";

const RUN_EXAMPLES: &str = "\
Ctrl-C stops gracefully: no new input, and the batches under way are finished. A second one ends at once.

Examples:
  tidemill run pipeline.toml
  tidemill run pipeline.toml --once           process what is there, then stop
  tidemill run pipeline.toml --for 10s --workers 2";

const INSPECT_EXAMPLES: &str = "\
Examples:
  tidemill inspect split_words.wasm
  tidemill inspect split_words.wasm --input 'line: utf8'
  tidemill inspect convert.wasm --input 'symbol: utf8, price: float64?'";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  tidemill completions bash > ~/.local/share/bash-completion/completions/tidemill
  tidemill completions fish > ~/.config/fish/completions/tidemill.fish";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline until it is stopped
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),

    /// Find what is wrong with a pipeline, without running it
    ///
    /// Reads the manifest, opens the plugins and fits the columns of all streams together. Prints the columns, and how
    /// often a sink sees the rows of a source when the host crashes; or the first thing that is wrong, with its line.
    Check {
        /// The pipeline's manifest
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,
    },

    /// Show the stages that a pipeline runs in
    Plan {
        /// The pipeline's manifest
        #[arg(value_name = "MANIFEST")]
        manifest: PathBuf,

        /// How to show them
        #[arg(long, value_enum, default_value_t)]
        format: PlanFormat,
    },

    /// Show what a plugin is: its kind, imports, size and digest
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect {
        /// The plugin: a component or core module
        #[arg(value_name = "PLUGIN")]
        plugin: PathBuf,

        /// Columns to open it with, to see which it answers; `?` behind a type that may be null
        #[arg(long, value_name = "COLUMNS")]
        input: Option<InputSchema>,

        /// The columns of the key, for a plugin that sees keys; `--input` are those of the values then
        #[arg(long, value_name = "COLUMNS", requires = "input")]
        key: Option<InputSchema>,

        /// The values of the second stream, for a cogroup [default: those of `--input`]
        #[arg(long, value_name = "COLUMNS", requires = "input")]
        right: Option<InputSchema>,
    },

    /// Begin a project for a plugin
    #[command(after_help = new::EXAMPLES)]
    New(NewArgs),

    /// Build the plugin of a project, and check it
    #[command(after_help = build::EXAMPLES)]
    Build(BuildArgs),

    /// Call a plugin with the rows of a file, and show what comes out
    #[command(after_help = test::args::EXAMPLES)]
    Test(TestArgs),

    /// Show how a running pipeline is, and which versions of plugins it runs
    Status(At),

    /// Let plugins of a running pipeline run other code, all from one batch on or none
    #[command(after_help = control::EXAMPLES)]
    Swap(SwapArgs),

    /// Let a plugin of a running pipeline run a version again that ran before
    Rollback(RollbackArgs),

    /// Let a running pipeline read its manifest again, and take what it says of plugins
    Reload(At),

    /// Show which versions of plugins came into use
    History(At),

    /// Let more or fewer threads work on the batches of a running pipeline
    Workers(WorkersArgs),

    /// Ask a running pipeline to stop, as Ctrl-C does
    Stop(At),

    /// Look at what survives a restart
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),

    /// Look at rows that were set aside, and give them another try
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),

    /// Print a script that completes commands in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Compile the plugin on standard input; the host starts it for each plugin that is not in the cache
    #[command(hide = true)]
    CompilePlugin(CompileArgs),
}

/// What `compile-plugin` is given.
#[derive(Clone, Debug, clap::Args)]
pub struct CompileArgs {
    /// The most bytes of memory
    #[arg(long, value_name = "BYTES")]
    memory: u64,

    /// The most processor time
    #[arg(long, value_name = "SECONDS")]
    cpu_seconds: u64,
}

impl From<CompileArgs> for CompileRequest {
    fn from(CompileArgs { memory, cpu_seconds }: CompileArgs) -> Self {
        Self { memory, cpu_seconds }
    }
}

/// What `run` is given. Of several ends the first to come counts.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// The pipeline's manifest
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// Process what is there, then stop
    #[arg(long)]
    pub once: bool,

    /// Stop after this many batches
    #[arg(long, value_name = "N")]
    pub batches: Option<NonZeroU64>,

    /// Stop after this time, such as 10s or 2m
    #[arg(long = "for", value_name = "TIME")]
    pub duration: Option<Period>,

    /// Worker threads, rather than as many as the manifest says
    #[arg(long, value_name = "N", value_parser = num_workers)]
    pub workers: Option<NonZeroUsize>,

    /// Leave behind what the checkpoint has of this source or stream; may be given several times
    #[arg(long, value_name = "NAME")]
    pub drop_state: Vec<String>,

    /// Listen here for `status`, `swap` and the like, and for HTTP; port 0 takes any that is free
    ///
    /// Any address but a loopback one needs a token, in TIDEMILL_TOKEN or in the file that TIDEMILL_TOKEN_FILE names.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub control: Option<SocketAddr>,

    /// Begin with what is in the files of plugins, rather than with the versions that ran last
    #[arg(long)]
    pub new_plugins: bool,

    /// Keep the metrics in this file, in the OpenMetrics format
    ///
    /// It is written anew, whole, at the start, after batches (once a second at most) and at the end.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

pub(super) fn num_workers(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(workers) if workers.get() <= MAX_WORKERS => Ok(workers),
        _ => Err(format!("write a number from 1 to {MAX_WORKERS}")),
    }
}

/// Where something listens.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, as in 127.0.0.1:7171".to_owned())
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// The least grave entries that a log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// No log
    Off,
    /// Only what ends or damages the run
    Error,
    /// Also what somebody should look at
    Warn,
    /// Also what the pipeline does
    #[default]
    Info,
    /// Also how
    Debug,
    /// Everything
    Trace,
}

impl From<LogLevel> for tracing::level_filters::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// Indented text
    #[default]
    Text,
    /// A Mermaid diagram
    Mermaid,
}

/// Columns as the command line has them: `line: utf8, n: int64?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSchema(pub SchemaRef);

impl fmt::Display for InputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(&self.0))
    }
}

impl FromStr for InputSchema {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields: Vec<Field> = Vec::new();
        for column in text.split(',') {
            let field = column_field(column.trim())?;
            if fields.iter().any(|other| other.name() == field.name()) {
                return Err(format!("column `{}` is there twice; rename one of them", field.name()));
            }
            fields.push(field);
        }
        Ok(Self(Arc::new(Schema::new(fields))))
    }
}

fn column_field(column: &str) -> Result<Field, String> {
    let example = "write a name and a type, as in `n: int64?`";
    let (name, written) =
        column.split_once(':').ok_or_else(|| format!("`{column}` has no type; {example}"))?;
    let (name, written) = (name.trim(), written.trim());
    if name.is_empty() {
        return Err(format!("`{column}` has no name; {example}"));
    }
    let (text, nullable) = written.strip_suffix('?').map_or((written, false), |text| (text, true));
    let data_type: DataType = text.parse().map_err(|problem| format!("column `{name}`: {problem}"))?;
    Ok(Field::new(name, data_type.arrow(), nullable))
}

/// Writes the script that completes commands in `shell`.
pub fn write_completions(shell: Shell, out: &mut dyn Write) {
    clap_complete::generate(shell, &mut Args::command(), "tidemill", &mut &mut *out);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, String> {
        Args::try_parse_from(line.split_whitespace()).map_err(|e| e.to_string())
    }

    fn refused(line: &str) -> String {
        let error = Args::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn run_takes_its_ends_and_the_log_options_stand_anywhere() {
        let line =
            "tidemill --log-level warn run p.toml --once --batches 3 --for 10s --workers 2 --log-format json";
        let args = parsed(line).unwrap();
        assert_eq!((args.log_format, args.log_level), (LogFormat::Json, LogLevel::Warn));
        let Command::Run(run) = args.command else { panic!("not run") };
        assert_eq!(run.manifest, PathBuf::from("p.toml"));
        assert!(run.once);
        assert_eq!(run.batches.map(NonZeroU64::get), Some(3));
        assert_eq!(run.duration, Some(Period::millis(10_000)));
        assert_eq!(run.workers.map(NonZeroUsize::get), Some(2));
    }

    #[test]
    fn what_is_left_out_is_as_by_default() {
        let args = parsed("tidemill plan p.toml").unwrap();
        assert_eq!((args.log_format, args.log_level), (LogFormat::Text, LogLevel::Info));
        assert!(matches!(args.command, Command::Plan { format: PlanFormat::Text, .. }));
    }

    #[test]
    fn wrong_values_are_named() {
        assert!(refused("tidemill run p.toml --batches 0").contains("invalid value '0' for '--batches <N>'"));
        assert!(
            refused("tidemill run p.toml --for soon").contains("`soon` is not a duration; write for example")
        );
        assert!(refused("tidemill run").contains("<MANIFEST>"));
        assert!(refused("tidemill chekc p.toml").contains("'check'"));
        assert!(
            refused("tidemill swap split")
                .contains("write the plugin and its file, as in `split=split_words.wasm`")
        );
        assert!(refused("tidemill status --address here").contains("'here' for '--address <ADDRESS>'"));
        assert!(
            refused("tidemill dead-letters show p --since soon")
                .contains("`soon` is not a time; write for example")
        );
        assert!(refused("tidemill dead-letters replay p.toml").contains("--operator <NAME>"));
    }

    #[test]
    fn input_columns_have_names_and_types() {
        let schema: InputSchema = " line: utf8 ,n:int64?".parse().unwrap();
        assert_eq!(schema.to_string(), "line: utf8, n: int64?");
        let refused = |text: &str| text.parse::<InputSchema>().unwrap_err();
        assert_eq!(refused("line"), "`line` has no type; write a name and a type, as in `n: int64?`");
        assert_eq!(refused(": utf8"), "`: utf8` has no name; write a name and a type, as in `n: int64?`");
        assert_eq!(refused("a: utf8, a: int64"), "column `a` is there twice; rename one of them");
        assert!(refused("a: text").starts_with("column `a`: `text` is not a type; the types are boolean"));
    }

    #[test]
    fn every_shell_gets_a_script() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            write_completions(*shell, &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(
                ["log-level", "dead-letters", "replay"].iter().all(|word| script.contains(word)),
                "{shell}"
            );
        }
    }
}

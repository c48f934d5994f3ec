//! The command line: what can be asked, what is shown meanwhile, and how the process ends.

pub mod args;
pub mod build;
pub mod checkpoint;
pub mod control;
pub mod dead_letters;
mod inspect;
pub mod live;
mod log;
pub mod new;
mod run;
mod screen;
pub mod test;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, PlanFormat};

use crate::manifest::{Manifest, ManifestError};
use crate::plan::{OpenedPipeline, guarantees, lay_out, mermaid, text};
use crate::plugin::{Compiler, Engine, EngineOptions, compile_plugin};
use crate::record::describe;
use screen::Screen;

/// The pipeline failed.
const FAILED: u8 = 1;
/// The command or the manifest is wrong.
const WRONG: u8 = 2;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let _failing = crate::failpoint::from_environment();
    let args = Args::parse();
    let screen = Screen::default();
    log::init(args.log_format, args.log_level, &screen);
    let done = match args.command {
        Command::Run(run_args) => run::run(&run_args, &screen),
        Command::Check { manifest } => check(&manifest),
        Command::Plan { manifest, format } => plan(&manifest, format),
        Command::Checkpoint(command) => checkpoint::run(&command),
        Command::DeadLetters(command) => dead_letters::run(command, &screen),
        Command::Status(at) => control::status(&at),
        Command::History(at) => control::history(&at),
        Command::Swap(swap_args) => control::swap(&swap_args),
        Command::Rollback(rollback_args) => control::rollback(&rollback_args),
        Command::Reload(at) => control::reload(&at),
        Command::Workers(workers_args) => control::workers(&workers_args),
        Command::Stop(at) => control::stop(&at),
        Command::Inspect { plugin, input, key, right } => {
            let columns =
                input.as_ref().map(|input| inspect::Columns::new(input, key.as_ref(), right.as_ref()));
            inspect::inspect(&plugin, columns.as_ref())
        }
        Command::New(new_args) => new::new(&new_args),
        Command::Build(build_args) => build::build(&build_args),
        Command::Test(test_args) => test::test(&test_args),
        Command::Completions { shell } => {
            args::write_completions(shell, &mut std::io::stdout());
            Ok(())
        }
        Command::CompilePlugin(request) => return compile_plugin(&request.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            screen.clear();
            eprintln!("error: {}", end.message);
            ExitCode::from(end.code)
        }
    }
}

/// A command that didn't succeed: what to say, and the exit code.
struct End {
    message: String,
    code: u8,
}

impl End {
    fn wrong(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: WRONG }
    }

    fn failed(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: FAILED }
    }
}

impl From<ManifestError> for End {
    fn from(error: ManifestError) -> Self {
        Self::wrong(error)
    }
}

fn engine() -> Result<Engine, End> {
    let compiler = Compiler::this_program()
        .map_err(|error| End::failed(format!("cannot find this program, which compiles plugins: {error}")))?;
    Engine::new(&EngineOptions { compiler, ..EngineOptions::from_env() }).map_err(End::failed)
}

fn open(path: &Path) -> Result<(Manifest, OpenedPipeline), End> {
    let manifest = Manifest::read(path)?;
    let opened = OpenedPipeline::open(&manifest.pipeline, &engine()?);
    let opened = opened.map_err(|fault| End::wrong(manifest.explain(&fault)))?;
    Ok((manifest, opened))
}

fn check(path: &Path) -> Result<(), End> {
    let (Manifest { pipeline, .. }, opened) = open(path)?;
    let mut out = format!("{} is right.\n", path.display());
    for (name, source) in pipeline.sources.iter().filter(|(name, _)| opened.schemas.contains_key(*name)) {
        let _ = writeln!(out, "source {name} ({})", source.kind());
    }
    for (name, stream) in &opened.streams {
        let schema = opened.schemas.get(name).map(|schema| describe(schema)).unwrap_or_default();
        let _ = writeln!(out, "stream {name} ({}): {schema}", stream.label);
    }
    for (name, output) in &pipeline.sinks {
        let _ = writeln!(out, "sink {name} ({})", output.sink.kind());
    }
    for guarantee in guarantees(&pipeline) {
        let _ = writeln!(out, "{guarantee}");
    }
    match &pipeline.checkpoint {
        Some(path) => {
            let _ = writeln!(out, "checkpoint {}", path.display());
        }
        None => out.push_str("There is no checkpoint: nothing survives a restart.\n"),
    }
    print(&out)
}

fn plan(path: &Path, format: PlanFormat) -> Result<(), End> {
    let (Manifest { pipeline, .. }, opened) = open(path)?;
    let plan = lay_out(&pipeline, &opened);
    print(&match format {
        PlanFormat::Text => text(&pipeline, &opened, &plan),
        PlanFormat::Mermaid => mermaid(&pipeline, &opened, &plan),
    })
}

/// Writes `text` to standard output. Whoever reads only the beginning of it got what they wanted.
fn print(text: &str) -> Result<(), End> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(End::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

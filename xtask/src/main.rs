//! `cargo xtask`: everything one does with this repository besides plain cargo.
//!
//! A command is a file with an `Args` struct and a `run` function. `workspace` knows where things
//! are, the crate `tidemill-toolchain` how plugins are compiled and how progress is shown; the commands know
//! nothing of one another, except that all but `audit` begin with `plugins`.

mod workspace;

mod audit;
mod bench;
mod chaos;
mod conformance;
mod fuzz;
mod plugins;
mod postgres;
mod quickstart;
mod test;
mod text_server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Build, test and try out Tidemill from its repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Args),
    Plugins(plugins::Args),
    Test(test::Args),
    Bench(bench::Args),
    Chaos(chaos::Args),
    Audit(audit::Args),
    Fuzz(fuzz::Args),
    Conformance(conformance::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let workspace = Workspace::open()?;
    match command {
        Command::Quickstart(args) => quickstart::run(&workspace, &args),
        Command::Plugins(args) => plugins::run(&workspace, &args),
        Command::Test(args) => test::run(&workspace, &args),
        Command::Bench(args) => bench::run(&workspace, &args),
        Command::Chaos(args) => chaos::run(&workspace, &args),
        Command::Audit(args) => audit::run(&workspace, &args),
        Command::Fuzz(args) => fuzz::run(&workspace, &args),
        Command::Conformance(args) => conformance::run(&workspace, &args),
    }
}

//! `cargo xtask test`: everything a change has to pass, in the order that fails soonest.
//!
//! Formatting, plugins and a PostgreSQL (the tests run them), lints, then `cargo test`, whose output comes last; one
//! line at the very end adds up the results of all test binaries.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{plugins, postgres};
use tidemill_toolchain::step::{self, step};

/// Check formatting, build the plugins, lint, and run all tests.
///
/// Installs PostgreSQL where it is missing, on Debian; tests start and stop servers of their own.
#[derive(clap::Args)]
pub struct Args {
    /// Passed to `cargo test`: part of a test's name, or `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Runs the checks, then the tests.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut format = workspace.cargo();
    format.args(["fmt", "--all", "--check"]);
    step("checking the format (cargo fmt mends it)", || step::run(&mut format))?;
    plugins::build_all(workspace)?;
    postgres::find_or_install()?;
    let mut lint = workspace.cargo();
    lint.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    step("linting", || step::run(&mut lint))?;
    let total = cargo_test(workspace, &args.rest)?;
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if total.failed > 0 || !total.cargo_succeeded {
        std::process::exit(1);
    }
    Ok(())
}

/// What all test binaries together came to.
#[derive(Default)]
struct Total {
    passed: u64,
    failed: u64,
    skipped: u64,
    cargo_succeeded: bool,
}

/// Runs `cargo test` to the end of the last binary, whether or not one fails, and passes its output on.
fn cargo_test(workspace: &Workspace, rest: &[OsString]) -> Result<Total> {
    eprintln!("\n==> testing");
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast"]).args(rest);
    let mut child = cargo.stdout(Stdio::piped()).spawn().with_context(|| step::cannot_start(&cargo))?;
    let mut stdout = BufReader::new(child.stdout.take().context("cargo has no stdout")?);
    let mut total = Total::default();
    let mut line = Vec::new();
    // Bytes, not text: a test may print anything.
    while stdout.read_until(b'\n', &mut line)? > 0 {
        std::io::stdout().write_all(&line)?;
        total.add(&String::from_utf8_lossy(&line));
        line.clear();
    }
    total.cargo_succeeded = child.wait()?.success();
    if !total.cargo_succeeded && total.failed == 0 {
        bail!("`{}` failed before or between tests; its messages above say why", step::line(&cargo));
    }
    Ok(total)
}

impl Total {
    /// Adds what a line says where it is the summary of a test binary:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split(';') {
            let Some((number, what)) = count.trim().split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_add_up_and_other_lines_count_for_nothing() {
        let mut total = Total::default();
        total.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        );
        total.add("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.2s\n");
        total.add("test shuffle::keeps_order ... ok\n");
        assert_eq!((total.passed, total.failed, total.skipped), (5, 1, 1));
    }
}

//! `cargo xtask fuzz`: the fuzz tests for as long as one likes, with new cases each time.

use anyhow::Result;

use crate::plugins;
use crate::workspace::Workspace;
use tidemill_toolchain::step::{self, step};

/// Far more threads than there are fuzz tests, so that each runs all the time.
const THREADS: &str = "--test-threads=16";

/// Feed arbitrary input to all that reads what others wrote, and print the case that does harm.
///
/// `TIDEMILL_FUZZ_CASE=N cargo test --workspace --test scenarios NAME` does a case again.
#[derive(clap::Args)]
pub struct Args {
    /// How long: 30s, 10m, 2h
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = seconds)]
    time: u64,
}

/// Builds the plugins, which it damages, and runs the tests whose name has `fuzz`, all at the same time.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    plugins::build_all(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.env("TIDEMILL_FUZZ_SECONDS", args.time.to_string());
    // The whole workspace, as `cargo xtask test` builds it: other features would have all crates built again.
    cargo.args(["test", "--workspace", "--lib", "--test", "scenarios", "--no-fail-fast"]);
    cargo.args(["fuzz", "--", THREADS, "--nocapture"]);
    step(format!("fuzzing the checker, then the rest, {} s each", args.time), || step::run(&mut cargo))
}

fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a time; write for example 30s, 10m or 2h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!((seconds("30s"), seconds("10m"), seconds("2h")), (Ok(30), Ok(600), Ok(7200)));
        assert!(seconds("10").is_err());
        assert!(seconds("m").is_err());
        assert!(seconds("").is_err());
    }
}

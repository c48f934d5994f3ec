//! What a long command shows of itself: a heading when a step begins, the time when it is done.
//!
//! Everything goes to stderr, beside cargo's own progress; stdout is left to what a step prints.

use std::ffi::OsStr;
use std::fmt::Display;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs `work` as one step: announces it and, when it went well, says how long it took.
pub fn step<T>(what: impl Display, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("\n==> {what}");
    let start = Instant::now();
    let answer = work()?;
    eprintln!("    done in {}", human_time(start.elapsed()));
    Ok(answer)
}

/// Runs a command to its end with this process's streams; an exit code other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status}); its output above says why", line(command));
    }
    Ok(())
}

/// Runs a command to its end with this process's streams.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| cannot_start(command))
}

/// Runs a command and answers what it wrote to stdout, trimmed; its stderr passes through.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(std::process::Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", line(command), output.status);
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something that is not text", line(command)))?;
    Ok(text.trim().to_owned())
}

/// The command as one would type it, without its environment.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// What to say of a command that could not be started at all.
pub fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; is it installed and on PATH?", line(command))
}

/// A duration for people: `0.4 s`, `38 s`, `4 min 05 s`.
pub fn human_time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_naturally() {
        assert_eq!(human_time(Duration::from_millis(420)), "0.4 s");
        assert_eq!(human_time(Duration::from_secs(38)), "38 s");
        assert_eq!(human_time(Duration::from_secs(245)), "4 min 05 s");
    }
}

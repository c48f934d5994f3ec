//! `tidemill dead-letters show`: letters one by one.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use super::args::LettersFormat;
use super::{letters, one_line, warn_of_broken};
use crate::cli::End;
use crate::dead_letters::{Found, Selection};

/// How much of a reason is shown.
const REASON_CHARS: usize = 500;

/// Prints the letters at `place` that `selection` means, at most `limit`.
pub(super) fn show(
    place: &Path,
    selection: &Selection,
    limit: Option<usize>,
    format: LettersFormat,
) -> Result<(), End> {
    let (mut letters, _) = letters(place)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let meant =
        letters.by_ref().filter(|found| found.as_ref().map_or(true, |found| selection.includes(found)));
    for found in meant.take(limit.unwrap_or(usize::MAX)) {
        let found = found?;
        let written = match format {
            LettersFormat::Json => writeln!(out, "{}", found.text),
            LettersFormat::Text => out.write_all(text(&found).as_bytes()),
        };
        if ended(written)? {
            return Ok(());
        }
    }
    ended(out.flush())?;
    warn_of_broken(&letters);
    Ok(())
}

/// Whether nobody reads any more, which is no error.
fn ended(written: std::io::Result<()>) -> Result<bool, End> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(End::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// A letter for people: a line that says when, who and why, and a line with the row.
fn text(found: &Found) -> String {
    let letter = &found.letter;
    let position = letter.position.as_ref().map(|position| format!(" at {position}")).unwrap_or_default();
    let plugin = letter.plugin.as_ref().map(|plugin| format!(" by {}", plugin.name)).unwrap_or_default();
    let replayed = if found.replayed { " (replayed)" } else { "" };
    format!(
        "{} {} {}{plugin}{position}{replayed}: {}\n    {}\n",
        letter.batch_time,
        letter.origin,
        letter.kind,
        one_line(&letter.reason, REASON_CHARS),
        letter.row.get(),
    )
}

//! `tidemill dead-letters`: what was set aside, and giving it another try.

pub mod args;
mod list;
mod replay;
mod show;

use std::path::{Path, PathBuf};

use args::DeadLettersCommand;

use super::End;
use super::screen::Screen;
use crate::dead_letters::{LetterError, Letters, Selection};
use crate::manifest::{DeadLetterSpec, Manifest};

/// Does what `command` says.
pub(super) fn run(command: DeadLettersCommand, screen: &Screen) -> Result<(), End> {
    match command {
        DeadLettersCommand::List { place, format } => list::list(&place, format),
        DeadLettersCommand::Show { place, operator, filter, replayed, limit, format } => {
            let selection = Selection { origin: operator, replayed, ..filter.selection() };
            show::show(&place, &selection, limit, format)
        }
        DeadLettersCommand::Replay { manifest, operator, filter, dry_run } => {
            replay::replay(&manifest, &operator, &filter.selection(), dry_run, screen)
        }
    }
}

/// The letters in the folder `place`, or those of the pipeline whose manifest it is. Also answers the folder.
fn letters(place: &Path) -> Result<(Letters, PathBuf), End> {
    if place.is_dir() {
        let letters = Letters::open(place, None).map_err(End::failed)?;
        return Ok((letters, place.to_owned()));
    }
    let Manifest { pipeline, .. } = Manifest::read(place)?;
    let DeadLetterSpec::Files(files) = pipeline.dead_letters() else {
        return Err(End::wrong(format!(
            "{}: dead letters go to the log; let [dead_letters] have kind = \"files\" and a path",
            place.display()
        )));
    };
    let letters = Letters::open(&files.path, Some(&pipeline.name)).map_err(End::failed)?;
    Ok((letters, files.path))
}

impl From<LetterError> for End {
    fn from(error: LetterError) -> Self {
        Self::failed(error)
    }
}

/// Says that some lines are no letters.
fn warn_of_broken(letters: &Letters) {
    if letters.num_broken() > 0 {
        tracing::warn!(lines = letters.num_broken(), "lines that are no dead letters were passed over");
    }
}

/// `text` on one line of at most `max` characters.
fn one_line(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

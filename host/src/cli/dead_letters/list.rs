//! `tidemill dead-letters list`: a line a group.

use std::fmt::Write;
use std::path::Path;

use super::args::LettersFormat;
use super::{letters, one_line, warn_of_broken};
use crate::cli::{End, print};
use crate::dead_letters::{Group, summarize};

/// How much of a reason is shown.
const REASON_CHARS: usize = 80;
/// How much of a digest tells plugins apart.
const DIGEST_CHARS: usize = 12;

/// Prints the groups of the letters at `place`.
pub(super) fn list(place: &Path, format: LettersFormat) -> Result<(), End> {
    let (mut letters, folder) = letters(place)?;
    let groups = summarize(&mut letters)?;
    warn_of_broken(&letters);
    match format {
        LettersFormat::Json => {
            let lines: Result<Vec<String>, _> = groups.iter().map(serde_json::to_string).collect();
            let lines = lines.map_err(End::failed)?;
            print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        }
        LettersFormat::Text if groups.is_empty() => {
            print(&format!("There are no dead letters in {}.\n", folder.display()))
        }
        LettersFormat::Text => print(&table(&groups)),
    }
}

const HEAD: [&str; 9] = [
    "pipeline",
    "operator",
    "kind",
    "plugin",
    "letters",
    "replayed",
    "first",
    "last",
    "most frequent reason",
];

/// The groups as columns, each as wide as its widest text; the last may be of any length.
fn table(groups: &[Group]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(groups.iter().map(cells));
    let mut widths = [0; HEAD.len() - 1];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for [cells @ .., last] in &rows {
        for (cell, width) in cells.iter().zip(widths) {
            // Writing to a string can't fail.
            let _ = write!(out, "{cell:width$}  ");
        }
        out.push_str(last);
        out.push('\n');
    }
    out
}

fn cells(group: &Group) -> [String; HEAD.len()] {
    let plugin = group.plugin.as_ref().map_or_else(
        || "-".to_owned(),
        |plugin| format!("{} {}", plugin.name, plugin.digest.get(..DIGEST_CHARS).unwrap_or(&plugin.digest)),
    );
    [
        group.pipeline.clone(),
        group.origin.clone(),
        group.kind.to_string(),
        plugin,
        group.num_letters.to_string(),
        group.num_replayed.to_string(),
        group.first.to_string(),
        group.last.to_string(),
        one_line(&group.reason, REASON_CHARS),
    ]
}

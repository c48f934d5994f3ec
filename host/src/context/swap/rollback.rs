//! Going back to a version that ran before.

use super::read::Code;
use super::swapper::Swapper;
use super::{SwapError, Swapped};
use crate::checkpoint::{How, VersionChange};

/// How many of the last changes can be taken back.
const CHANGES_WITH_CODE: usize = 64;

impl Swapper {
    /// Lets the plugin `plugin`, or that of the stream `plugin`, run a version again that ran before: the one that
    /// `digest` begins, or the one before the present one. Answers as `swap` does.
    pub fn rollback(&self, plugin: &str, digest: Option<&str>) -> Result<Swapped, SwapError> {
        let name = self.plugin_of(plugin)?.to_owned();
        let none = |problem: String| SwapError::NoVersion { plugin: name.clone(), problem };
        let Some(code) = &self.code else {
            let problem = "versions are kept in the checkpoint, and there is none; swap in the file instead";
            return Err(none(problem.to_owned()));
        };
        let history = self.history();
        let running = self.in_use().get(&name).map(|in_use| in_use.digest.clone()).unwrap_or_default();
        let target = match digest {
            Some(digest) => named(&history, &name, digest).map_err(none)?,
            None => before(&history, &name, &running).ok_or_else(|| {
                none(
                    "no version ran before this one; the history has all, name another one by its digest"
                        .to_owned(),
                )
            })?,
        };
        let file = code.read(&target)?;
        let swapped = self.swap_all(&[(name, Code::Bytes(file.bytes))], How::Rollback)?;
        swapped.into_iter().next().ok_or(SwapError::Ended)
    }
}

impl Swapper {
    /// Removes the files of versions that nobody will go back to.
    pub(in crate::context) fn forget_old(&self) {
        let Some(code) = &self.code else { return };
        let (history, in_use) = (self.history(), self.in_use());
        let late = history.iter().rev().take(CHANGES_WITH_CODE);
        let named = late.flat_map(|change| [Some(&change.digest), change.from.as_ref()]).flatten();
        let needed = named.chain(in_use.values().map(|in_use| &in_use.digest)).map(String::as_str);
        code.retain(&needed.collect());
    }
}

/// The version of `plugin` that `running` took the place of.
fn before(history: &[VersionChange], plugin: &str, running: &str) -> Option<String> {
    let mut changes = history.iter().rev().filter(|change| change.plugin == plugin);
    // Going back and failing make no version the one before.
    let is_step = |how| matches!(how, How::Start | How::Swap | How::Watch | How::Reload);
    let is_of_code = |change: &VersionChange| change.from.as_ref() != Some(&change.digest);
    changes.find(|change| change.digest == running && is_step(change.how) && is_of_code(change))?.from.clone()
}

/// The version of `plugin` whose digest begins with `digest`.
fn named(history: &[VersionChange], plugin: &str, digest: &str) -> Result<String, String> {
    let mut found: Vec<&str> = history
        .iter()
        .filter(|change| change.plugin == plugin)
        .flat_map(|change| [Some(&change.digest), change.from.as_ref()])
        .flatten()
        .map(String::as_str)
        .filter(|known| known.starts_with(digest))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(format!("no version ran whose digest begins with `{digest}`; the history has all")),
        several => Err(format!(
            "{} versions have a digest that begins with `{digest}`; write more of it",
            several.len()
        )),
    }
}

//! The list of cases that don't apply, or not yet, or that are held to something else on purpose.

use std::path::Path;

use anyhow::{Context, Result};
use glob::Pattern;
use serde::Deserialize;

use crate::Case;

/// The list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// In the order of the file; the first that fits a case counts.
    #[serde(default)]
    exception: Vec<Exception>,
}

/// Some cases, and why they are here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What becomes of them.
    pub kind: Kind,
    /// The operation they are about, or a pattern of it.
    op: Option<String>,
    /// Their name, or a pattern of it.
    id: Option<String>,
    /// A step that they take, by its operation, or a parameter that they have.
    has: Option<String>,
    /// Why.
    pub reason: String,
}

/// What becomes of the cases of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They don't apply, or the engine answers something else on purpose.
    NotApplicable,
    /// They will apply.
    NotYet,
    /// They pass with another expectation.
    Adapted,
}

impl Exceptions {
    /// The list in the file `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a list of exceptions", path.display()))
    }

    /// The exception that `case` falls under.
    pub fn of(&self, case: &Case) -> Option<&Exception> {
        self.exception.iter().find(|exception| exception.fits(case))
    }

    /// The exceptions of `self` that none of `cases` falls under.
    pub fn idle<'a>(&self, cases: impl Iterator<Item = &'a Case> + Clone) -> Vec<&Exception> {
        let is_idle = |exception: &&Exception| !cases.clone().any(|case| exception.fits(case));
        self.exception.iter().filter(is_idle).collect()
    }
}

impl Exception {
    fn fits(&self, case: &Case) -> bool {
        let matches = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| {
                pattern == text || Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text))
            })
        };
        let has = self.has.as_ref().is_none_or(|what| has(case, what));
        matches(&self.op, &case.op) && matches(&self.id, &case.id) && has
    }
}

fn has(case: &Case, what: &str) -> bool {
    match what {
        "no_batch" => case.all_inputs().iter().any(|input| input.iter().any(Option::is_none)),
        "inverse" => case.pipeline.iter().flatten().any(|step| step.inv.is_some() && step.filter.is_none()),
        _ => {
            let steps = case.pipeline.iter().flatten();
            case.params.contains_key(what)
                || steps.clone().any(|step| step.op == what || step.function == what)
        }
    }
}

//! The verdict on each case, and the table of all.

use std::collections::BTreeMap;
use std::fmt;

use crate::exceptions::Kind;
use crate::run::Held;
use crate::{Case, CaseFile, Exceptions, Failure, Harness};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It holds with another expectation, for this reason.
    Adapted(String),
    /// It doesn't hold, for this reason.
    Failed(String),
    /// It isn't asked of the engine, for this reason.
    Skipped {
        /// Why.
        reason: String,
        /// Whether the list of exceptions says so.
        is_listed: bool,
    },
}

/// The verdicts on files of cases.
#[derive(Debug, Default)]
pub struct Report {
    /// File by file, case by case, by their names.
    pub files: Vec<(String, Vec<(String, Verdict)>)>,
}

impl Verdict {
    fn of(case: &Case, harness: &Harness, exceptions: &Exceptions) -> Self {
        let exception = exceptions.of(case);
        let listed = |reason: &str| Self::Skipped { reason: reason.to_owned(), is_listed: true };
        match (harness.run(case), exception) {
            (Ok(Held::AsIs), None) => Self::Passed,
            (Ok(Held::AsIs), Some(exception)) if exception.kind == Kind::Adapted => Self::Passed,
            (Ok(Held::Adapted), Some(exception)) if exception.kind == Kind::Adapted => {
                Self::Adapted(exception.reason.clone())
            }
            (Ok(Held::Adapted), None) => {
                Self::Failed("it passes with another expectation only, and no exception says why".to_owned())
            }
            (Ok(_), Some(exception)) => {
                Self::Failed(format!("it passes, though the exceptions say: {}", exception.reason))
            }
            (Err(_), Some(exception)) if exception.kind != Kind::Adapted => listed(&exception.reason),
            (Err(Failure::Wrong(why)), _) => Self::Failed(why),
            (Err(Failure::Unsupported(reason)), _) => Self::Skipped { reason, is_listed: false },
        }
    }

    fn reason(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Passed => None,
            Self::Adapted(reason) => Some(("adapted", reason)),
            Self::Failed(reason) => Some(("failed", reason)),
            Self::Skipped { reason, .. } => Some(("skipped", reason)),
        }
    }
}

impl Report {
    /// Runs all cases of `files`.
    pub fn run(files: &[CaseFile], harness: &Harness, exceptions: &Exceptions) -> Self {
        let verdict = |case: &Case| (case.id.clone(), Verdict::of(case, harness, exceptions));
        let files = files.iter().map(|file| (file.name.clone(), file.cases.iter().map(verdict).collect()));
        Self { files: files.collect() }
    }

    /// All verdicts, by the names of the cases.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &Verdict)> {
        self.files.iter().flat_map(|(_, cases)| cases).map(|(id, verdict)| (id.as_str(), verdict))
    }

    /// How many cases of a file, or of all, passed, failed and were skipped.
    fn counts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> [usize; 3] {
        verdicts.fold([0; 3], |[passed, failed, skipped], verdict| match verdict {
            Verdict::Passed | Verdict::Adapted(_) => [passed + 1, failed, skipped],
            Verdict::Failed(_) => [passed, failed + 1, skipped],
            Verdict::Skipped { .. } => [passed, failed, skipped + 1],
        })
    }

    /// Whether a case failed.
    pub fn has_failed(&self) -> bool {
        self.verdicts().any(|(_, verdict)| matches!(verdict, Verdict::Failed(_)))
    }
}

/// Prints the reasons with the cases they hold for, then the table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for (id, verdict) in self.verdicts() {
            if let Some(reason) = verdict.reason() {
                reasons.entry(reason).or_default().push(id);
            }
        }
        for ((what, reason), ids) in &reasons {
            writeln!(f, "{what}: {reason}")?;
            ids.iter().try_for_each(|id| writeln!(f, "    {id}"))?;
        }
        writeln!(f, "\n{:<16} {:>6} {:>7} {:>7} {:>8}", "file", "cases", "passed", "failed", "skipped")?;
        for (name, cases) in &self.files {
            let [passed, failed, skipped] = Self::counts(cases.iter().map(|(_, verdict)| verdict));
            writeln!(f, "{name:<16} {:>6} {passed:>7} {failed:>7} {skipped:>8}", cases.len())?;
        }
        let [passed, failed, skipped] = Self::counts(self.verdicts().map(|(_, verdict)| verdict));
        write!(f, "\n{passed} passed, {failed} failed, {skipped} skipped")
    }
}

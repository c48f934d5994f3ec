//! Which versions of plugins ran, and how each came into use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::record::BatchTime;

/// A change of the code of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionChange {
    /// The plugin's name in the manifest.
    pub plugin: String,
    /// The SHA-256 of the file that is in use since.
    pub digest: String,
    /// That of the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The time of the first batch, in milliseconds since the Unix epoch.
    pub time: i64,
    /// How it came.
    pub how: How,
    /// Why, where something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it beside the one before, where it ran beside that first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowReport>,
}

/// What came of a new version while it ran beside the one in use: of rows that its streams put out, in batches in which
/// they were given rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShadowReport {
    /// Batches that both had.
    pub batches: u32,
    /// Rows that both put out.
    pub equal: u64,
    /// Rows in whose place the new version put out others: of the same key, or else in the same order.
    pub changed: u64,
    /// Rows that only the version in use put out.
    pub missing: u64,
    /// Rows that only the new version put out.
    pub added: u64,
    /// Rows that the streams of the version in use set aside.
    pub set_aside: u64,
    /// Rows that those of the new version set aside.
    pub new_set_aside: u64,
    /// The first rows that differ.
    pub samples: Vec<ShadowSample>,
    /// Why the new version failed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShadowSample {
    /// The stream.
    pub stream: String,
    /// As the version in use put it out; none where only the new one did.
    pub before: Option<String>,
    /// As the new version put it out; none where that didn't.
    pub after: Option<String>,
}

impl ShadowReport {
    /// Whether the two did anything differently.
    pub fn differs(&self) -> bool {
        self.failure.is_some()
            || self.set_aside != self.new_set_aside
            || [self.changed, self.missing, self.added].iter().any(|rows| *rows > 0)
    }
}

impl std::fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { batches, equal, changed, missing, added, set_aside, new_set_aside, .. } = self;
        write!(
            f,
            "beside {batches} batches: rows equal {equal}, changed {changed}, missing {missing}, added {added}"
        )?;
        if *set_aside > 0 || *new_set_aside > 0 {
            write!(f, ", set aside {new_set_aside} rather than {set_aside}")?;
        }
        self.failure.as_ref().map_or(Ok(()), |failure| write!(f, "; it failed: {failure}"))
    }
}

impl std::fmt::Display for ShadowSample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = |row: &Option<String>| row.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: {} rather than {}", self.stream, row(&self.after), row(&self.before))
    }
}

/// How a version of a plugin came into use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The pipeline started with it.
    Start,
    /// Somebody swapped it.
    Swap,
    /// Its file changed.
    Watch,
    /// Somebody went back to it.
    Rollback,
    /// The manifest was read again, and says something else of it.
    Reload,
    /// The one after it failed.
    Failed,
}

impl How {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Swap => "swap",
            Self::Watch => "watch",
            Self::Rollback => "rollback",
            Self::Reload => "reload",
            Self::Failed => "failed",
        }
    }
}

impl VersionChange {
    /// The first batch.
    pub const fn batch_time(&self) -> BatchTime {
        BatchTime::from_millis(self.time)
    }
}

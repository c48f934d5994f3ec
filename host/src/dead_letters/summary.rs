//! Letters counted by who set the rows aside and why.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use super::{Found, LetterError};
use crate::record::{BatchTime, DeadLetterKind, PluginId};

/// The letters that agree in pipeline, origin, kind and plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The pipeline.
    pub pipeline: String,
    /// The source or stream.
    pub origin: String,
    /// What went wrong, by kind.
    pub kind: DeadLetterKind,
    /// The plugin, where one didn't take the rows.
    pub plugin: Option<PluginId>,
    /// How many letters there are.
    #[serde(rename = "letters")]
    pub num_letters: u64,
    /// How many of them were replayed.
    #[serde(rename = "replayed")]
    pub num_replayed: u64,
    /// The time of the first batch.
    #[serde(serialize_with = "as_text")]
    pub first: BatchTime,
    /// The time of the last batch.
    #[serde(serialize_with = "as_text")]
    pub last: BatchTime,
    /// The most frequent reason; of several the one that came first.
    pub reason: String,
}

fn as_text<S: Serializer>(time: &BatchTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// How many different reasons are counted in a group. Those that come later are not, so that reasons which name values
/// don't fill the memory.
const MAX_REASONS: usize = 10_000;

type Key = (String, String, DeadLetterKind, Option<PluginId>);

/// What is counted of a group.
struct Counts {
    num_letters: u64,
    num_replayed: u64,
    first: BatchTime,
    last: BatchTime,
    reasons: IndexMap<String, u64>,
}

/// Counts `letters`, in groups as they first appear.
pub fn summarize(
    letters: impl Iterator<Item = Result<Found, LetterError>>,
) -> Result<Vec<Group>, LetterError> {
    let mut groups: IndexMap<Key, Counts> = IndexMap::new();
    for found in letters {
        let Found { letter, replayed, .. } = found?;
        let time = letter.batch_time;
        let key = (letter.pipeline, letter.origin, letter.kind, letter.plugin);
        let counts = groups.entry(key).or_insert_with(|| Counts {
            num_letters: 0,
            num_replayed: 0,
            first: time,
            last: time,
            reasons: IndexMap::new(),
        });
        counts.num_letters += 1;
        counts.num_replayed += u64::from(replayed);
        counts.first = counts.first.min(time);
        counts.last = counts.last.max(time);
        if let Some(num) = counts.reasons.get_mut(&letter.reason) {
            *num += 1;
        } else if counts.reasons.len() < MAX_REASONS {
            counts.reasons.insert(letter.reason, 1);
        }
    }
    Ok(groups.into_iter().map(|(key, counts)| group(key, counts)).collect())
}

fn group((pipeline, origin, kind, plugin): Key, counts: Counts) -> Group {
    let mut reasons = counts.reasons.into_iter();
    let first = reasons.next().unwrap_or_default();
    let (reason, _) = reasons.fold(first, |most, next| if next.1 > most.1 { next } else { most });
    Group {
        pipeline,
        origin,
        kind,
        plugin,
        num_letters: counts.num_letters,
        num_replayed: counts.num_replayed,
        first: counts.first,
        last: counts.last,
        reason,
    }
}

//! What a checkpoint says of the pipeline that wrote it, and how another one differs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A pipeline as far as its checkpoint depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Its name.
    pub pipeline: String,
    /// The time from one batch to the next, in milliseconds.
    pub interval: i64,
    /// The kind of each source.
    pub sources: IndexMap<String, String>,
    /// The streams that keep something.
    pub streams: IndexMap<String, StreamContents>,
    /// The digest of each plugin.
    pub plugins: IndexMap<String, String>,
}

/// A stream that keeps something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamContents {
    /// What it keeps.
    pub keeps: String,
    /// How many partitions that is spread over.
    pub partitions: usize,
}

/// A difference between a pipeline and the one that wrote the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The batch interval is another one, so that batches are counted anew.
    Interval,
    /// Harmless: it is told.
    Told(String),
    /// What it kept is left behind, because the user said so.
    Dropped(String),
    /// It can't go on from there, unless the user says that what it kept is to be left behind.
    Refused {
        /// The source or stream.
        name: String,
        /// Why.
        problem: String,
    },
}

impl Contents {
    /// How `self` differs from `before`. What a user wants to leave behind is in `dropped`.
    pub fn differences(&self, before: &Self, dropped: &[String]) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut differ = |name: &String, problem: String| {
            found.push(match dropped.contains(name) {
                true => Difference::Dropped(name.clone()),
                false => Difference::Refused { name: name.clone(), problem },
            });
        };
        for (name, kept) in &before.streams {
            match self.streams.get(name) {
                None => differ(name, format!("stream `{name}` kept something ({}), and is gone", kept.keeps)),
                Some(now) if now.keeps != kept.keeps => {
                    differ(
                        name,
                        format!("stream `{name}` kept {}, and now would keep {}", kept.keeps, now.keeps),
                    );
                }
                Some(now) if now.partitions != kept.partitions => differ(
                    name,
                    format!(
                        "what stream `{name}` kept is spread over {} partitions, and `partitions` is {} now",
                        kept.partitions, now.partitions
                    ),
                ),
                Some(_) if dropped.contains(name) => differ(name, String::new()),
                Some(_) => {}
            }
        }
        for (name, kind) in &before.sources {
            match self.sources.get(name) {
                None => differ(
                    name,
                    format!("source `{name}` is gone, and what of it was not processed yet with it"),
                ),
                Some(now) if now != kind => {
                    differ(name, format!("source `{name}` was of kind \"{kind}\", and is \"{now}\" now"));
                }
                Some(_) if dropped.contains(name) => differ(name, String::new()),
                Some(_) => {}
            }
        }
        let mut tell = |text: String| found.push(Difference::Told(text));
        for name in self.streams.keys().filter(|name| !before.streams.contains_key(*name)) {
            tell(format!("stream `{name}` is new and begins with nothing"));
        }
        for name in self.sources.keys().filter(|name| !before.sources.contains_key(*name)) {
            tell(format!("source `{name}` is new and is read from its start"));
        }
        for (name, digest) in &self.plugins {
            match before.plugins.get(name) {
                None => tell(format!("plugin `{name}` is new")),
                Some(old) if old != digest => tell(format!("plugin `{name}` has other code than before")),
                Some(_) => {}
            }
        }
        if self.interval != before.interval {
            found.push(Difference::Interval);
            let mut tell = |text: String| found.push(Difference::Told(text));
            tell(format!("the batch interval was {} ms, and is {} ms now", before.interval, self.interval));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(keeps: &str, partitions: usize) -> Contents {
        let stream = StreamContents { keeps: keeps.to_owned(), partitions };
        Contents {
            pipeline: "p".to_owned(),
            interval: 1000,
            sources: [("lines".to_owned(), "directory".to_owned())].into(),
            streams: [("totals".to_owned(), stream)].into(),
            plugins: [("sum".to_owned(), "abc".to_owned())].into(),
        }
    }

    #[test]
    fn the_same_pipeline_goes_on() {
        assert!(contents("x", 8).differences(&contents("x", 8), &[]).is_empty());
    }

    #[test]
    fn what_no_longer_fits_is_refused_or_left_behind_on_request() {
        let before = contents("x", 8);
        let gone = Contents { streams: IndexMap::new(), sources: IndexMap::new(), ..before.clone() };
        for (now, name) in [
            (contents("y", 8), "totals"),
            (contents("x", 4), "totals"),
            (gone.clone(), "totals"),
            (gone, "lines"),
        ] {
            let refused = |found: Vec<Difference>| {
                found.into_iter().any(|d| matches!(d, Difference::Refused { name: n, .. } if n == name))
            };
            assert!(refused(now.differences(&before, &[])));
            assert!(!refused(now.differences(&before, &[name.to_owned()])));
        }
    }

    #[test]
    fn what_is_new_or_has_other_code_is_told() {
        let before = contents("x", 8);
        let mut now = before.clone();
        now.plugins.insert("sum".to_owned(), "def".to_owned());
        now.sources.insert("more".to_owned(), "socket".to_owned());
        now.interval = 10;
        let told = now.differences(&before, &[]);
        assert_eq!(told.len(), 4);
        let refused = told.iter().any(|difference| matches!(difference, Difference::Refused { .. }));
        assert!(!refused && told.contains(&Difference::Interval));
    }
}

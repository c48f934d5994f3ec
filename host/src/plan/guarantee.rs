//! What is guaranteed of rows from a source to a sink when the host crashes, in words.
//!
//! What the source can say again, what the sink does with what comes again, and whether there is a checkpoint, make it.

use std::fmt;

use crate::manifest::{NodeRef, Pipeline};
use crate::sink::Delivery;
use crate::source::Recovery;

/// What is guaranteed of rows on one way through a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Where rows come from.
    pub source: String,
    /// Where they go.
    pub sink: String,
    /// How often each is seen.
    pub promise: Promise,
    /// What this means, where it isn't all.
    pub notes: Vec<&'static str>,
}

/// How often a row is seen at a sink, whatever crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Once.
    ExactlyOnce,
    /// Once or more.
    AtLeastOnce,
    /// Once or never.
    AtMostOnce,
    /// Never, once or more.
    None,
    /// The sink keeps nothing.
    Nowhere,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExactlyOnce => "exactly once",
            Self::AtLeastOnce => "at least once",
            Self::AtMostOnce => "at most once",
            Self::None => "no promise",
            Self::Nowhere => "nothing is kept",
        })
    }
}

impl fmt::Display for Guarantee {
    /// As `lines -> counts: at most once; what was received …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.source, self.sink, self.promise)?;
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// The guarantee of every way from a source to a sink.
pub fn guarantees(pipeline: &Pipeline) -> Vec<Guarantee> {
    let is_checkpointed = pipeline.checkpoint.is_some();
    let mut found = Vec::new();
    for (sink, output) in &pipeline.sinks {
        let reached = pipeline.reaching(vec![output.from.as_str()]);
        for (index, (name, source)) in pipeline.sources.iter().enumerate() {
            if reached.contains(&NodeRef::Source(index)) {
                let (promise, notes) = promise(source.recovery(), output.sink.delivery(), is_checkpointed);
                found.push(Guarantee { source: name.clone(), sink: sink.clone(), promise, notes });
            }
        }
    }
    found
}

/// What one end of a way does.
#[derive(Clone, Copy, Default)]
struct Part {
    loses: bool,
    repeats: bool,
    note: Option<&'static str>,
}

fn promise(recovery: Recovery, delivery: Delivery, is_checkpointed: bool) -> (Promise, Vec<&'static str>) {
    if delivery == Delivery::Nowhere {
        return (Promise::Nowhere, Vec::new());
    }
    let parts = [source_part(recovery, is_checkpointed), sink_part(delivery, is_checkpointed)];
    let loses = parts.iter().any(|part| part.loses);
    let repeats = parts.iter().any(|part| part.repeats);
    let promise = match (loses, repeats) {
        (false, false) => Promise::ExactlyOnce,
        (false, true) => Promise::AtLeastOnce,
        (true, false) => Promise::AtMostOnce,
        (true, true) => Promise::None,
    };
    (promise, parts.iter().filter_map(|part| part.note).collect())
}

fn source_part(recovery: Recovery, is_checkpointed: bool) -> Part {
    let loses = |note| Part { loses: true, repeats: false, note: Some(note) };
    let repeats = |note| Part { loses: false, repeats: true, note: Some(note) };
    match recovery {
        Recovery::ReadAgain { .. } if is_checkpointed => Part::default(),
        Recovery::ReadAgain { from_start: true } => {
            repeats("without a checkpoint, a restart reads all again")
        }
        Recovery::ReadAgain { from_start: false } => {
            loses("without a checkpoint, a restart reads nothing that was there before")
        }
        Recovery::Acknowledged => Part::default(),
        Recovery::Logged => Part { note: Some("what was on its way in a crash is lost"), ..Part::default() },
        Recovery::Lost => loses("what was received and not yet processed is lost in a crash"),
    }
}

fn sink_part(delivery: Delivery, is_checkpointed: bool) -> Part {
    match delivery {
        Delivery::Again if is_checkpointed => Part {
            loses: false,
            repeats: true,
            note: Some("after a crash, rows of the last batches may come again"),
        },
        Delivery::Unconfirmed => Part {
            loses: true,
            repeats: true,
            note: Some("when a connection breaks, rows on their way may be lost or come again"),
        },
        // Without a checkpoint, no batch comes again.
        Delivery::Once | Delivery::Again | Delivery::Nowhere => Part::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(recovery: Recovery, delivery: Delivery, is_checkpointed: bool) -> Promise {
        promise(recovery, delivery, is_checkpointed).0
    }

    #[test]
    fn the_weaker_end_says_what_is_promised() {
        let read_again = Recovery::ReadAgain { from_start: false };
        for exact in [read_again, Recovery::Acknowledged, Recovery::Logged] {
            assert_eq!(of(exact, Delivery::Once, true), Promise::ExactlyOnce);
            assert_eq!(of(exact, Delivery::Again, true), Promise::AtLeastOnce);
            assert_eq!(of(exact, Delivery::Unconfirmed, true), Promise::None);
        }
        assert_eq!(of(Recovery::Lost, Delivery::Once, true), Promise::AtMostOnce);
        assert_eq!(of(Recovery::Lost, Delivery::Again, true), Promise::None);
    }

    #[test]
    fn without_a_checkpoint_nothing_comes_again_but_what_is_read_again() {
        assert_eq!(of(Recovery::Lost, Delivery::Once, false), Promise::AtMostOnce);
        assert_eq!(of(Recovery::Lost, Delivery::Again, false), Promise::AtMostOnce);
        let read = |from_start| of(Recovery::ReadAgain { from_start }, Delivery::Once, false);
        assert_eq!((read(true), read(false)), (Promise::AtLeastOnce, Promise::AtMostOnce));
        assert_eq!(of(Recovery::Lost, Delivery::Nowhere, false), Promise::Nowhere);
    }
}

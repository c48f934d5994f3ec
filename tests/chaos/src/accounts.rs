//! What came out, and whether that is what has to.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail, ensure};

use crate::feed::Sent;
use crate::record::{Origin, Record};

/// The lines that one run of the program was sent.
#[derive(Clone, Debug)]
pub struct Run {
    pub sent: RangeInclusive<u64>,
    /// How many of them the program said that it had logged.
    pub num_logged: u64,
}

/// What a key's values came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub min: i64,
    pub max: i64,
    pub sum: i64,
    pub count: u64,
}

impl fmt::Display for Figures {
    /// As csv.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.min, self.max, self.sum, self.count)
    }
}

/// The figures of each key.
pub type Keys = BTreeMap<u64, Figures>;

/// How often each record came out.
#[derive(Default)]
pub struct Accounts {
    /// By origin and number, from 1.
    seen: [Vec<bool>; 3],
    keys: Keys,
    num_seen: u64,
}

impl Accounts {
    /// A line came out.
    pub fn enter(&mut self, line: &str) -> Result<()> {
        let record = Record::from_line(line).with_context(|| format!("`{line}` was never sent"))?;
        let place = usize::try_from(record.number)?;
        let seen = self.seen.get_mut(record.origin as usize).context("there are three origins")?;
        if seen.len() <= place {
            seen.resize(place + 1, false);
        }
        match seen.get_mut(place) {
            Some(seen) if !*seen => *seen = true,
            _ => bail!("`{line}` came out twice"),
        }
        self.num_seen += 1;
        add(&mut self.keys, record);
        Ok(())
    }

    /// How many records came out.
    pub fn num_seen(&self) -> u64 {
        self.num_seen
    }

    pub fn has_seen(&self, origin: Origin, number: u64) -> bool {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.seen.get(origin as usize).and_then(|seen| seen.get(place)).copied().unwrap_or(false)
    }

    /// Whether all came out that has to in the end; of the last run that is all of its lines.
    pub fn is_complete(&self, sent: &Sent, runs: &[Run]) -> bool {
        let is_out = |number| self.has_seen(Origin::Lines, number);
        (1..=sent.frames).all(|number| self.has_seen(Origin::Frames, number))
            && (1..=sent.files).all(|number| self.has_seen(Origin::Files, number))
            && runs.last().is_none_or(|run| run.sent.clone().all(is_out))
    }

    /// Compares it with what was sent. Answers how many lines of plain connections came out, and how many were lost on
    /// their way.
    pub fn check(&self, sent: &Sent, runs: &[Run]) -> Result<(u64, u64)> {
        let mut expected = Keys::new();
        for (origin, last) in [(Origin::Frames, sent.frames), (Origin::Files, sent.files)] {
            for number in 1..=last {
                let record = Record { origin, number };
                ensure!(self.has_seen(origin, number), "`{}` was lost", record.line());
                add(&mut expected, record);
            }
        }
        let (mut num_out, mut num_lost) = (0, 0);
        for (place, Run { sent, num_logged }) in runs.iter().enumerate() {
            let is_out = |number: &u64| self.has_seen(Origin::Lines, *number);
            let out: Vec<u64> = sent.clone().take_while(is_out).collect();
            let all = sent.clone().filter(is_out).count();
            ensure!(
                out.len() == all,
                "of the lines {sent:?} one in the middle was lost, after {:?}",
                out.last()
            );
            ensure!(
                out.len() as u64 >= *num_logged,
                "run {place} had logged {num_logged} of the lines {sent:?}, and {} came out",
                out.len()
            );
            num_out += out.len() as u64;
            num_lost += sent.clone().count() as u64 - out.len() as u64;
            out.into_iter().for_each(|number| add(&mut expected, Record { origin: Origin::Lines, number }));
        }
        compare("what came out", &self.keys, &expected)?;
        ensure!(self.num_seen == sent.frames + sent.files + num_out, "more came out than was sent");
        Ok((num_out, num_lost))
    }

    /// The figures of each key, of all that came out.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

fn add(keys: &mut Keys, record: Record) {
    let value = record.value();
    let new = Figures { min: value, max: value, sum: 0, count: 0 };
    let figures = keys.entry(record.key()).or_insert(new);
    figures.min = figures.min.min(value);
    figures.max = figures.max.max(value);
    figures.sum += value;
    figures.count += 1;
}

/// Fails where keys differ, with the first of them.
pub fn compare(what: &str, found: &Keys, expected: &Keys) -> Result<()> {
    for key in found.keys().chain(expected.keys()) {
        let (found, expected) = (found.get(key), expected.get(key));
        ensure!(found == expected, "{what} of key {key}: {found:?} instead of {expected:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(records: &[(Origin, u64)]) -> Accounts {
        let mut accounts = Accounts::default();
        records.iter().for_each(|&(origin, number)| {
            accounts.enter(&Record { origin, number }.line()).unwrap_or_default()
        });
        accounts
    }

    const SENT: Sent = Sent { frames: 2, files: 1 };

    #[test]
    fn what_is_lost_twice_or_made_up_is_told() {
        use Origin::{Files, Frames, Lines};
        let runs = [Run { sent: 1..=4, num_logged: 1 }];
        let all = [(Frames, 1), (Frames, 2), (Files, 1), (Lines, 1), (Lines, 2)];
        let accounts = entered(&all);
        assert_eq!(accounts.check(&SENT, &runs).ok(), Some((2, 2)));
        assert!(!accounts.is_complete(&SENT, &runs), "the last run was not killed");
        let problem = |accounts: &Accounts, runs: &[Run]| {
            accounts.check(&SENT, runs).map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert!(problem(&entered(&all[1..]), &runs).contains("was lost"));
        let more_logged = [Run { sent: 1..=4, num_logged: 3 }];
        assert!(problem(&accounts, &more_logged).contains("had logged 3"));
        let gap = entered(&[&all[..3], &[(Lines, 1), (Lines, 3)]].concat());
        assert!(problem(&gap, &runs).contains("in the middle was lost"));
        let mut twice = entered(&all);
        assert!(twice.enter(&Record { origin: Files, number: 1 }.line()).is_err());
        assert!(twice.enter("files,9,k1,1").is_err());
    }
}

//! A look at the store's journals before the store opens them.
//!
//! The store cuts a journal off at the first write that isn't whole, wherever that is. That is right at the end, where
//! a crash tore the last write off, and would lose epochs without a word anywhere else. So here what was torn is told
//! from what is damaged: a write that isn't whole was torn if no whole one follows it, and if its end is missing or a
//! sector of it was never written. The former is cut off, the latter is an error.
//!
//! A journal is what fjall writes as format 3: writes one after the other, each a `START` with the number of its items,
//! so many items, and an `END` with their XXH3; behind the last one there are zeros, because room is made in advance.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::error::CheckpointError;

/// The file that says which format the store has, and what is in it where the journals are as told above.
const VERSION: (&str, &[u8]) = ("version", b"FJL\x03");

/// What each write ends with.
const TRAILER: &[u8] = b"FJL\x03";

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// The bytes of a start, and of an end with its trailer.
const START_BYTES: usize = 13;
const END_BYTES: usize = 9 + TRAILER.len();

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Cuts off what a crash tore in the store in `folder`, and fails where something else is wrong.
pub(super) fn mend(checkpoint: &Path, folder: &Path) -> Result<(), CheckpointError> {
    let failed = |path: &Path, error: io::Error| CheckpointError::Store {
        action: "read its journals",
        path: path.to_owned(),
        problem: error.to_string(),
    };
    if fs::read(folder.join(VERSION.0)).is_ok_and(|version| version != VERSION.1) {
        // The store itself says what it is.
        return Ok(());
    }
    let journals = list(folder).map_err(|error| failed(folder, error))?;
    for (place, path) in journals.iter().enumerate() {
        let bytes = read(path).map_err(|error| failed(path, error))?;
        let is_last = place + 1 == journals.len();
        match ending(&bytes) {
            Ending::Whole => {}
            Ending::Torn(torn) if is_last => {
                cut(path, torn.start).map_err(|error| failed(path, error))?;
                tracing::warn!(
                    journal = %path.display(),
                    bytes = torn.len(),
                    "cut off the beginning of a write that a crash had left; it was not finished"
                );
            }
            Ending::Torn(broken) | Ending::Damaged(broken) => {
                let problem = format!("{} is damaged at byte {}", path.display(), broken.start);
                return Err(CheckpointError::Damaged { path: checkpoint.to_owned(), problem });
            }
        }
    }
    Ok(())
}

/// The journals, oldest first.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

fn cut(path: &Path, len: usize) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(len as u64)?;
    file.sync_all()
}

/// A file up to the zeros that it ends with.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let (mut bytes, mut piece, mut num_zeros) = (Vec::new(), vec![0; 1 << 16], 0);
    loop {
        let num_read = file.read(&mut piece)?;
        let Some(found) = piece.get(..num_read).filter(|found| !found.is_empty()) else { return Ok(bytes) };
        let len = found.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if let Some(found) = found.get(..len).filter(|found| !found.is_empty()) {
            bytes.resize(bytes.len() + std::mem::take(&mut num_zeros), 0);
            bytes.extend_from_slice(found);
        }
        num_zeros += num_read - len;
    }
}

/// How a journal ends.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// With a whole write.
    Whole,
    /// With what a crash left of one.
    Torn(Range<usize>),
    /// Something in it isn't what was written.
    Damaged(Range<usize>),
}

fn ending(bytes: &[u8]) -> Ending {
    let (mut start, mut last) = (0, None);
    while let Some(write) = bytes.get(start..).and_then(whole) {
        if last.is_some_and(|last| write.sequence <= last) {
            return Ending::Damaged(start..bytes.len());
        }
        start += write.len;
        last = Some(write.sequence);
    }
    let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) else { return Ending::Whole };
    let broken = start..bytes.len();
    let follows = memchr::memchr_iter(START, rest).skip_while(|at| *at == 0);
    let is_followed = follows.into_iter().any(|at| rest.get(at..).and_then(whole).is_some());
    match is_followed || (rest.ends_with(TRAILER) && !has_hole(start, rest)) {
        true => Ending::Damaged(broken),
        false => Ending::Torn(broken),
    }
}

/// Whether a sector of `bytes`, which begin at `start` of a file, is all zeros. One that they share with what is before
/// counts too.
fn has_hole(start: usize, bytes: &[u8]) -> bool {
    let first = SECTOR - start % SECTOR;
    let (first, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    [first].into_iter().chain(rest.chunks(SECTOR)).any(|sector| sector.iter().all(|byte| *byte == 0))
}

/// A whole write: its bytes, and its sequence number, which is above that of the one before.
struct Write {
    len: usize,
    sequence: u64,
}

/// The whole write with which `bytes` begin; none where they begin with none.
fn whole(bytes: &[u8]) -> Option<Write> {
    let mut rest = Fields(bytes);
    (rest.number::<1>()? == u64::from(START)).then_some(())?;
    let num_items = rest.number::<4>()?;
    let sequence = rest.number::<8>()?;
    for _ in 0..num_items {
        match u8::try_from(rest.number::<1>()?).ok()? {
            ITEM => rest.item()?,
            CLEAR => rest.number::<8>().map(|_| ())?,
            _ => return None,
        }
    }
    let len = bytes.len() - rest.0.len();
    let items = bytes.get(START_BYTES..len)?;
    (rest.number::<1>()? == u64::from(END)).then_some(())?;
    let checksum = rest.number::<8>()?;
    let is_whole = rest.bytes(TRAILER.len())? == TRAILER && xxh3_64(items) == checksum;
    is_whole.then_some(Write { len: len + END_BYTES, sequence })
}

/// Numbers and bytes, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A number of `N` bytes, the lowest first.
    fn number<const N: usize>(&mut self) -> Option<u64> {
        Some(self.bytes(N)?.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// Passes over what an item has behind its tag.
    fn item(&mut self) -> Option<()> {
        let (_kind, _compression, _keyspace) =
            (self.number::<1>()?, self.number::<1>()?, self.number::<8>()?);
        let (key, _whole, value) = (self.number::<2>()?, self.number::<4>()?, self.number::<4>()?);
        self.bytes(usize::try_from(key + value).ok()?).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    use super::*;

    /// The journal of a store with three writes, and where each of them ends.
    fn journal() -> (tempfile::TempDir, Vec<u8>, Vec<usize>) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::builder(folder.path()).open().unwrap();
        let keyspace = database.keyspace("rows", KeyspaceCreateOptions::default).unwrap();
        let mut ends = Vec::new();
        for number in 0..3_u8 {
            let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
            batch.insert(&keyspace, [number], vec![number + 1; 2000]);
            batch.insert(&keyspace, [number, 1], (0..10_000).map(|n| n as u8).collect::<Vec<_>>());
            batch.remove(&keyspace, [number, 2]);
            batch.commit().unwrap();
            ends.push(read(&folder.path().join("0.jnl")).unwrap().len());
        }
        drop(database);
        let bytes = read(&folder.path().join("0.jnl")).unwrap();
        (folder, bytes, ends)
    }

    #[test]
    fn what_the_store_writes_is_whole() {
        let (folder, bytes, ends) = journal();
        assert!(ends.windows(2).all(|ends| ends[0] < ends[1]), "{ends:?}");
        assert_eq!(ending(&bytes), Ending::Whole);
        mend(folder.path(), folder.path()).unwrap();
    }

    #[test]
    fn a_cut_anywhere_is_torn_and_leaves_the_writes_before_it() {
        let (_folder, bytes, ends) = journal();
        for len in (1..bytes.len()).step_by(37).chain(ends[1] - 20..ends[1] + 20) {
            let whole = ends.iter().copied().filter(|end| *end <= len).max().unwrap_or(0);
            let found = ending(&bytes[..len]);
            match len == whole {
                true => assert_eq!(found, Ending::Whole, "cut at {len}"),
                // Writes before the first that is counted here are the store's own.
                false => assert!(matches!(found, Ending::Torn(torn) if torn.start >= whole), "cut at {len}"),
            }
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_is_damage() {
        let (_folder, bytes, ends) = journal();
        for at in (0..bytes.len()).step_by(41) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            let is_last_number = (ends[1] + 5..ends[1] + START_BYTES).contains(&at);
            assert!(is_last_number || matches!(ending(&bytes), Ending::Damaged(_)), "byte {at}");
        }
    }

    #[test]
    fn a_last_write_of_which_a_sector_is_missing_is_torn() {
        let (_folder, mut bytes, ends) = journal();
        let hole = (ends[1] / SECTOR + 2) * SECTOR;
        bytes[hole..hole + SECTOR].fill(0);
        assert!(matches!(ending(&bytes), Ending::Torn(torn) if torn.start == ends[1]));
    }

    #[test]
    fn what_is_torn_is_cut_off_the_last_journal_and_is_damage_in_any_other() {
        let (folder, bytes, ends) = journal();
        let (first, second) = (folder.path().join("0.jnl"), folder.path().join("1.jnl"));
        fs::write(&first, &bytes[..bytes.len() - 1]).unwrap();
        fs::write(&second, b"").unwrap();
        let error = mend(folder.path(), folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("0.jnl is damaged at byte {}", ends[1])), "{error}");
        fs::remove_file(&second).unwrap();
        mend(folder.path(), folder.path()).unwrap();
        assert_eq!(fs::read(&first).unwrap(), bytes[..ends[1]]);
    }
}

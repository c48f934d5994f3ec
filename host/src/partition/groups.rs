//! Numbers for keys: the first key seen is 0, the next new one 1, and so on.
//!
//! Keys come in as bytes; out come dense ids in the order of first appearance, and in the end the keys themselves
//! one after the other. This is the hottest loop of the host. A key of up to 16 bytes is read as two numbers, with
//! no branch on its length, hashed as numbers, and compared with the ones that lie in the table.

use hashbrown::HashTable;

use super::keys::{Keys, key_hash};

/// Keys of up to this many bytes lie in the table itself.
const INLINE_BYTES: usize = 16;

/// Keys and their ids.
#[derive(Default)]
pub struct Groups {
    table: HashTable<Slot>,
    hashes: Vec<u64>,
    ends: Vec<i32>,
    data: Vec<u8>,
}

/// A key in the table: its length and, where they are all of it, its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    head: u64,
    tail: u64,
    len: u32,
    id: u32,
}

/// There are more keys, or more bytes of them, than a partition can hold.
#[derive(Debug, thiserror::Error)]
#[error("the keys of a partition take more than 2 GiB; use more partitions or a shorter batch interval")]
pub struct TooManyKeys;

impl Groups {
    /// How many keys were seen.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether no key was seen.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Appends the id of each of `keys` to `ids`.
    pub fn ids(&mut self, keys: &Keys, ids: &mut Vec<u32>) -> Result<(), TooManyKeys> {
        ids.reserve(keys.len());
        let mut found = Ok(());
        match keys {
            Keys::Nothing(0) => {}
            Keys::Nothing(num_rows) => {
                let id = self.id(&[], (0, 0))?;
                ids.resize(ids.len() + num_rows, id);
            }
            Keys::Text(array) => {
                let data = array.value_data();
                let offsets = array.value_offsets();
                for (start, end) in offsets.iter().zip(offsets.iter().skip(1)) {
                    // Arrow's offsets are never negative.
                    let (start, end) = (*start as usize, *end as usize);
                    let key = data.get(start..end).unwrap_or_default();
                    let halves = match data.get(start..).and_then(<[u8]>::first_chunk) {
                        Some(chunk) if key.len() <= INLINE_BYTES => masked(*chunk, key.len()),
                        _ => halves(key),
                    };
                    match self.id(key, halves) {
                        Ok(id) => ids.push(id),
                        Err(error) => found = Err(error),
                    }
                }
            }
            Keys::Rows(rows) => {
                rows.iter().for_each(|row| match self.id(row.as_ref(), halves(row.as_ref())) {
                    Ok(id) => ids.push(id),
                    Err(error) => found = Err(error),
                })
            }
        }
        found
    }

    /// The id of `key`, whose first bytes are also in `halves`.
    #[inline]
    fn id(&mut self, key: &[u8], (head, tail): (u64, u64)) -> Result<u32, TooManyKeys> {
        let len = u32::try_from(key.len()).map_err(|_| TooManyKeys)?;
        let is_inline = key.len() <= INLINE_BYTES;
        let hash = if is_inline { mix(head, tail, len) } else { key_hash(key) };
        let (ends, data) = (&self.ends, &self.data);
        let same = |slot: &Slot| {
            let same = (slot.head == head) & (slot.tail == tail) & (slot.len == len);
            same && (is_inline || stored(ends, data, slot.id) == key)
        };
        match self.table.find(hash, same) {
            Some(slot) => Ok(slot.id),
            None => self.add(key, hash, (head, tail), len),
        }
    }

    /// The id of `key`, where it was seen.
    pub fn get(&self, key: &[u8]) -> Option<u32> {
        let (head, tail) = halves(key);
        let len = u32::try_from(key.len()).ok()?;
        let hash = if key.len() <= INLINE_BYTES { mix(head, tail, len) } else { key_hash(key) };
        self.table.find(hash, |slot| stored(&self.ends, &self.data, slot.id) == key).map(|slot| slot.id)
    }

    /// Gives a new key its id.
    #[cold]
    fn add(&mut self, key: &[u8], hash: u64, (head, tail): (u64, u64), len: u32) -> Result<u32, TooManyKeys> {
        let id = u32::try_from(self.hashes.len()).map_err(|_| TooManyKeys)?;
        let end = i32::try_from(self.data.len() + key.len()).map_err(|_| TooManyKeys)?;
        self.hashes.push(hash);
        self.ends.push(end);
        self.data.extend_from_slice(key);
        let hashes = &self.hashes;
        let rehash = |slot: &Slot| hashes.get(slot.id as usize).copied().unwrap_or(0);
        self.table.insert_unique(hash, Slot { head, tail, len, id }, rehash);
        Ok(id)
    }

    /// All keys in the order of their ids, as offsets (one more than there are keys) and bytes, and forgets them.
    pub fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        self.table.clear();
        self.hashes.clear();
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        (offsets, std::mem::take(&mut self.data))
    }
}

fn stored<'a>(ends: &[i32], data: &'a [u8], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = id.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(id).copied().unwrap_or(0);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) => data.get(start..end).unwrap_or_default(),
        _ => &[],
    }
}

/// The first 16 bytes of a key, with zeros where it is shorter.
fn halves(key: &[u8]) -> (u64, u64) {
    let mut bytes = [0; INLINE_BYTES];
    let len = key.len().min(INLINE_BYTES);
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    masked(bytes, len)
}

/// The first `len` bytes of `bytes`, with zeros behind.
#[inline]
fn masked(bytes: [u8; INLINE_BYTES], len: usize) -> (u64, u64) {
    let all = u128::from_le_bytes(bytes);
    let unused = 8 * INLINE_BYTES.saturating_sub(len) as u32;
    let kept = all & u128::MAX.checked_shr(unused).unwrap_or(0);
    // Both halves, on purpose.
    (kept as u64, (kept >> 64) as u64)
}

/// A hash for the table alone: it is never kept, so it may change.
#[inline]
fn mix(head: u64, tail: u64, len: u32) -> u64 {
    const A: u64 = 0x9e37_79b9_7f4a_7c15;
    const B: u64 = 0xd6e8_feb8_6659_fd93;
    let product = u128::from(head ^ A) * u128::from(tail ^ B ^ (u64::from(len) << 56));
    let folded = (product as u64) ^ ((product >> 64) as u64);
    let product = u128::from(folded) * u128::from(A);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn ids(groups: &mut Groups, keys: &[&str]) -> Vec<u32> {
        let mut ids = Vec::new();
        groups.ids(&Keys::Text(StringArray::from(keys.to_vec())), &mut ids).unwrap();
        ids
    }

    #[test]
    fn ids_count_up_in_order_of_first_appearance() {
        let mut groups = Groups::default();
        let long_a = "a".repeat(20);
        let long_b = format!("{}b{}", "a".repeat(17), "a".repeat(2));
        let keys = ["x", "", "xy", "x", "\0", "\0\0", "", &long_a, &long_b, &long_a];
        assert_eq!(ids(&mut groups, &keys), [0, 1, 2, 0, 3, 4, 1, 5, 6, 5]);
        assert_eq!((groups.get(b"xy"), groups.get(long_b.as_bytes())), (Some(2), Some(6)));
        assert_eq!((groups.get(b"y"), groups.get("a".repeat(21).as_bytes())), (None, None));
        let (offsets, data) = groups.take();
        assert_eq!(offsets, [0, 1, 1, 3, 4, 6, 26, 46]);
        assert_eq!(data.len(), 46);
        assert!(groups.is_empty());
        assert_eq!(ids(&mut groups, &["new"]), [0]);
    }

    #[test]
    fn keys_of_every_length_are_told_apart_wherever_they_stand() {
        let keys: Vec<String> = (0..40).map(|len| "k".repeat(len)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let all: Vec<u32> = (0..40).collect();
        let mut groups = Groups::default();
        assert_eq!(ids(&mut groups, &keys), all);
        let backwards: Vec<&str> = keys.iter().rev().copied().collect();
        assert_eq!(ids(&mut groups, &backwards), all.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn rows_without_a_key_are_one_group() {
        let mut ids = Vec::new();
        let mut groups = Groups::default();
        groups.ids(&Keys::Nothing(3), &mut ids).unwrap();
        assert_eq!((ids, groups.len()), (vec![0, 0, 0], 1));
    }
}

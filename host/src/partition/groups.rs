//! Numbers for keys: the first key seen is 0, the next new one 1, and so on.
//!
//! Keys come in as bytes; out come dense ids in the order of first appearance, and in the end the keys themselves
//! one after the other. One hash and mostly one cache line a look-up: short keys are compared where the table has them.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::keys::key_hash;

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

#[derive(Clone, Copy)]
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

    /// The id of `key`.
    pub fn id(&mut self, key: &[u8]) -> Result<u32, TooManyKeys> {
        let hash = key_hash(key);
        let (head, tail) = ends_of(key);
        let len = u32::try_from(key.len()).map_err(|_| TooManyKeys)?;
        let (ends, data) = (&self.ends, &self.data);
        let same = |slot: &Slot| {
            slot.head == head
                && slot.tail == tail
                && slot.len == len
                && (key.len() <= INLINE_BYTES || stored(ends, data, slot.id) == key)
        };
        let hashes = &self.hashes;
        let rehash = |slot: &Slot| hashes.get(slot.id as usize).copied().unwrap_or(0);
        match self.table.entry(hash, same, rehash) {
            Entry::Occupied(entry) => Ok(entry.get().id),
            Entry::Vacant(entry) => {
                let id = u32::try_from(hashes.len()).map_err(|_| TooManyKeys)?;
                let end = i32::try_from(data.len() + key.len()).map_err(|_| TooManyKeys)?;
                entry.insert(Slot { head, tail, len, id });
                self.hashes.push(hash);
                self.ends.push(end);
                self.data.extend_from_slice(key);
                Ok(id)
            }
        }
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

/// The first and the last eight bytes of a key; with its length they tell keys of up to 16 bytes apart.
fn ends_of(key: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
    } else {
        (key.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_in_order_of_first_appearance() {
        let mut groups = Groups::default();
        let long_a = "a".repeat(20);
        let long_b = format!("{}b{}", "a".repeat(10), "a".repeat(9));
        let keys = ["x", "", "xy", "x", "\0", "\0\0", "", &long_a, &long_b, &long_a];
        let ids: Vec<_> = keys.iter().map(|key| groups.id(key.as_bytes()).unwrap()).collect();
        assert_eq!(ids, [0, 1, 2, 0, 3, 4, 1, 5, 6, 5]);
        let (offsets, data) = groups.take();
        assert_eq!(offsets, [0, 1, 1, 3, 4, 6, 26, 46]);
        assert_eq!(data.len(), 46);
        assert!(groups.is_empty());
        assert_eq!(groups.id(b"new").unwrap(), 0);
    }
}

//! Numbers for keys: the first key seen is 0, the next new one 1, and so on.
//!
//! Keys come in as bytes; out come dense ids in the order of first appearance, and in the end the keys themselves
//! one after the other. This is the hottest loop of the host, and what it waits for is memory. So keys are looked up
//! a few at a time, step by step without a branch, which lets their loads overlap; and what they are compared with
//! lies in the order of ids, so that keys that come often, and so come early, share cache lines.

use std::ops::Range;

use super::keys::{Keys, key_hash};
use super::slots::Slots;

/// How many keys are looked up together; more don't overlap better.
const TOGETHER: usize = 16;

/// Keys and their ids.
#[derive(Default)]
pub struct Groups {
    slots: Slots,
    /// By id, as `ends` is.
    forms: Vec<Form>,
    ends: Vec<i32>,
    data: Vec<u8>,
}

/// There are more keys, or more bytes of them, than a partition can hold.
#[derive(Debug, thiserror::Error)]
#[error("the keys of a partition take more than 2 GiB; use more partitions or a shorter batch interval")]
pub struct TooManyKeys;

impl Groups {
    /// How many keys were seen.
    pub fn len(&self) -> usize {
        self.forms.len()
    }

    /// Whether no key was seen.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Appends the id of each of `keys` to `ids`.
    pub fn ids(&mut self, keys: &Keys, ids: &mut Vec<u32>) -> Result<(), TooManyKeys> {
        ids.reserve(keys.len());
        match keys {
            Keys::Nothing(0) => Ok(()),
            Keys::Nothing(num_rows) => {
                let id = self.look_up(&[], Form::of(&[]))?;
                ids.resize(ids.len() + num_rows, id);
                Ok(())
            }
            Keys::Text(array) => {
                let (num_keys, offsets, data) = (keys.len(), array.value_offsets(), array.value_data());
                let bounds = |row: usize| match offsets.get(row..row + 2) {
                    // Arrow's offsets are never negative.
                    Some([start, end]) => *start as usize..*end as usize,
                    _ => 0..0,
                };
                let key = |row| data.get(bounds(row)).unwrap_or_default();
                self.look_up_all(num_keys, key, |row| Form::within(data, bounds(row)), ids)
            }
            Keys::Rows(rows) => {
                let key = |row| rows.row(row).data();
                self.look_up_all(rows.num_rows(), key, |row| Form::of(key(row)), ids)
            }
        }
    }

    fn look_up_all<'k>(
        &mut self,
        num_keys: usize,
        key: impl Fn(usize) -> &'k [u8],
        form: impl Fn(usize) -> Form,
        ids: &mut Vec<u32>,
    ) -> Result<(), TooManyKeys> {
        let mut forms = [Form::default(); TOGETHER];
        let mut guesses = [0; TOGETHER];
        for start in (0..num_keys).step_by(TOGETHER) {
            let rows = start..num_keys.min(start + TOGETHER);
            for (place, row) in forms.iter_mut().zip(rows.clone()) {
                *place = form(row);
            }
            for (guess, form) in guesses.iter_mut().zip(&forms) {
                *guess = self.slots.guess(form.hash());
            }
            let mut wrong = 0_u32;
            for (i, (guess, form)) in guesses.iter().zip(&forms).enumerate() {
                let right = self.form(*guess).is(*form) & !form.is_hash();
                wrong |= u32::from(!right) << i;
            }
            while (wrong.trailing_zeros() as usize) < rows.len() {
                let i = wrong.trailing_zeros() as usize;
                if let (Some(guess), Some(form)) = (guesses.get_mut(i), forms.get(i)) {
                    *guess = self.look_up(key(start + i), *form)?;
                }
                wrong &= wrong - 1;
            }
            ids.extend_from_slice(guesses.get(..rows.len()).unwrap_or_default());
        }
        Ok(())
    }

    /// The id of a key, which may be new.
    #[inline]
    fn look_up(&mut self, key: &[u8], form: Form) -> Result<u32, TooManyKeys> {
        if let Some(id) = self.find(key, form) {
            return Ok(id);
        }
        // The last number is no id.
        let id = u32::try_from(self.forms.len()).ok().filter(|id| *id < u32::MAX).ok_or(TooManyKeys)?;
        let end = i32::try_from(self.data.len() + key.len()).map_err(|_| TooManyKeys)?;
        let forms = &self.forms;
        let hash_of = |id: u32| forms.get(id as usize).copied().unwrap_or_default().hash();
        self.slots.insert(form.hash(), id, hash_of);
        self.forms.push(form);
        self.ends.push(end);
        self.data.extend_from_slice(key);
        Ok(id)
    }

    /// The id of `key`, where it was seen.
    pub fn get(&self, key: &[u8]) -> Option<u32> {
        self.find(key, Form::of(key))
    }

    #[inline]
    fn find(&self, key: &[u8], form: Form) -> Option<u32> {
        self.slots.find(form.hash(), |id| {
            let same = self.form(id).is(form);
            same && (!form.is_hash() || stored(&self.ends, &self.data, id) == key)
        })
    }

    /// The form of the key with this id; one that no key has where there is none.
    #[inline]
    fn form(&self, id: u32) -> Form {
        self.forms.get(id as usize).copied().unwrap_or_default()
    }

    /// All keys in the order of their ids, as offsets (one more than there are keys) and bytes.
    pub fn keys(&self) -> (Vec<i32>, Vec<u8>) {
        let offsets = std::iter::once(0).chain(self.ends.iter().copied()).collect();
        (offsets, self.data.clone())
    }

    /// The same, and forgets them.
    pub fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        self.slots.clear();
        self.forms.clear();
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

/// The bytes of a form; a key has to be shorter to be one.
const FORM_BYTES: usize = 16;

/// A key as two numbers. One of up to 15 bytes is in them whole, with zeros behind, and its length in the highest
/// byte; a longer one is its hash. The default is that of no key.
#[derive(Clone, Copy)]
struct Form(u64, u64);

impl Default for Form {
    fn default() -> Self {
        Self(u64::MAX, 0)
    }
}

impl Form {
    /// The second number of a form that is a hash.
    const OF_HASH: u64 = u64::MAX;

    /// That of `data[bounds]`; without a branch on the length, where it isn't long or at the end of `data`.
    #[inline]
    fn within(data: &[u8], bounds: Range<usize>) -> Self {
        match data.get(bounds.start..).and_then(<[u8]>::first_chunk) {
            Some(chunk) if bounds.len() < FORM_BYTES => Self::short(*chunk, bounds.len()),
            _ => Self::of(data.get(bounds).unwrap_or_default()),
        }
    }

    /// That of a key that lies anywhere.
    fn of(key: &[u8]) -> Self {
        if key.len() >= FORM_BYTES {
            return Self(key_hash(key), Self::OF_HASH);
        }
        let mut bytes = [0; FORM_BYTES];
        bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self::short(bytes, key.len())
    }

    /// The first `len` bytes of `bytes`, below 16.
    #[inline]
    fn short(bytes: [u8; FORM_BYTES], len: usize) -> Self {
        let ([head, tail], _) = bytes.as_chunks() else { return Self::default() };
        let Some((used_head, used_tail)) = USED.get(len) else { return Self::default() };
        let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
        Self(head & used_head, tail & used_tail | (len as u64) << 56)
    }

    /// Whether both are the same, found without a branch.
    #[inline]
    fn is(self, other: Self) -> bool {
        (self.0 ^ other.0) | (self.1 ^ other.1) == 0
    }

    #[inline]
    fn is_hash(self) -> bool {
        self.1 == Self::OF_HASH
    }

    /// A hash for the table alone: it is never kept, so it may change.
    #[inline]
    fn hash(self) -> u32 {
        const A: u64 = 0x9e37_79b9_7f4a_7c15;
        const B: u64 = 0xd6e8_feb8_6659_fd93;
        let product = u128::from(self.0 ^ A) * u128::from(self.1 ^ B);
        let folded = (product as u64) ^ ((product >> 64) as u64);
        (folded.wrapping_mul(A) >> 32) as u32
    }
}

/// The bits of a form that a key of each length takes.
const USED: [(u64, u64); FORM_BYTES] = {
    let mut used = [(0, 0); FORM_BYTES];
    let mut len = 0;
    while len < FORM_BYTES {
        let bits = (1_u128 << (8 * len)) - 1;
        used[len] = (bits as u64, (bits >> 64) as u64);
        len += 1;
    }
    used
};

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};
    use proptest::prelude::*;

    use super::super::keys::KeyEncoder;
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

    proptest! {
        #[test]
        fn equal_keys_have_equal_ids_whether_they_are_texts_or_numbers(
            blocks in prop::collection::vec(prop::collection::vec(0_i64..300, 0..100), 0..6),
        ) {
            let text = |n: &i64| format!("{}{n}", "x".repeat((n % 20) as usize));
            let mut expected = HashMap::new();
            let encoder = KeyEncoder::new(&[Arc::new(Field::new("n", DataType::Int64, false))]).unwrap();
            let (mut texts, mut numbers) = (Groups::default(), Groups::default());
            for block in &blocks {
                let ids: Vec<u32> = block
                    .iter()
                    .map(|n| {
                        let next = expected.len() as u32;
                        *expected.entry(*n).or_insert(next)
                    })
                    .collect();
                let (mut of_texts, mut of_numbers) = (Vec::new(), Vec::new());
                let keys = StringArray::from_iter_values(block.iter().map(text));
                texts.ids(&Keys::Text(keys), &mut of_texts).unwrap();
                let keys: ArrayRef = Arc::new(Int64Array::from(block.clone()));
                numbers.ids(&encoder.encode(&[keys], block.len()).unwrap(), &mut of_numbers).unwrap();
                prop_assert_eq!((&of_texts, &of_numbers), (&ids, &ids));
            }
        }
    }
}

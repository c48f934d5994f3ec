//! Numbers for keys: the first key seen is 0, the next new one 1, and so on.
//!
//! Keys come in as bytes; out come dense ids in the order of first appearance, and in the end the keys themselves
//! one after the other. This is the hottest loop of the host, and what it waits for is memory. So keys are looked up
//! many at a time, step by step without a branch, which lets their loads overlap; and what they are compared with
//! lies in the order of ids, so that keys that come often, and so come early, share cache lines.

use std::ops::Range;

use super::form::Form;
use super::keys::Keys;
use super::slots::Slots;

/// How many keys are looked up together; more don't overlap better.
const TOGETHER: usize = 32;
// Which of them were guessed wrong is told by the bits of one number.
const _: () = assert!(TOGETHER <= u32::BITS as usize);

/// Keys and their ids.
#[derive(Default)]
pub struct Groups {
    slots: Slots,
    /// The first numbers of forms, by id. As many as `ends`.
    heads: Vec<u64>,
    /// The second numbers, by id and one, so that a form that needs none can be compared with the first, which is 0.
    /// Empty as long as there is no key.
    tails: Vec<u64>,
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
        self.heads.len()
    }

    /// Whether no key was seen.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
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
                let (offsets, data) = (array.value_offsets(), array.value_data());
                // Arrow's offsets are never negative.
                let key = |row: usize| match offsets.get(row..row + 2) {
                    Some([start, end]) => data.get(*start as usize..*end as usize).unwrap_or_default(),
                    _ => &[],
                };
                let fill = |rows: Range<usize>, forms: &mut [Form; TOGETHER]| {
                    // There is an offset more than there are rows.
                    let bounds = offsets.get(rows.start..=rows.end).unwrap_or_default();
                    for ((form, start), end) in forms.iter_mut().zip(bounds).zip(bounds.iter().skip(1)) {
                        *form = Form::within(data, *start as usize, *end as usize);
                    }
                };
                self.look_up_all(keys.len(), key, fill, ids)
            }
            Keys::Rows(rows) => {
                let key = |row| rows.row(row).data();
                let fill = |rows: Range<usize>, forms: &mut [Form; TOGETHER]| {
                    forms.iter_mut().zip(rows).for_each(|(form, row)| *form = Form::of(key(row)));
                };
                self.look_up_all(rows.num_rows(), key, fill, ids)
            }
        }
    }

    /// Appends the ids of so many keys, of which `key` answers one, and `fill` writes down the forms of some.
    fn look_up_all<'k>(
        &mut self,
        num_keys: usize,
        key: impl Fn(usize) -> &'k [u8],
        fill: impl Fn(Range<usize>, &mut [Form; TOGETHER]),
        ids: &mut Vec<u32>,
    ) -> Result<(), TooManyKeys> {
        let mut forms = [Form::default(); TOGETHER];
        let mut guesses = [0; TOGETHER];
        for start in (0..num_keys).step_by(TOGETHER) {
            let rows = start..num_keys.min(start + TOGETHER);
            fill(rows.clone(), &mut forms);
            for (guess, form) in guesses.iter_mut().zip(&forms) {
                *guess = self.slots.guess(form.hash());
            }
            let mut wrong = 0_u32;
            for (i, (guess, form)) in guesses.iter().zip(&forms).enumerate() {
                wrong |= u32::from(!self.has(*guess, *form)) << i;
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
    fn look_up(&mut self, key: &[u8], form: Form) -> Result<u32, TooManyKeys> {
        if let Some(id) = self.find(key, form) {
            return Ok(id);
        }
        // The last number is no id.
        let id = u32::try_from(self.heads.len()).ok().filter(|id| *id < u32::MAX).ok_or(TooManyKeys)?;
        let end = i32::try_from(self.data.len() + key.len()).map_err(|_| TooManyKeys)?;
        let (heads, tails) = (&self.heads, &self.tails);
        let hash_of = |id: u32| match (heads.get(id as usize), tails.get(id as usize + 1)) {
            (Some(head), Some(tail)) => Form(*head, *tail).sought().hash(),
            _ => 0,
        };
        self.slots.add(form.hash(), hash_of);
        let Form(head, tail) = form.kept();
        if self.tails.is_empty() {
            self.tails.push(0);
        }
        self.heads.push(head);
        self.tails.push(tail);
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
        let kept = form.kept();
        self.slots.find(form.hash(), |id| {
            self.has(id, kept) && (!form.is_hash() || stored(&self.ends, &self.data, id) == key)
        })
    }

    /// Whether the key with this id has this form, found without a branch. No key has where there is no such id.
    #[inline]
    fn has(&self, id: u32, form: Form) -> bool {
        let head = self.heads.get(id as usize).copied().unwrap_or(Form::NONE);
        let tail = self.tails.get((id as usize).wrapping_add(1) & form.tail_bits()).copied().unwrap_or(0);
        (head ^ form.0) | (tail ^ form.1) == 0
    }

    /// All keys in the order of their ids, as offsets (one more than there are keys) and bytes.
    pub fn keys(&self) -> (Vec<i32>, Vec<u8>) {
        let offsets = std::iter::once(0).chain(self.ends.iter().copied()).collect();
        (offsets, self.data.clone())
    }

    /// The same, and forgets them.
    pub fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        self.slots.clear();
        self.heads.clear();
        self.tails.clear();
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray};
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
    fn keys_that_look_like_the_forms_of_others_are_told_apart() {
        // Bytes that are a mark elsewhere, zeros at ends, and the halves of long keys.
        let mut keys: Vec<Vec<u8>> = vec![Vec::new()];
        for len in 0..18 {
            for last in [0, 1, 3, 7, 0x7f, 0x83, 0x88, 0x8f, 0xfe, 0xff] {
                keys.push([b"abcdefghijklmnopq".get(..len).unwrap_or(&[0; 18][..len]), &[last]].concat());
                keys.push([&vec![0; len][..], &[last]].concat());
            }
        }
        let keys: std::collections::BTreeSet<Vec<u8>> = keys.into_iter().collect();
        let encoder = KeyEncoder::new(&[Arc::new(Field::new("k", DataType::Binary, false))]).unwrap();
        let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&keys));
        let (mut groups, mut ids) = (Groups::default(), Vec::new());
        groups.ids(&encoder.encode(&[column], keys.len()).unwrap(), &mut ids).unwrap();
        assert_eq!(ids, (0..keys.len() as u32).collect::<Vec<_>>());
        let mut raw = Groups::default();
        for (id, key) in (0..).zip(&keys) {
            assert_eq!((raw.get(key), raw.look_up(key, Form::of(key)).unwrap()), (None, id));
        }
        for (id, key) in (0..).zip(&keys) {
            assert_eq!((raw.get(key), raw.look_up(key, Form::of(key)).unwrap()), (Some(id), id));
        }
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

//! The table against a plain map of keys to states.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::super::pieces::{PieceKey, Save};
use super::*;

/// The state of a key, and when the key was last touched.
type Model = BTreeMap<Vec<u8>, (State, i64)>;
type State = (Option<i64>, String);

/// What becomes of some keys: a state or none.
type Changes = BTreeMap<Vec<u8>, Option<State>>;

fn table() -> KeyedTable {
    let fields = vec![Field::new("n", DataType::Int64, true), Field::new("note", DataType::Utf8, false)];
    KeyedTable::new(&Arc::new(Schema::new(fields)), true).unwrap()
}

fn joined<'a>(keys: impl Iterator<Item = &'a Vec<u8>>) -> (Vec<i32>, Vec<u8>) {
    let (mut offsets, mut data) = (vec![0], Vec::new());
    for key in keys {
        data.extend(key);
        offsets.push(i32::try_from(data.len()).unwrap());
    }
    (offsets, data)
}

/// Changes `table` as an operator does: by the states that it finds.
fn change(table: &mut KeyedTable, changes: &Changes, time: i64) {
    let (offsets, data) = joined(changes.keys());
    let slots = table.find(&offsets, &data);
    let before = table.states(&slots).unwrap();
    let states: Vec<State> = changes.values().map(|state| state.clone().unwrap_or_default()).collect();
    let numbers: Int64Array = states.iter().map(|(n, _)| *n).collect();
    let notes = StringArray::from_iter_values(states.iter().map(|(_, note)| note));
    let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(notes)];
    let states = RecordBatch::try_new(Arc::clone(&table.schema), columns).unwrap();
    let kept: Vec<bool> = changes.values().map(Option::is_some).collect();
    table.update((&offsets, &data), &slots, &before, &states, &kept, BatchTime::from_millis(time)).unwrap();
}

fn change_model(model: &mut Model, changes: &Changes, time: i64) {
    for (key, state) in changes {
        match state {
            Some(state) => drop(model.insert(key.clone(), (state.clone(), time))),
            None => drop(model.remove(key)),
        }
    }
}

fn key(table: &KeyedTable, slot: u32) -> Vec<u8> {
    table.keys(std::iter::once(slot)).1
}

/// Keys as an encoder makes them of a text column.
fn encoded(keys: &[&str]) -> Keys {
    Keys::Text(StringArray::from(keys.to_vec()))
}

#[test]
fn loaded_keys_are_there_once_and_count_as_touched_by_the_first_batch_also_when_it_runs_again() {
    let mut table = table();
    let columns = |n: &[i64]| -> [ArrayRef; 2] {
        [Arc::new(Int64Array::from(n.to_vec())), Arc::new(StringArray::from(vec!["note"; n.len()]))]
    };
    assert_eq!(table.fill(&encoded(&["a", "b"]), &columns(&[1, 2])), None);
    assert_eq!(table.fill(&encoded(&["c", "a", "b"]), &columns(&[3, 4, 5])), Some(1));
    let note = |n: i64| (Some(n), "note".to_owned());
    let loaded: Model =
        [(b"a", 1), (b"b", 2), (b"c", 3)].map(|(key, n)| (key.to_vec(), (note(n), 500))).into();
    for _ in 0..2 {
        table.begin(BatchTime::from_millis(500)).unwrap();
        assert_same(&table, &loaded);
        change(&mut table, &[(b"a".to_vec(), None)].into(), 500);
    }
    let mut store = Store::default();
    store.save(&mut table, 500);
    let without_a = store.load();
    assert_eq!(held(&without_a), held(&table));
    table.begin(BatchTime::from_millis(600)).unwrap();
    change(&mut table, &[(b"b".to_vec(), Some(note(9)))].into(), 600);
    assert_eq!(idle(&mut table, 500), Vec::<Vec<u8>>::new());
    assert_eq!(idle(&mut table, 501), [b"c"]);
}

#[test]
fn what_was_saved_counts_and_not_what_keys_would_begin_with() {
    let (mut saved, mut store) = (table(), Store::default());
    keep(&mut saved, &["kept"], 1);
    store.save(&mut saved, 1);
    let mut table = table();
    let columns: [ArrayRef; 2] =
        [Arc::new(Int64Array::from(vec![1, 2])), Arc::new(StringArray::from(vec!["x", "y"]))];
    assert_eq!(table.fill(&encoded(&["initial", "kept"]), &columns), None);
    store.load_into(&mut table);
    assert_eq!(held(&table), held(&saved));
    table.begin(BatchTime::from_millis(2)).unwrap();
    assert_eq!(idle(&mut table, 2), [b"kept"], "it was touched when it was saved");
}

/// The keys of `table` with their states, in the order of slots.
fn held(table: &KeyedTable) -> Vec<(Vec<u8>, State)> {
    let slots = table.all();
    let states = table.states(&slots.iter().copied().map(Some).collect::<Vec<_>>()).unwrap();
    let (numbers, notes) =
        (states.column(0).as_primitive::<Int64Type>().clone(), states.column(1).as_string::<i32>().clone());
    let state = |row: usize| (numbers.is_valid(row).then(|| numbers.value(row)), notes.value(row).to_owned());
    slots.iter().enumerate().map(|(row, slot)| (key(table, *slot), state(row))).collect()
}

/// The keys of `table` that were not touched since `limit`.
fn idle(table: &mut KeyedTable, limit: i64) -> Vec<Vec<u8>> {
    let slots = table.idle_since(limit);
    let mut keys: Vec<_> = slots.into_iter().map(|slot| key(table, slot)).collect();
    keys.sort();
    keys
}

/// Asserts that `table` holds what `model` does, and finds it.
fn assert_same(table: &KeyedTable, model: &Model) {
    let mut all = held(table);
    all.sort();
    let expected: Vec<_> = model.iter().map(|(key, (state, _))| (key.clone(), state.clone())).collect();
    assert_eq!(all, expected);
    assert_eq!(table.size().keys, model.len());
    let texts: usize = model.iter().map(|(key, ((_, note), _))| key.len() + note.len()).sum();
    assert!(table.size().bytes >= texts, "{:?} for {texts} bytes of text", table.size());
    let wanted: Vec<Vec<u8>> = (0..12).map(|n| vec![b'k'; n]).collect();
    let (offsets, data) = joined(wanted.iter());
    for (slot, wanted) in table.find(&offsets, &data).into_iter().zip(wanted) {
        assert_eq!(slot.is_some(), model.contains_key(&wanted));
        assert!(slot.is_none_or(|slot| key(table, slot) == wanted));
    }
}

/// Keys are told apart by their lengths.
fn changes() -> impl Strategy<Value = Changes> {
    let key = (0..12_usize).prop_map(|n| vec![b'k'; n]);
    let state = prop::option::weighted(0.7, (prop::option::of(0..100_i64), "[aß]{0,2}"));
    btree_map(key, state, 0..8)
}

proptest! {
    #[test]
    fn a_table_is_a_map_and_a_batch_that_runs_again_finds_it_as_it_was(
        batches in vec(
            (1..4_i64, vec(changes(), 0..3), prop::option::of(vec(changes(), 1..3)), any::<bool>()),
            1..12,
        ),
        timeout in 0..6_i64,
    ) {
        let (mut table, mut model, mut time) = (table(), Model::new(), 0);
        let mut store = Store::default();
        for (pause, calls, failed, is_reopened) in batches {
            time += pause;
            let idle_keys: Vec<_> =
                model.iter().filter(|(_, (_, at))| *at < time - timeout).map(|(key, _)| key.clone()).collect();
            let before = held(&table);
            for attempt in failed.iter() {
                table.begin(BatchTime::from_millis(time)).unwrap();
                prop_assert_eq!(&idle(&mut table, time - timeout), &idle_keys);
                attempt.iter().for_each(|changes| change(&mut table, changes, time));
            }
            table.begin(BatchTime::from_millis(time)).unwrap();
            prop_assert_eq!(held(&table), before, "the order of slots is that of rows that are put out");
            prop_assert_eq!(idle(&mut table, time - timeout), idle_keys);
            for changes in &calls {
                change(&mut table, changes, time);
                change_model(&mut model, changes, time);
            }
            assert_same(&table, &model);
            store.save(&mut table, time);
            let mut again = store.load();
            prop_assert_eq!(held(&again), held(&table));
            prop_assert_eq!(idle(&mut again, time + 1), idle(&mut table, time + 1));
            prop_assert_eq!(again.size().keys, table.size().keys);
            if is_reopened {
                table = again;
            }
        }
    }
}

/// Lets `to` follow `from`, `limit` changes at a time; states stay what they are.
fn follow(from: &mut KeyedTable, to: &mut KeyedTable, limit: usize) {
    while from.num_followed() > 0 {
        let followed = from.take_followed(limit).unwrap();
        let states = followed.states.columns().to_vec();
        to.put_followed(followed, &states);
    }
}

proptest! {
    #[test]
    fn a_successor_has_each_key_in_its_slot_and_is_saved_whole(
        batches in vec((vec(changes(), 0..3), prop::option::of(vec(changes(), 1..3)), 0..3_usize), 1..12),
        limit in 1..20_usize,
        begin in 0..6_usize,
    ) {
        let (mut from, mut to, mut time) = (table(), None, 0);
        for (number, (calls, failed, num_looks)) in batches.into_iter().enumerate() {
            time += 1;
            if number == begin {
                let schema = Arc::clone(from.schema());
                to = Some(from.successor(&schema).unwrap());
            }
            for attempt in failed.iter().chain([&calls]) {
                from.begin(BatchTime::from_millis(time)).unwrap();
                attempt.iter().for_each(|changes| change(&mut from, changes, time));
                if let Some(to) = to.as_mut().filter(|_| num_looks > 0) {
                    let followed = from.take_followed(limit).unwrap();
                    let states = followed.states.columns().to_vec();
                    to.put_followed(followed, &states);
                }
            }
        }
        let Some(mut to) = to else { return Ok(()) };
        follow(&mut from, &mut to, limit);
        from.unfollow();
        prop_assert_eq!(held(&to), held(&from));
        prop_assert_eq!(to.size().keys, from.size().keys);
        prop_assert_eq!(idle(&mut to, time), idle(&mut from, time));
        to.save_anew();
        let mut store = Store::default();
        store.save(&mut to, time + 1);
        prop_assert_eq!(held(&store.load()), held(&from));
        // New keys go into the same slots.
        for table in [&mut from, &mut to] {
            table.begin(BatchTime::from_millis(time + 1)).unwrap();
            let new: Changes = (20..24).map(|n| (vec![b'n'; n], Some((Some(1), String::new())))).collect();
            change(table, &new, time + 1);
        }
        prop_assert_eq!(held(&to), held(&from));
    }
}

/// What is written of a table.
#[derive(Default)]
struct Store(BTreeMap<PieceKey, Vec<u8>>);

impl Store {
    /// Answers how many bytes were written.
    fn save(&mut self, table: &mut KeyedTable, time: i64) -> usize {
        let changes = table.changes(BatchTime::from_millis(time)).unwrap();
        changes.removed.iter().for_each(|key| assert!(self.0.remove(key).is_some(), "{key:?}"));
        let bytes = changes.put.iter().map(|(_, bytes)| bytes.len()).sum();
        self.0.extend(changes.put);
        bytes
    }

    fn load(&self) -> KeyedTable {
        let mut table = table();
        self.load_into(&mut table);
        table
    }

    fn load_into(&self, table: &mut KeyedTable) {
        self.0.iter().for_each(|(key, bytes)| table.load(*key, bytes).unwrap());
        table.loaded();
    }

    fn bytes(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

#[test]
fn what_is_stored_stays_below_twice_the_table_and_no_batch_writes_all_of_it() {
    let (mut table, mut store) = (table(), Store::default());
    let names: Vec<String> = (0..50_000).map(|n| format!("key {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    keep(&mut table, &names, 1);
    let whole = store.save(&mut table, 1);
    for time in 2..400 {
        let start = usize::try_from(time).unwrap() * 977 % 49_000;
        keep(&mut table, &names[start..start + 500], time);
        let written = store.save(&mut table, time);
        assert!(written < whole / 3, "{written} of {whole} at {time}");
        assert!(store.bytes() < 2 * whole + whole / 4, "{} for {whole} at {time}", store.bytes());
    }
    assert_eq!(held(&store.load()), held(&table));
}

#[test]
fn what_stays_the_same_is_not_written_again() {
    let fields = vec![Field::new("n", DataType::Int64, true), Field::new("note", DataType::Utf8, false)];
    let mut table = KeyedTable::new(&Arc::new(Schema::new(fields)), false).unwrap();
    let mut store = Store::default();
    let changes: Changes = [(b"a".to_vec(), Some((Some(1), "x".to_owned())))].into();
    table.begin(BatchTime::from_millis(1)).unwrap();
    change(&mut table, &changes, 1);
    assert!(store.save(&mut table, 1) > 0);
    table.begin(BatchTime::from_millis(2)).unwrap();
    change(&mut table, &changes, 2);
    assert_eq!(store.save(&mut table, 2), 0);
}

#[test]
fn damaged_pieces_are_refused() {
    let (mut saved, mut store) = (table(), Store::default());
    keep(&mut saved, &["a"], 1);
    store.save(&mut saved, 1);
    let (key, bytes) = store.0.first_key_value().unwrap();
    assert!(table().load(*key, &bytes[..4]).is_err());
    assert!(table().load(*key, &bytes[..bytes.len() / 2]).is_err());
    assert!(table().load(*key, b"12345678 and no rows").is_err());
    let other = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
    let mut other = KeyedTable::new(&Arc::new(other), true).unwrap();
    assert!(other.load(*key, bytes).unwrap_err().to_string().contains("columns"));
}

/// Keeps the keys at `time`, as an operator does with keys that have values.
fn keep(table: &mut KeyedTable, keys: &[&str], time: i64) {
    let state = (Some(time), String::new());
    let changes = keys.iter().map(|key| (key.as_bytes().to_vec(), Some(state.clone())));
    table.begin(BatchTime::from_millis(time)).unwrap();
    change(table, &changes.collect(), time);
}

#[test]
fn a_key_is_idle_after_the_limit_and_not_at_it() {
    let mut table = table();
    keep(&mut table, &["a", "b"], 1000);
    keep(&mut table, &["b"], 2000);
    assert!(idle(&mut table, 1000).is_empty());
    assert_eq!(idle(&mut table, 1001), [b"a"]);
    assert_eq!(idle(&mut table, 1001), [b"a"], "it is told until it is removed or touched");
    assert_eq!(idle(&mut table, 2001), [b"a", b"b"]);
}

#[test]
fn keys_that_come_back_are_idle_when_they_would_have_been() {
    let mut table = table();
    keep(&mut table, &["a"], 1000);
    keep(&mut table, &["b"], 5000);
    let remove: Changes = [b"a".to_vec(), b"b".to_vec()].map(|key| (key, None)).into();
    table.begin(BatchTime::from_millis(6000)).unwrap();
    change(&mut table, &remove, 6000);
    assert!(held(&table).is_empty());
    table.begin(BatchTime::from_millis(6000)).unwrap();
    assert_eq!(held(&table).into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(idle(&mut table, 2000), [b"a"]);
}

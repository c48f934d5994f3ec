//! What came in the last batches, for windows: how far back they reach, and what is kept for them.
//!
//! A window of length l and slide s covers, every s, what came in the last l; the first ones are shorter, and where
//! s is longer than l, what comes in between is in none. What is kept may be made one *pane* at a time, the longest
//! piece that every window holds whole or not at all. Batches are counted from 1.

mod saving;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use arrow::array::RecordBatch;

/// How many results of single batches may wait in a pane before they are made one.
const MAX_WAITING: usize = 32;

/// A window in batches of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many batches of the input it covers.
    pub length: u64,
    /// How many batches of the input it is from one window to the next.
    pub slide: u64,
    /// How many intervals it is from one batch of the input to the next.
    pub every: u64,
}

impl Window {
    /// How many intervals it is from one window to the next.
    pub const fn pace(self) -> u64 {
        self.slide.saturating_mul(self.every)
    }

    /// The number of the input's batch in batch `batch` of the pipeline.
    pub const fn number(self, batch: u64) -> u64 {
        batch / self.every
    }

    /// The first batch of the window that ends with `number`.
    const fn first_of(self, number: u64) -> u64 {
        number.saturating_sub(self.length).saturating_add(1)
    }

    /// Whether any window covers batch `number`.
    const fn covers(self, number: u64) -> bool {
        number >= self.first_of(number.next_multiple_of(self.slide))
    }

    /// How many batches make a pane.
    const fn pane(self) -> u64 {
        let (mut a, mut b) = (self.length, self.slide);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    }
}

/// What came in the last batches, oldest first.
#[derive(Default)]
pub struct History {
    entries: VecDeque<Entry>,
    /// The first and last batches of the entries that were saved.
    saved: BTreeMap<u64, u64>,
    /// What the last batch replaced, to be put back where it runs again.
    undo: Undo,
}

/// What a batch replaced.
#[derive(Default)]
struct Undo {
    number: u64,
    /// The entries, oldest first.
    replaced: Vec<Entry>,
}

/// What came in some batches one after the other.
pub struct Entry {
    /// The number of the first batch.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// What came.
    pub blocks: Vec<RecordBatch>,
}

/// What changes from one window to the next, oldest first.
pub struct Turn {
    /// What only the one before holds.
    pub leaving: Vec<RecordBatch>,
    /// What only the next one holds.
    pub entering: Vec<RecordBatch>,
}

impl History {
    /// Adds what came in a batch. A batch that runs again replaces what it left before, and makes its panes anew.
    pub fn add(&mut self, window: Window, number: u64, blocks: Vec<RecordBatch>) {
        let undo = std::mem::replace(&mut self.undo, Undo { number, replaced: Vec::new() });
        if let (true, Some(first)) = (undo.number == number, undo.replaced.first().map(|entry| entry.first)) {
            let place = self.entries.partition_point(|entry| entry.first < first);
            // Gone where no window needs it any more.
            if self.entries.get(place).is_some_and(|entry| entry.first == first) {
                let later = self.entries.split_off(place).into_iter().skip(1).collect::<Vec<_>>();
                self.entries.extend(undo.replaced.into_iter().chain(later));
            }
        }
        while self.entries.back().is_some_and(|entry| entry.first >= number) {
            self.entries.pop_back();
        }
        if window.covers(number) && !blocks.is_empty() {
            self.entries.push_back(Entry { first: number, last: number, blocks });
        }
    }

    /// What the window holds that ends with batch `number`; none where no window does. Drops what no later one needs.
    pub fn window(&mut self, window: Window, number: u64) -> Option<Vec<RecordBatch>> {
        let end = number.next_multiple_of(window.slide);
        while self.entries.front().is_some_and(|entry| entry.last < window.first_of(end)) {
            self.entries.pop_front();
        }
        let blocks = || self.entries.iter().flat_map(|entry| &entry.blocks).cloned().collect();
        (end == number).then(blocks)
    }

    /// What came in the batches of `number`'s pane before it, where it is time to make that one: when the pane is
    /// complete, or many of them wait. The last batch may have to run again, so it stays by itself.
    pub fn waiting(&self, window: Window, number: u64) -> Option<Entry> {
        let pane = |number: u64| number.saturating_sub(1) / window.pane();
        let start = self.entries.partition_point(|entry| pane(entry.last) < pane(number));
        let end = self.entries.partition_point(|entry| entry.last < number).max(start);
        let is_time = number.is_multiple_of(window.pane()) || end - start >= MAX_WAITING;
        let mut waiting = self.entries.range(start..end);
        match (waiting.next(), waiting.next_back()) {
            (Some(first), Some(last)) if is_time => Some(Entry {
                first: first.first,
                last: last.last,
                blocks: self.entries.range(start..end).flat_map(|entry| &entry.blocks).cloned().collect(),
            }),
            _ => None,
        }
    }

    /// What the window that ends with batch `number` doesn't share with the one before, where windows overlap; none
    /// where no window ends. Drops what neither holds.
    pub fn turn(&mut self, window: Window, number: u64) -> Option<Turn> {
        let end = number.next_multiple_of(window.slide);
        let (before, first) = (end.saturating_sub(window.slide), window.first_of(end));
        // What leaves is kept until the next batch, as this one may have to run again.
        while self.entries.front().is_some_and(|entry| entry.last < window.first_of(before)) {
            self.entries.pop_front();
        }
        if end != number {
            return None;
        }
        let left = self.entries.partition_point(|entry| entry.last < first);
        let entered = self.entries.partition_point(|entry| entry.last <= before);
        Some(Turn { leaving: self.blocks(0..left), entering: self.blocks(entered..self.entries.len()) })
    }

    /// What the window that ends with batch `number` shares with the one before.
    pub fn staying(&self, window: Window, number: u64) -> Vec<RecordBatch> {
        let start = self.entries.partition_point(|entry| entry.last < window.first_of(number));
        let before = number.saturating_sub(window.slide);
        let end = self.entries.partition_point(|entry| entry.last <= before);
        self.blocks(start..end.max(start))
    }

    fn blocks(&self, entries: Range<usize>) -> Vec<RecordBatch> {
        self.entries.range(entries).flat_map(|entry| &entry.blocks).cloned().collect()
    }

    /// Puts `entry` in the place of those of its batches.
    pub fn replace(&mut self, entry: Entry) {
        let start = self.entries.partition_point(|other| other.last < entry.first);
        let later = self.entries.split_off(self.entries.partition_point(|other| other.last <= entry.last));
        self.undo.replaced = self.entries.split_off(start).into();
        self.entries.push_back(entry);
        self.entries.extend(later);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::record::BatchTime;
    use crate::state::Save;

    fn block(number: u64) -> Vec<RecordBatch> {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![i64::try_from(number).unwrap()]));
        vec![RecordBatch::try_from_iter([("n", column)]).unwrap()]
    }

    fn numbers(blocks: &[RecordBatch]) -> Vec<i64> {
        blocks.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    /// What the windows hold that end with each of the first `batches` batches; panes are put together in between.
    fn windows(length: u64, slide: u64, batches: u64) -> Vec<(u64, Vec<i64>)> {
        let (window, mut history) = (Window { length, slide, every: 1 }, History::default());
        let mut windows = Vec::new();
        for number in 1..=batches {
            history.add(window, number, block(number));
            if let Some(entry) = history.waiting(window, number) {
                history.replace(entry);
            }
            if let Some(blocks) = history.window(window, number) {
                windows.push((number, numbers(&blocks)));
            }
        }
        windows
    }

    #[test]
    fn every_window_holds_the_batches_that_it_covers() {
        for (length, slide) in [(1, 1), (4, 2), (3, 2), (2, 3), (6, 4), (100, 1), (64, 64), (90, 60)] {
            let expected: Vec<_> = (1..=200)
                .filter(|number| number % slide == 0)
                .map(|number: u64| {
                    let first = i64::try_from(number).unwrap() - i64::try_from(length).unwrap() + 1;
                    (number, (first.max(1)..=i64::try_from(number).unwrap()).collect::<Vec<_>>())
                })
                .collect();
            assert_eq!(windows(length, slide, 200), expected, "length {length}, slide {slide}");
        }
    }

    #[test]
    fn windows_that_overlap_are_what_enters_without_what_leaves() {
        for (length, slide) in [(2, 1), (4, 2), (3, 2), (6, 4), (100, 1), (64, 32), (90, 60)] {
            let (window, mut history) = (Window { length, slide, every: 1 }, History::default());
            let mut held: Vec<i64> = Vec::new();
            for number in 1..=200 {
                // The second time as if it ran again.
                let turns = [(), ()].map(|()| {
                    history.add(window, number, block(number));
                    if let Some(entry) = history.waiting(window, number) {
                        history.replace(entry);
                    }
                    history.turn(window, number).map(|turn| (numbers(&turn.leaving), numbers(&turn.entering)))
                });
                assert_eq!(turns[0], turns[1]);
                let Some((leaving, entering)) = turns[0].clone() else { continue };
                assert_eq!(held.drain(..leaving.len()).collect::<Vec<_>>(), leaving);
                assert_eq!(numbers(&history.staying(window, number)), held);
                held.extend(entering);
                let first = number.saturating_sub(length) + 1;
                assert_eq!(held, (first as i64..=number as i64).collect::<Vec<_>>(), "{length}, {slide}");
            }
            assert!(history.entries.len() as u64 <= length + slide);
        }
    }

    #[test]
    fn panes_keep_a_long_window_small() {
        let (window, mut history) = (Window { length: 10_000, slide: 5_000, every: 1 }, History::default());
        for number in 1..=20_000 {
            history.add(window, number, block(number));
            if let Some(entry) = history.waiting(window, number) {
                // A reduction makes one block of all.
                history.replace(Entry { blocks: block(0), ..entry });
            }
            assert!(history.entries.len() <= 6 + MAX_WAITING, "{}", history.entries.len());
        }
    }

    #[test]
    fn what_is_saved_batch_by_batch_makes_the_same_windows() {
        let window = Window { length: 90, slide: 60, every: 1 };
        let (mut history, mut store) = (History::default(), BTreeMap::new());
        for number in 1..=400 {
            history.add(window, number, block(number));
            if let Some(entry) = history.waiting(window, number) {
                history.replace(entry);
            }
            let held = history.window(window, number).map(|blocks| numbers(&blocks));
            let changes = history.changes(BatchTime::from_millis(0)).unwrap();
            assert!(changes.put.len() <= 2, "one for the batch, one for its pane");
            changes.removed.iter().for_each(|key| assert!(store.remove(key).is_some()));
            store.extend(changes.put);
            let mut again = History::default();
            store.iter().for_each(|(key, bytes)| again.load(*key, bytes).unwrap());
            assert_eq!(again.window(window, number).map(|blocks| numbers(&blocks)), held);
            assert_eq!(again.entries.len(), history.entries.len());
            assert!(again.changes(BatchTime::from_millis(0)).unwrap().is_empty());
            if number % 7 == 0 {
                history = again;
            }
        }
    }

    #[test]
    fn a_batch_that_runs_again_is_held_once() {
        let (window, mut history) = (Window { length: 3, slide: 1, every: 1 }, History::default());
        for number in [1, 2, 3, 3, 4, 4] {
            history.add(window, number, block(number));
        }
        assert_eq!(numbers(&history.window(window, 4).unwrap()), [2, 3, 4]);
    }

    #[test]
    fn a_batch_that_runs_again_makes_its_pane_of_what_came() {
        let (window, mut history) = (Window { length: 8, slide: 4, every: 1 }, History::default());
        for number in 1..=3 {
            history.add(window, number, block(number));
        }
        for made_by in [70, 80] {
            history.add(window, 4, block(4));
            let entry = history.waiting(window, 4).unwrap();
            assert_eq!(numbers(&entry.blocks), [1, 2, 3]);
            history.replace(Entry { blocks: block(made_by), ..entry });
            assert_eq!(numbers(&history.window(window, 4).unwrap()), [made_by as i64, 4]);
        }
        history.add(window, 5, block(5));
        history.add(window, 5, block(5));
        assert_eq!(history.entries.iter().map(|entry| entry.first).collect::<Vec<_>>(), [1, 4, 5]);
    }
}

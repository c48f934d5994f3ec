//! What a window with an inverse keeps of a partition: what came in the last batches, and what that adds up to for each
//! key.

use arrow::error::ArrowError;

use super::pieces::{Changes, LoadError, PieceKey, Save};
use super::{History, KeyedTable};
use crate::record::BatchTime;

/// What came in the last batches, and a total of it for each key.
pub struct Totals {
    /// What came.
    pub history: History,
    /// The keys with their totals over the last window.
    pub table: KeyedTable,
    /// Whether some of the totals may not be known.
    pub may_doubt: bool,
}

impl Totals {
    /// Nothing yet; the totals go into `table`.
    pub fn new(table: KeyedTable) -> Self {
        Self { history: History::default(), table, may_doubt: false }
    }
}

/// The kind of a table's pieces, so that they stand behind those of a history, all of which are of kind 0.
fn of_table(key: PieceKey) -> PieceKey {
    PieceKey { kind: key.kind.saturating_add(1), ..key }
}

impl Save for Totals {
    fn changes(&mut self, time: BatchTime) -> Result<Changes, ArrowError> {
        let mut changes = self.history.changes(time)?;
        let of_keys = self.table.changes(time)?;
        changes.put.extend(of_keys.put.into_iter().map(|(key, bytes)| (of_table(key), bytes)));
        changes.removed.extend(of_keys.removed.into_iter().map(of_table));
        Ok(changes)
    }

    fn load(&mut self, key: PieceKey, bytes: &[u8]) -> Result<(), LoadError> {
        match key.kind.checked_sub(1) {
            None => self.history.load(key, bytes),
            Some(kind) => self.table.load(PieceKey { kind, ..key }, bytes),
        }
    }

    fn loaded(&mut self) {
        self.history.loaded();
        self.table.loaded();
        self.may_doubt = true;
    }

    fn save_anew(&mut self) {
        self.history.save_anew();
        self.table.save_anew();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    use super::super::Window;
    use super::*;

    fn rows(numbers: &[i64]) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(numbers.to_vec())) as ArrayRef)]).unwrap()
    }

    #[test]
    fn what_is_saved_makes_the_same_history_and_the_same_totals() {
        let empty = || Totals::new(KeyedTable::new(&rows(&[]).schema(), false).unwrap());
        let (mut totals, mut store) = (empty(), BTreeMap::new());
        let window = Window { length: 3, slide: 1, every: 1 };
        for number in 1..=20_u64 {
            let time = BatchTime::from_millis(number as i64);
            totals.history.add(window, number, vec![rows(&[number as i64])]);
            let turn = totals.history.turn(window, number).unwrap();
            let (offsets, data) = ([0, 1, 2], [number as u8, number as u8 % 3]);
            totals.table.begin(time).unwrap();
            let slots = totals.table.find(&offsets, &data);
            let before = totals.table.states(&slots).unwrap();
            let states = rows(&[number as i64, 7]);
            let kept = [true, number % 2 == 0];
            totals.table.update((&offsets, &data), &slots, &before, &states, &kept, time).unwrap();
            let changes = totals.changes(time).unwrap();
            changes.removed.iter().for_each(|key| assert!(store.remove(key).is_some()));
            store.extend(changes.put);

            let mut again = empty();
            store.iter().for_each(|(key, bytes)| again.load(*key, bytes).unwrap());
            again.loaded();
            assert!(again.may_doubt && again.changes(time).unwrap().is_empty());
            assert_eq!(again.history.turn(window, number).map(|turn| turn.entering), Some(turn.entering));
            let all = |totals: &Totals| {
                let slots = totals.table.all();
                let keys = totals.table.keys(slots.iter().copied());
                (keys, totals.table.states(&slots.into_iter().map(Some).collect::<Vec<_>>()).unwrap())
            };
            assert_eq!(all(&again), all(&totals));
        }
    }
}

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::dead_letters::{LetterFiles, LetterWriter};
use crate::record::{DataType, DeadLetter, DeadLetterKind, UTC, json_rows};

fn schema() -> SchemaRef {
    let fields = DataType::ALL.map(|data_type| Field::new(data_type.name(), data_type.arrow(), true));
    Arc::new(Schema::new(fields.to_vec()))
}

type Row = (Option<bool>, Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>, Option<i64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let timestamps: TimestampMicrosecondArray = rows.iter().map(|row| row.5).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.3.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.4.as_deref()).collect::<BinaryArray>()),
        Arc::new(timestamps.with_timezone(UTC)),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// The letters of an operator whose input was `rows`, in a folder.
fn kept(rows: &RecordBatch) -> TempDir {
    let letters = json_rows(rows).unwrap().into_iter().map(|row| DeadLetter {
        origin: "top".to_owned(),
        kind: DeadLetterKind::Trap,
        reason: String::new(),
        position: None,
        plugin: None,
        input: None,
        row,
    });
    let dir = TempDir::new().unwrap();
    let mut writer = LetterWriter::open(&LetterFiles::new(dir.path()), "p").unwrap();
    writer.write(BatchTime::from_millis(1), &letters.collect::<Vec<_>>()).unwrap();
    dir
}

fn source(dir: &TempDir, schema: SchemaRef, progress: &Progress) -> LetterSource {
    let pick = Pick {
        directory: dir.path().to_owned(),
        pipeline: "p".to_owned(),
        selection: Selection { origin: Some("top".to_owned()), ..Selection::default() },
    };
    LetterSource::new(schema, pick, progress)
}

fn read(source: &LetterSource) -> Vec<RecordBatch> {
    let mut reading = source.reading().unwrap();
    let mut blocks = Vec::new();
    while !reading.is_finished() {
        for split in reading.cut(BatchTime::from_millis(0), 8, Room::ENDLESS).unwrap() {
            split
                .read(&mut |block| {
                    blocks.push(block.rows);
                    Ok(())
                })
                .unwrap();
        }
    }
    blocks
}

#[track_caller]
fn comes_back(rows: &[Row]) {
    let rows = batch(rows);
    let blocks = read(&source(&kept(&rows), schema(), &Progress::default()));
    // NaN is no equal of itself, so that debug output is what tells.
    assert_eq!(format!("{blocks:?}"), format!("{:?}", vec![rows]));
}

#[test]
fn values_at_the_ends_of_their_types_come_back_as_they_were() {
    let text = "\"quoted\"\\ \n\r\t\u{0}\u{2028}水😀 null".to_owned();
    comes_back(&[
        (None, None, None, None, None, None),
        (Some(true), Some(i64::MIN), Some(f64::NAN), Some(String::new()), Some(Vec::new()), Some(i64::MIN)),
        (
            Some(false),
            Some(i64::MAX),
            Some(f64::INFINITY),
            Some(text),
            Some(vec![0, 255, 10]),
            Some(i64::MAX),
        ),
        (None, Some((1 << 53) + 1), Some(f64::NEG_INFINITY), Some("null".to_owned()), None, Some(-1)),
        (None, Some(0), Some(-0.0), Some("{\"a\": 1}".to_owned()), None, Some(1_795_548_601_000_001)),
        (None, Some(-1), Some(5e-324), Some("NaN".to_owned()), None, Some(253_402_300_800_000_000)),
        (None, None, Some(f64::MAX), None, None, Some(-377_705_116_800_000_000)),
        (None, None, Some(0.1 + 0.2), None, None, Some(0)),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_in_a_row_comes_back(rows in prop::collection::vec(any::<Row>(), 1..8)) {
        let rows = batch(&rows);
        let blocks = read(&source(&kept(&rows), schema(), &Progress::default()));
        prop_assert_eq!(format!("{blocks:?}"), format!("{:?}", vec![rows]));
    }
}

#[test]
fn what_does_not_fit_is_told_and_its_place_is_not_among_those_done() {
    let rows: Vec<Row> = (0..30).map(|n| (None, (n % 3 != 0).then_some(n), None, None, None, None)).collect();
    let dir = kept(&batch(&rows));
    let needed = Arc::new(Schema::new(vec![Field::new("int64", DataType::Int64.arrow(), false)]));
    let progress = Progress::default();
    let blocks = read(&source(&dir, needed.clone(), &progress));
    assert_eq!(blocks.iter().map(RecordBatch::num_rows).sum::<usize>(), 20);
    let lines: Vec<u64> = progress.take().into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, (1..=30).filter(|line| line % 3 != 1).collect::<Vec<u64>>());
    let tally = progress.tally();
    assert_eq!((tally.num_rows, tally.num_misfits, tally.misfits.len()), (20, 10, NUM_TOLD));
    assert_eq!(tally.misfits[0], "letter 1:1: column `int64` is null, and its type int64 has no `?`");
    assert_eq!(source(&dir, needed, &Progress::default()).rehearse().unwrap(), tally);
}

#[test]
fn many_letters_make_several_batches() {
    let rows: Vec<Row> =
        (0..MAX_BATCH_ROWS as i64 + 5).map(|n| (None, Some(n), None, None, None, None)).collect();
    let dir = kept(&batch(&rows));
    let progress = Progress::default();
    let sizes: Vec<usize> =
        read(&source(&dir, schema(), &progress)).iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [MAX_BATCH_ROWS, 5]);
    assert_eq!(progress.take().len(), rows.len());
}

//! Batches in, folders out, across crashes and bad disks.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use tempfile::TempDir;

use super::*;
use crate::record::{BatchTime, Partition};

const TIME: BatchTime = BatchTime::from_millis(1_795_548_601_000);

fn counts(rows: &[(&str, Option<i64>)]) -> RecordBatch {
    let words = StringArray::from_iter_values(rows.iter().map(|row| row.0));
    let numbers: Int64Array = rows.iter().map(|row| row.1).collect();
    let columns: [(&str, ArrayRef, bool); 2] =
        [("word", Arc::new(words), false), ("n", Arc::new(numbers), true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn batch() -> [Partition; 2] {
    [
        vec![counts(&[("a", Some(1)), ("b, c", None)])],
        vec![counts(&[("d", Some(2))]), counts(&[("e", Some(3))])],
    ]
}

/// The sink `files` below `directory`, open for counts.
fn open(directory: &TempDir, files: &Files) -> Box<dyn Writer> {
    let mut files = files.clone();
    files.resolve(directory.path());
    files.open(&Opening::new("p", "s", &counts(&[]).schema())).unwrap()
}

/// Every file below `directory` with its text, sorted.
fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let path = file.path();
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// What is there after `partitions` went through `files`.
fn written(files: &Files, partitions: &[Partition]) -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = open(&directory, files);
    writer.stage(TIME, partitions).unwrap();
    writer.publish(TIME).unwrap();
    writer.close().unwrap();
    tree(directory.path())
}

fn file(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn a_batch_is_a_folder_and_a_partition_a_file() {
    assert_eq!(
        written(&Files::new("counts"), &batch()),
        [
            file("counts-1795548601000/part-00000", "(a, 1)\n(b, c, null)\n"),
            file("counts-1795548601000/part-00001", "(d, 2)\n(e, 3)\n"),
        ]
    );
}

#[test]
fn csv_has_a_header_a_file_where_asked() {
    let files = Files { format: RowFormat::Csv, suffix: Some("csv".to_owned()), ..Files::new("counts") };
    let name = |part| format!("counts-1795548601000.csv/part-0000{part}");
    assert_eq!(written(&files, &batch()), [file(&name(0), "a,1\n\"b, c\",\n"), file(&name(1), "d,2\ne,3\n")]);
    let files = Files { header: true, ..files };
    assert_eq!(
        written(&files, &batch()),
        [file(&name(0), "word,n\na,1\n\"b, c\",\n"), file(&name(1), "word,n\nd,2\ne,3\n")]
    );
}

#[test]
fn json_lines_have_their_nulls() {
    let files = Files { format: RowFormat::Jsonl, ..Files::new("counts") };
    let [(_, first), _] = written(&files, &batch()).try_into().unwrap();
    assert_eq!(first, "{\"word\":\"a\",\"n\":1}\n{\"word\":\"b, c\",\"n\":null}\n");
}

#[test]
fn an_empty_batch_is_an_empty_file_unless_skipped() {
    let empty = [file("counts-1795548601000/part-00000", "")];
    assert_eq!(written(&Files::new("counts"), &[]), empty);
    assert_eq!(written(&Files::new("counts"), &[vec![], vec![counts(&[])]]), empty);
    let files = Files { skip_empty: true, ..Files::new("counts") };
    assert_eq!(written(&files, &[vec![]]), []);
}

#[test]
fn the_directory_is_made_where_it_is_missing() {
    let names: Vec<_> = written(&Files::new("counts"), &batch()).into_iter().map(|found| found.0).collect();
    assert_eq!(names.len(), 2);
    let directory = tempfile::tempdir().unwrap();
    let mut writer = open(&directory, &Files::new("deep/er/counts"));
    writer.stage(TIME, &batch()).unwrap();
    writer.publish(TIME).unwrap();
    assert_eq!(tree(&directory.path().join("deep/er")).len(), 2);
}

#[test]
fn nothing_can_be_seen_before_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = open(&directory, &Files::new("counts"));
    writer.stage(TIME, &batch()).unwrap();
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".counts-1795548601000.staging"]);
}

#[test]
fn a_crash_after_staging_leaves_what_a_new_process_publishes() {
    let directory = tempfile::tempdir().unwrap();
    open(&directory, &Files::new("counts")).stage(TIME, &batch()).unwrap();
    open(&directory, &Files::new("counts")).publish(TIME).unwrap();
    assert_eq!(tree(directory.path()), written(&Files::new("counts"), &batch()));
}

#[test]
fn a_batch_run_again_replaces_its_stale_staging_and_keeps_what_is_published() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = open(&directory, &Files::new("counts"));
    writer.stage(TIME, &[vec![counts(&[("half", None)])]]).unwrap();
    for _ in 0..2 {
        writer.stage(TIME, &batch()).unwrap();
        writer.publish(TIME).unwrap();
        writer.publish(TIME).unwrap();
        assert_eq!(tree(directory.path()), written(&Files::new("counts"), &batch()));
    }
}

#[test]
fn a_directory_that_vanishes_is_an_error_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = open(&directory, &Files::new("out/counts"));
    writer.stage(TIME, &batch()).unwrap();
    fs::remove_dir_all(directory.path().join("out")).unwrap();
    for _ in 0..2 {
        let message = writer.publish(TIME).unwrap_err().to_string();
        assert!(message.contains("rename a finished batch to"), "{message}");
        assert!(message.contains("out/counts-1795548601000"), "{message}");
    }
    let message = writer.stage(TIME, &batch()).unwrap_err().to_string();
    assert!(message.contains("cannot create folder") && message.contains("out/.counts-"), "{message}");
}

/// What `check` says of `files` for rows with one column.
fn checked(files: &Files, column: ArrayRef) -> String {
    let rows = RecordBatch::try_from_iter([("payload", column)]).unwrap();
    files.check(&rows.schema()).map_or_else(|e| e.to_string(), |()| "good".to_owned())
}

#[test]
fn options_that_do_not_fit_are_found_by_check() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"a"]));
    let csv = Files { format: RowFormat::Csv, ..Files::new("out/rows") };
    assert_eq!(checked(&csv, text.clone()), "good");
    assert_eq!(
        checked(&csv, bytes.clone()),
        "format: column `payload` is binary, which CSV can't hold; set format = \"jsonl\""
    );
    assert_eq!(checked(&Files::new("rows"), bytes), "good");
    assert_eq!(
        checked(&Files { header: true, ..Files::new("rows") }, text.clone()),
        "header: it is for CSV only; leave it out or set format = \"csv\""
    );
    assert_eq!(
        checked(&Files { suffix: Some(".txt".to_owned()), ..Files::new("rows") }, text.clone()),
        "suffix: `.txt` can't end a name; write it without a dot before it and without `/`, as in `txt`"
    );
    assert_eq!(
        checked(&Files::new("out/"), text),
        "path: `out/` does not end in a name; add what the names of the batches' folders begin with, as in `out/rows`"
    );
}

#[test]
fn a_file_in_the_place_of_the_directory_is_found_by_check() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("out"), "a file").unwrap();
    let files = Files::new(directory.path().join("out/deep/rows"));
    let message = checked(&files, Arc::new(StringArray::from(vec!["a"])));
    assert!(
        message.starts_with("cannot write to directory ") && message.contains("out/deep: Not a directory"),
        "{message}"
    );
}

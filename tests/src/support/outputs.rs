//! What a files sink has written, read back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The folder of one batch: its files by name.
pub type Folder = BTreeMap<String, String>;

/// The batches in `directory` whose folders begin with `prefix` and a dash, in the order of their times. Fails
/// where a batch was left behind half done.
#[track_caller]
pub fn folders(directory: &Path, prefix: &str) -> Vec<Folder> {
    let staged: Vec<_> = names(directory).into_iter().filter(|name| name.ends_with(".staging")).collect();
    assert!(staged.is_empty(), "left behind: {staged:?}");
    published(directory, prefix)
}

/// The same while the program runs, or after it was killed.
pub fn published(directory: &Path, prefix: &str) -> Vec<Folder> {
    published_names(directory, prefix).map(|name| folder(&directory.join(name))).collect()
}

/// The last of these. Who looks again and again, while there are more and more of them, need not read them all.
pub fn last_published(directory: &Path, prefix: &str) -> Option<Folder> {
    published_names(directory, prefix).next_back().map(|name| folder(&directory.join(name)))
}

fn published_names(directory: &Path, prefix: &str) -> impl DoubleEndedIterator<Item = String> {
    let is_ours = move |name: &String| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
    names(directory).into_iter().filter(is_ours)
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    names
}

fn folder(path: &Path) -> Folder {
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect()
}

/// All lines of all batches, sorted.
#[track_caller]
pub fn rows(directory: &Path, prefix: &str) -> Vec<String> {
    let folders = folders(directory, prefix);
    let mut rows: Vec<String> =
        folders.iter().flat_map(Folder::values).flat_map(|file| file.lines()).map(str::to_owned).collect();
    rows.sort();
    rows
}

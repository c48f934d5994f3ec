//! Pieces of files cut into splits of about the same size, and read piece by piece.
//!
//! Comes in: the pieces of files that a batch has, in order. Goes out: at most as many splits as asked for, each a list of
//! pieces. A piece owns the lines that start in it, so that every line is read exactly once. Where the borders lie follows
//! from the files alone.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;

use super::format::Encoding;
use super::unpacker::{CHUNK_BYTES, Place, Unpacker};
use super::{Block, Interrupted, SourceError, Split};

/// Splits are not made smaller than this.
pub const LEAST_SPLIT_BYTES: u64 = 256 << 10;

/// Where files may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borders {
    /// Before every line.
    Lines,
    /// Between files only.
    Files,
}

/// A piece of a file, read from the start of a line to the end of a line.
#[derive(Clone, Debug)]
pub struct Piece {
    path: PathBuf,
    name: String,
    bytes: Range<u64>,
    /// Where it may be left, and who is told where it was; none where all of it is read.
    until: Option<(u64, Stopped)>,
}

/// Up to where a piece was read.
#[derive(Clone, Debug, Default)]
pub struct Stopped(Arc<AtomicU64>);

impl Stopped {
    /// The byte; 0 as long as nothing was read.
    pub fn at(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Piece {
    /// The `bytes` of the file `path`, which is called `name` in dead letters.
    pub fn new(path: PathBuf, name: String, bytes: Range<u64>) -> Self {
        Self { path, name, bytes, until: None }
    }

    /// It, to be left at the first end of a record from byte `until` on; and where that was, once it has been read.
    pub fn up_to(self, until: u64) -> (Self, Stopped) {
        let stopped = Stopped::default();
        (Self { until: Some((until, stopped.clone())), ..self }, stopped)
    }

    fn part(&self, bytes: Range<u64>) -> Self {
        Self { bytes, ..self.clone() }
    }

    /// How many bytes are read; about, as long as it isn't known where it is left.
    fn num_bytes(&self) -> u64 {
        let end = self.until.as_ref().map_or(self.bytes.end, |(until, stopped)| match stopped.at() {
            0 => *until,
            at => at,
        });
        end.min(self.bytes.end).saturating_sub(self.bytes.start)
    }
}

/// Cuts `pieces` into at most `num_splits` lists of pieces, none of them empty.
pub fn cut(pieces: &[Piece], num_splits: usize, borders: Borders) -> Result<Vec<Vec<Piece>>, SourceError> {
    let total: u64 = pieces.iter().map(Piece::num_bytes).sum();
    let num_splits = (num_splits as u64).min(total / LEAST_SPLIT_BYTES).max(1);
    let mut targets =
        (1..num_splits).map(|i| (u128::from(total) * u128::from(i) / u128::from(num_splits)) as u64);
    let mut target = targets.next();
    let mut splits = vec![Vec::new()];
    let mut before = 0;
    for piece in pieces {
        let Range { mut start, end } = piece.bytes;
        while let Some(at) =
            target.and_then(|target| target.checked_sub(before)).filter(|&at| at < piece.num_bytes())
        {
            let border = borders.near(piece, piece.bytes.start.saturating_add(at))?;
            add_piece(&mut splits, piece, start..border);
            start = start.max(border);
            if splits.last().is_some_and(|pieces| !pieces.is_empty()) {
                splits.push(Vec::new());
            }
            target = targets.next();
        }
        add_piece(&mut splits, piece, start..end);
        before += piece.num_bytes();
    }
    splits.retain(|pieces| !pieces.is_empty());
    Ok(splits)
}

fn add_piece(splits: &mut [Vec<Piece>], piece: &Piece, bytes: Range<u64>) {
    if let (Some(pieces), false) = (splits.last_mut(), bytes.is_empty()) {
        pieces.push(piece.part(bytes));
    }
}

impl Borders {
    /// The border of `piece` that a cut at byte `at` of its file becomes.
    pub fn near(self, piece: &Piece, at: u64) -> Result<u64, SourceError> {
        let Range { start, end } = piece.bytes;
        match (self, at.checked_sub(1)) {
            (Self::Files, _) => Ok(if at - start.min(at) < piece.num_bytes() / 2 { start } else { end }),
            (Self::Lines, None) => Ok(0),
            (Self::Lines, Some(before)) => {
                let found =
                    line_end(&piece.path, before).map_err(|source| failed("read", &piece.path, source))?;
                Ok(found.map_or(end, |found| found.saturating_add(1).min(end)))
            }
        }
    }
}

/// The first line end of the file at or after byte `at`.
fn line_end(path: &Path, mut at: u64) -> std::io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut chunk = Vec::with_capacity(SEARCH_BYTES);
    loop {
        chunk.clear();
        let num_read = file.by_ref().take(SEARCH_BYTES as u64).read_to_end(&mut chunk)? as u64;
        match memchr(b'\n', &chunk) {
            Some(end) => return Ok(Some(at.saturating_add(end as u64))),
            None if num_read == 0 => return Ok(None),
            None => at = at.saturating_add(num_read),
        }
    }
}

const SEARCH_BYTES: usize = 8 << 10;

/// Half of what is read first behind the byte from which on a piece may be left.
const LEAST_BEYOND: u64 = 32;

/// The part of a batch that one task reads.
pub struct FileSplit {
    /// What it reads, in order.
    pub pieces: Vec<Piece>,
    /// What the files hold.
    pub encoding: Encoding,
    /// The source's name in the manifest.
    pub origin: String,
}

impl Split for FileSplit {
    fn num_bytes(&self) -> Option<u64> {
        Some(self.pieces.iter().map(Piece::num_bytes).sum())
    }

    fn read(&self, into: &mut dyn FnMut(Block) -> Result<(), Interrupted>) -> Result<(), SourceError> {
        self.pieces.iter().try_for_each(|piece| self.read_piece(piece, into))
    }
}

impl FileSplit {
    fn read_piece(
        &self,
        piece: &Piece,
        into: &mut dyn FnMut(Block) -> Result<(), Interrupted>,
    ) -> Result<(), SourceError> {
        let Range { mut start, end } = piece.bytes;
        let mut file = File::open(&piece.path).map_err(|source| failed("open", &piece.path, source))?;
        let mut unpacker = self.unpacker(piece, &mut file)?;
        file.seek(SeekFrom::Start(start)).map_err(|source| failed("read", &piece.path, source))?;
        let mut beyond = LEAST_BEYOND;
        while start < end {
            let upto_border = match &piece.until {
                Some((until, _)) if start < *until => *until - start,
                // Little by little, to read not much more than the record that has to end.
                Some(_) => {
                    beyond *= 2;
                    beyond
                }
                None => u64::MAX,
            };
            let num_bytes = (end - start).min(CHUNK_BYTES as u64).min(upto_border);
            read_exactly(&mut file, num_bytes, &mut unpacker)
                .map_err(|source| failed("read", &piece.path, source))?;
            start += num_bytes;
            unpacker.blocks()?.into_iter().try_for_each(&mut *into)?;
            if let Some((until, stopped)) = &piece.until
                && let Some(at) = unpacker.border().filter(|&at| at > piece.bytes.start && start >= *until)
                && start < end
            {
                stopped.0.store(at, Ordering::Release);
                return Ok(());
            }
        }
        unpacker.finish()?.into_iter().try_for_each(into)?;
        if let Some((_, stopped)) = &piece.until {
            stopped.0.store(end, Ordering::Release);
        }
        Ok(())
    }

    /// What unpacks a piece. One that doesn't begin with the file's header knows it all the same.
    fn unpacker(&self, piece: &Piece, file: &mut File) -> Result<Unpacker, SourceError> {
        let (name, start) = (piece.name.clone(), piece.bytes.start);
        if start == 0 {
            return self.encoding.unpacker(&self.origin, Place::Lines(name));
        }
        let header = match self.encoding.header {
            true => self.encoding.header_of(file).map_err(|source| failed("read", &piece.path, source))?,
            false => Vec::new(),
        };
        let place = Place::From(name, start.saturating_sub(header.len() as u64));
        let mut unpacker = self.encoding.unpacker(&self.origin, place)?;
        unpacker.room().extend_from_slice(&header);
        // What is wrong with it was told when the file was begun.
        drop(unpacker.blocks()?);
        Ok(unpacker)
    }
}

fn read_exactly(file: &mut File, num_bytes: u64, unpacker: &mut Unpacker) -> std::io::Result<()> {
    match file.take(num_bytes).read_to_end(unpacker.room())? {
        n if n as u64 == num_bytes => Ok(()),
        _ => Err(std::io::Error::new(
            ErrorKind::UnexpectedEof,
            "the file became shorter after its batch was cut",
        )),
    }
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> SourceError {
    SourceError::Path { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::super::format::Format;
    use super::super::testing::{Collected, encoding, unpack};
    use super::*;

    fn found(dir: &TempDir, name: &str, bytes: &[u8]) -> Piece {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Piece::new(path, name.to_owned(), 0..bytes.len() as u64)
    }

    /// What there is to tell splits apart by.
    fn shown(splits: &[Vec<Piece>]) -> String {
        format!("{splits:?}")
    }

    fn read(splits: Vec<Vec<Piece>>, encoding: &Encoding) -> Vec<Collected> {
        let read = |pieces| {
            let split: Arc<dyn Split> =
                Arc::new(FileSplit { pieces, encoding: encoding.clone(), origin: "source".to_owned() });
            let mut blocks = Vec::new();
            split
                .read(&mut |block| {
                    blocks.push(block);
                    Ok(())
                })
                .unwrap();
            Collected { blocks }
        };
        splits.into_iter().map(read).collect()
    }

    /// Cuts without a least size, at the bytes given.
    fn cut_at(file: &Piece, targets: &[u64]) -> Vec<Vec<Piece>> {
        let mut borders = vec![0];
        borders
            .extend(targets.iter().map(|&at| Borders::Lines.near(file, at.min(file.num_bytes())).unwrap()));
        borders.push(file.num_bytes());
        let mut splits = Vec::new();
        for pair in borders.windows(2) {
            splits.push(Vec::new());
            add_piece(&mut splits, file, pair[0]..pair[1]);
        }
        splits
    }

    proptest! {
        #[test]
        fn every_line_is_read_once_however_a_file_is_cut(
            pieces in prop::collection::vec(prop::sample::select(vec![
                b"\n".as_slice(), b"\r\n", b"\r", b"a", b"ab c", "é水".as_bytes(), b"\xff", b"0123456789abcdef",
            ]), 0..80),
            mut targets in prop::collection::vec(0_u64..400, 0..8),
        ) {
            targets.sort_unstable();
            let bytes = pieces.concat();
            let dir = TempDir::new().unwrap();
            let file = found(&dir, "file", &bytes);
            let encoding = encoding(Format::Text, None, 12);
            let whole = unpack(&encoding, &[&bytes]);
            let parts = read(cut_at(&file, &targets), &encoding);
            prop_assert_eq!(parts.iter().flat_map(Collected::lines).collect::<Vec<_>>(), whole.lines());
            let texts = |of: &Collected| of.refused().into_iter().map(|(_, _, text)| text).collect::<Vec<_>>();
            prop_assert_eq!(parts.iter().flat_map(texts).collect::<Vec<_>>(), texts(&whole));
        }
    }

    #[test]
    fn any_number_of_splits_gives_the_same_lines_and_the_same_files_the_same_splits() {
        let dir = TempDir::new().unwrap();
        let long = |len: usize, end: &str| format!("{}{end}", "x".repeat(len));
        let texts = [
            String::new(),
            (0..40_000).map(|i| format!("a{i}\r\n")).collect::<String>() + "no end",
            "\n".repeat(300_000),
            long(CHUNK_BYTES * 3, "\r\n") + "after\n" + &long(CHUNK_BYTES + 1, "\n") + &long(CHUNK_BYTES, ""),
            String::new(),
            "last\r".to_owned(),
        ];
        let mut expected = Vec::new();
        for text in &texts {
            let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
            let lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned());
            expected.extend(lines.filter(|_| !text.is_empty()));
        }
        let files: Vec<Piece> =
            texts.iter().enumerate().map(|(i, text)| found(&dir, &i.to_string(), text.as_bytes())).collect();
        for num_splits in [0, 1, 2, 3, 4, 5, 7, 1000] {
            let splits = cut(&files, num_splits, Borders::Lines).unwrap();
            assert!(splits.len() <= num_splits.max(1));
            assert_eq!(shown(&splits), shown(&cut(&files, num_splits, Borders::Lines).unwrap()));
            let parts = read(splits, &encoding(Format::Text, None, 4 << 20));
            let lines: Vec<String> = parts.iter().flat_map(Collected::lines).collect();
            // Not `assert_eq`, which would print megabytes.
            assert!(lines == expected, "{num_splits} splits, {} lines of {}", lines.len(), expected.len());
        }
    }

    #[test]
    fn splits_are_about_equal_and_in_order() {
        let dir = TempDir::new().unwrap();
        let line = |i: usize| format!("{i:>99}\n");
        let bytes = |from: usize, to: usize| (from..to).map(line).collect::<String>().into_bytes();
        let files =
            [found(&dir, "a", &bytes(0, 100)), found(&dir, "b", &[]), found(&dir, "c", &bytes(100, 20_000))];
        let splits = cut(&files, 4, Borders::Lines).unwrap();
        assert_eq!(splits.len(), 4);
        assert_eq!(splits[0].len(), 2);
        let parts = read(splits, &encoding(Format::Text, None, 999));
        assert!(parts.iter().all(|part| part.lines().len() == 5_000));
        let all: Vec<String> = parts.iter().flat_map(Collected::lines).collect();
        assert_eq!(all, (0..20_000).map(|i| line(i).trim_end().to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn small_batches_are_not_cut_and_empty_ones_have_no_split() {
        let dir = TempDir::new().unwrap();
        let files = [found(&dir, "a", b"1\n"), found(&dir, "b", b"2")];
        assert_eq!(cut(&files, 8, Borders::Lines).unwrap().len(), 1);
        assert!(cut(&[found(&dir, "c", b"")], 8, Borders::Lines).unwrap().is_empty());
        assert!(cut(&[], 8, Borders::Lines).unwrap().is_empty());
    }

    #[test]
    fn a_line_longer_than_a_chunk_or_a_split_is_one_row() {
        let dir = TempDir::new().unwrap();
        let bytes = [b"a\n".as_slice(), &vec![b'x'; 3 << 20], b"\nb\n"].concat();
        let files = [found(&dir, "a", &bytes)];
        let parts = read(cut(&files, 8, Borders::Lines).unwrap(), &encoding(Format::Text, None, 4 << 20));
        let lens: Vec<usize> = parts.iter().flat_map(Collected::lines).map(|line| line.len()).collect();
        assert_eq!(lens, [1, 3 << 20, 1]);
    }

    #[test]
    fn csv_is_cut_between_files_only() {
        let dir = TempDir::new().unwrap();
        let bytes = b"1,\"a\nb\"\n".repeat(100_000);
        let files = [found(&dir, "a", &bytes), found(&dir, "b", &bytes)];
        let splits = cut(&files, 8, Borders::Files).unwrap();
        assert_eq!(splits.len(), 2);
        let parts = read(splits, &encoding(Format::Csv, Some(r#"{ "id": "int64", "name": "utf8" }"#), 999));
        assert!(parts.iter().all(|part| part.rows().len() == 100_000 && part.dead().is_empty()));
    }

    #[test]
    fn a_file_that_is_gone_or_became_shorter_is_an_error_that_names_it() {
        let dir = TempDir::new().unwrap();
        let file = found(&dir, "orders", b"1\n2\n");
        let split = |pieces| FileSplit {
            pieces,
            encoding: encoding(Format::Text, None, 99),
            origin: "source".into(),
        };
        let split = split(cut(std::slice::from_ref(&file), 1, Borders::Lines).unwrap().remove(0));
        std::fs::write(&file.path, b"1\n").unwrap();
        let error = split.read(&mut |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("orders") && error.contains("shorter"), "{error}");
        std::fs::remove_file(&file.path).unwrap();
        assert!(split.read(&mut |_| Ok(())).unwrap_err().to_string().contains("cannot open"));
    }
}

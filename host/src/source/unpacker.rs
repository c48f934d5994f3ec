//! Bytes in as they come, blocks out: one growing buffer between a source and a decoder.
//!
//! Whole records become rows at once; the start of a record waits for the rest. Memory never holds more than
//! the longest line allowed and one chunk: a line that is longer becomes a dead letter with its beginning, and
//! the rest of it is skipped. Keeps count of lines and bytes, so that dead letters say where they stood.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use memchr::{memchr, memchr_iter};

use super::format::{Decoder, Misfit, UNCLOSED_QUOTE, too_long};
use super::{Block, SourceError};
use crate::record::DeadLetter;

/// How many bytes a source should read at a time: so few that what is made of them stays in a core's own cache.
pub const CHUNK_BYTES: usize = 64 << 10;

const LINE_END: u8 = b'\n';

/// Where bytes come from, for the positions of dead letters.
#[derive(Clone, Debug)]
pub enum Place {
    /// The other end of a connection.
    Peer(String),
    /// Something named that is read from its first line on.
    Lines(String),
    /// Something named that is read from this byte on.
    From(String, u64),
}

/// Turns the bytes of one place into blocks.
pub struct Unpacker {
    origin: String,
    place: Place,
    decoder: Box<dyn Decoder>,
    schema: SchemaRef,
    max_line: usize,
    buffer: Vec<u8>,
    /// How much of the buffer is known to hold no whole record.
    searched: usize,
    /// Whether the buffer continues a line that was given up for its length.
    skipping: bool,
    lines_before: u64,
    bytes_before: u64,
}

impl Unpacker {
    /// For the bytes of `place`, as the source `origin` of the manifest.
    pub fn new(
        origin: &str,
        place: Place,
        decoder: Box<dyn Decoder>,
        schema: SchemaRef,
        max_line: usize,
    ) -> Self {
        Self {
            origin: origin.to_owned(),
            bytes_before: if let Place::From(_, start) = place { start } else { 0 },
            place,
            decoder,
            schema,
            max_line,
            buffer: Vec::new(),
            searched: 0,
            skipping: false,
            lines_before: 0,
        }
    }

    /// Where bytes are to be appended; it has room for a chunk.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.buffer.reserve_exact(CHUNK_BYTES);
        &mut self.buffer
    }

    /// The records that are complete.
    pub fn blocks(&mut self) -> Result<Vec<Block>, SourceError> {
        let mut blocks = Vec::new();
        self.skip_rest_of_line();
        if self.buffer.get(self.searched..).is_some_and(|new| memchr(LINE_END, new).is_some()) {
            while let Some(block) = self.decode()? {
                blocks.push(block);
            }
        }
        while self.is_too_long() {
            blocks.push(self.give_up_line());
            while let Some(block) = self.decode()? {
                blocks.push(block);
            }
        }
        self.searched = self.buffer.len();
        blocks.retain(|block| block.rows.num_rows() > 0 || !block.dead.is_empty());
        Ok(blocks)
    }

    /// The bytes have ended: the last line counts, even without a line end.
    pub fn finish(&mut self) -> Result<Vec<Block>, SourceError> {
        if self.buffer.last().is_some_and(|&last| last != LINE_END) {
            self.buffer.push(LINE_END);
        }
        let mut blocks = self.blocks()?;
        while !self.buffer.is_empty() {
            blocks.push(self.give_up_line());
            self.searched = 0;
            blocks.extend(self.blocks()?);
        }
        self.skipping = false;
        Ok(blocks)
    }

    /// Up to where the bytes of its place have become rows; none within a line that was given up.
    pub fn border(&self) -> Option<u64> {
        (!self.skipping).then_some(self.bytes_before)
    }

    /// The bytes broke off, so that the last line can't be trusted: it is set aside for `reason`.
    pub fn abandon(&mut self, reason: &str) -> Result<Vec<Block>, SourceError> {
        let mut blocks = self.blocks()?;
        if !self.buffer.is_empty() && !self.skipping {
            let misfit = Misfit { bytes: 0..self.buffer.len(), lines_before: 0, reason: reason.to_owned() };
            blocks.push(self.dead_block(misfit));
        }
        self.advance(self.buffer.len());
        self.skipping = false;
        Ok(blocks)
    }

    /// The next block of whole records; none where there is none.
    fn decode(&mut self) -> Result<Option<Block>, SourceError> {
        let mut misfits = Vec::new();
        let decoded = self.decoder.decode(&self.buffer, &mut misfits)?;
        let dead = misfits.into_iter().map(|misfit| self.dead_letter(misfit)).collect();
        self.lines_before += decoded.num_lines;
        self.advance(decoded.num_bytes);
        Ok((decoded.num_bytes > 0).then_some(Block { rows: decoded.rows, dead }))
    }

    /// Whether what waits for its end has outgrown a line with a carriage return.
    fn is_too_long(&self) -> bool {
        !self.skipping && self.buffer.len() > self.max_line.saturating_add(1)
    }

    /// Sets the first line of the buffer aside. Where it has an end, it is a quote in it that has none.
    fn give_up_line(&mut self) -> Block {
        self.decoder.gave_up();
        let (end, taken, reason) = match memchr(LINE_END, &self.buffer) {
            Some(end) => (end, end.saturating_add(1), UNCLOSED_QUOTE.to_owned()),
            None => (self.buffer.len(), self.buffer.len(), too_long(self.max_line)),
        };
        let line = self.buffer.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let block = self.dead_block(Misfit { bytes: 0..line.len(), lines_before: 0, reason });
        self.skipping = taken == end;
        self.lines_before += u64::from(!self.skipping);
        self.advance(taken);
        block
    }

    /// Drops what belongs to a line given up, up to its end.
    fn skip_rest_of_line(&mut self) {
        if !self.skipping {
            return;
        }
        let end = memchr(LINE_END, &self.buffer);
        self.skipping = end.is_none();
        self.lines_before += u64::from(end.is_some());
        self.advance(end.map_or(self.buffer.len(), |end| end.saturating_add(1)));
    }

    fn advance(&mut self, num_bytes: usize) {
        self.bytes_before += num_bytes as u64;
        self.buffer.drain(..num_bytes.min(self.buffer.len()));
        self.searched = 0;
    }

    fn dead_block(&self, misfit: Misfit) -> Block {
        Block { rows: RecordBatch::new_empty(self.schema.clone()), dead: vec![self.dead_letter(misfit)] }
    }

    fn dead_letter(&self, misfit: Misfit) -> DeadLetter {
        let position = match &self.place {
            Place::Peer(address) => address.clone(),
            Place::Lines(name) => format!("{name}:{}", self.lines_before + misfit.lines_before + 1),
            Place::From(name, _) => format!("{name}@byte {}", self.bytes_before + misfit.bytes.start as u64),
        };
        let line = self.buffer.get(misfit.bytes).unwrap_or_default();
        // Of a line that is too long there may be more or less in the buffer: what is kept must not tell.
        let line = line.get(..self.max_line).unwrap_or(line);
        DeadLetter::line(&self.origin, Some(position), line, misfit.reason)
    }
}

/// How many lines end in `bytes`.
pub fn num_line_ends(bytes: &[u8]) -> u64 {
    memchr_iter(LINE_END, bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::super::testing::{encoding, unpack};
    use super::*;

    fn unpacker(place: Place, max_line: u64) -> Unpacker {
        encoding(Format::Text, None, max_line).unpacker("source", place).unwrap()
    }

    #[test]
    fn an_endless_line_is_not_kept_in_memory() {
        let mut unpacker = unpacker(Place::Peer("peer:1".to_owned()), 10_000);
        let mut blocks = Vec::new();
        for _ in 0..100 {
            unpacker.room().extend_from_slice(&[b'x'; 8_000]);
            blocks.extend(unpacker.blocks().unwrap());
            assert!(unpacker.buffer.len() <= 10_001);
        }
        unpacker.room().extend_from_slice(b"end\nnext\n");
        blocks.extend(unpacker.blocks().unwrap());
        let dead: Vec<&DeadLetter> = blocks.iter().flat_map(|block| &block.dead).collect();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].position.as_deref(), Some("peer:1"));
        assert_eq!(dead[0].row["line"].as_str().unwrap().len(), DeadLetter::LINE_KEPT_BYTES);
        assert_eq!(blocks.iter().map(|block| block.rows.num_rows()).sum::<usize>(), 1);
    }

    #[test]
    fn lines_are_counted_past_those_given_up() {
        let collected =
            unpack(&encoding(Format::Text, None, 4), &[b"a\n123", b"45678", b"9\nb\n\xff\n", b"12345"]);
        assert_eq!(collected.lines(), ["a", "b"]);
        let places: Vec<String> = collected.refused().into_iter().map(|(place, ..)| place).collect();
        assert_eq!(places, ["file:2", "file:4", "file:5"]);
    }

    #[test]
    fn a_line_as_long_as_allowed_is_taken_with_either_end() {
        let collected = unpack(&encoding(Format::Text, None, 4), &[b"1234", b"\r", b"\n1234\n", b"1234\r"]);
        assert_eq!(collected.lines(), ["1234", "1234", "1234"]);
    }

    #[test]
    fn of_a_line_that_is_too_long_what_would_be_allowed_is_kept_however_it_came() {
        let whole: &[&[u8]] = &[b"a\n1234567\r\nb\n"];
        let torn: &[&[u8]] = &[b"a\n123456", b"7\r\nb", b"\n"];
        for format in [Format::Text, Format::Csv, Format::Jsonl] {
            let schema = (format != Format::Text).then_some(r#"{ "id": "int64" }"#);
            for chunks in [whole, torn, &[b"a\n1234567"]] {
                let refused = unpack(&encoding(format, schema, 4), chunks).refused();
                let long = refused.iter().find(|(place, ..)| place == "file:2").unwrap();
                assert_eq!(
                    (long.1.as_str(), long.2.as_str()),
                    ("the line is longer than max_line, 4 B", "1234")
                );
            }
        }
    }

    #[test]
    fn within_a_file_a_position_is_a_byte() {
        let mut unpacker = unpacker(Place::From("file".to_owned(), 1000), 99);
        unpacker.room().extend_from_slice(b"good\n\xff\n");
        let blocks = unpacker.blocks().unwrap();
        assert_eq!(blocks[0].dead[0].position.as_deref(), Some("file@byte 1005"));
    }

    #[test]
    fn a_line_that_broke_off_is_set_aside() {
        let mut unpacker = unpacker(Place::Peer("peer:1".to_owned()), 99);
        unpacker.room().extend_from_slice(b"good\nbro");
        let blocks = unpacker.abandon("broken").unwrap();
        assert_eq!(blocks[0].rows.num_rows(), 1);
        assert_eq!(
            (blocks[1].dead[0].reason.as_str(), &blocks[1].dead[0].row["line"]),
            ("broken", &"bro".into())
        );
        assert!(unpacker.finish().unwrap().is_empty());
    }
}

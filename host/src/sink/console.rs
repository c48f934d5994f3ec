//! Prints the first rows of each batch to standard output, under the batch's time.
//!
//! A batch becomes one text when it is staged, at most `limit` rows long, and is written in one go when it is
//! published. A crash between the commit and the end of that write prints it again: at-least-once.

use std::collections::BTreeMap;
use std::io::Write;

use arrow::error::ArrowError;
use serde::Deserialize;

use super::{Delivery, Opening, Sink, SinkError, Writer};
use crate::record::{BatchTime, Partition, TextRows, num_rows};

/// The line above and below a batch's time.
const RULE: &str = "-------------------------------------------";

/// A sink that prints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// The most rows printed of a batch; `...` stands for the others.
    pub limit: usize,
    /// Whether batches without rows print nothing, rather than their time alone.
    pub skip_empty: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self { limit: 10, skip_empty: false }
    }
}

impl Console {
    /// Prints to `target` instead of standard output.
    pub fn open_onto(&self, target: Box<dyn Write + Send>) -> Box<dyn Writer> {
        Box::new(ConsoleWriter { options: self.clone(), target, staged: BTreeMap::new() })
    }
}

impl Sink for Console {
    fn kind(&self) -> &'static str {
        "console"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Again
    }

    fn open(&self, _opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        Ok(self.open_onto(Box::new(std::io::stdout())))
    }
}

struct ConsoleWriter {
    options: Console,
    target: Box<dyn Write + Send>,
    /// The texts not yet printed.
    staged: BTreeMap<BatchTime, String>,
}

impl Writer for ConsoleWriter {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let total: usize = partitions.iter().map(|blocks| num_rows(blocks)).sum();
        if total == 0 && self.options.skip_empty {
            return Ok(());
        }
        let mut text = format!("{RULE}\nTime: {time}\n{RULE}\n");
        write_rows(partitions, self.options.limit, &mut text)?;
        if total > self.options.limit {
            text.push_str("...\n");
        }
        text.push('\n');
        self.staged.insert(time, text);
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        let Some(text) = self.staged.get(&time) else {
            return Ok(());
        };
        let written = self.target.write_all(text.as_bytes());
        written.and_then(|()| self.target.flush()).map_err(SinkError::Stdout)?;
        self.staged.remove(&time);
        Ok(())
    }

    fn close(&mut self) -> Result<(), SinkError> {
        self.target.flush().map_err(SinkError::Stdout)
    }
}

/// Appends the first `limit` rows of `partitions`, one a line.
fn write_rows(partitions: &[Partition], limit: usize, out: &mut String) -> Result<(), ArrowError> {
    let mut left = limit;
    for block in partitions.iter().flatten() {
        if left == 0 {
            break;
        }
        let rows = TextRows::new(block)?;
        let num_printed = block.num_rows().min(left);
        for row in 0..num_printed {
            rows.write(row, out)?;
            out.push('\n');
        }
        left -= num_printed;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use arrow::array::{Int64Array, RecordBatch, StringArray};

    use super::*;

    const TIME: BatchTime = BatchTime::from_millis(1_795_548_601_000);

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct BrokenPipe;

    impl Write for BrokenPipe {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn counts(rows: &[(&str, Option<i64>)]) -> RecordBatch {
        let words = StringArray::from_iter_values(rows.iter().map(|row| row.0));
        let numbers: Int64Array = rows.iter().map(|row| row.1).collect();
        RecordBatch::try_from_iter([("word", Arc::new(words) as _), ("n", Arc::new(numbers) as _)]).unwrap()
    }

    /// What is on the screen after `partitions` went through `console`.
    fn printed(console: &Console, partitions: &[Partition]) -> String {
        let screen = Screen::default();
        let mut writer = console.open_onto(Box::new(screen.clone()));
        writer.stage(TIME, partitions).unwrap();
        assert!(screen.0.lock().unwrap().is_empty(), "nothing may be seen before the commit");
        writer.publish(TIME).unwrap();
        writer.publish(TIME).unwrap();
        writer.close().unwrap();
        String::from_utf8(screen.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_batch_prints_once_under_its_time() {
        let partitions = [vec![counts(&[("spark", Some(2))])], vec![], vec![counts(&[("hello", None)])]];
        assert_eq!(
            printed(&Console::default(), &partitions),
            "-------------------------------------------\n\
             Time: 2026-11-24T19:30:01Z\n\
             -------------------------------------------\n\
             (spark, 2)\n(hello, null)\n\n"
        );
    }

    #[test]
    fn rows_beyond_the_limit_are_dots() {
        let console = Console { limit: 2, ..Console::default() };
        let two = counts(&[("a", Some(1)), ("b", Some(2))]);
        let exact = printed(&console, &[vec![two.clone()]]);
        assert!(exact.ends_with("---\n(a, 1)\n(b, 2)\n\n"), "{exact}");
        let more = printed(&console, &[vec![two], vec![counts(&[("c", Some(3))])]]);
        assert!(more.ends_with("---\n(a, 1)\n(b, 2)\n...\n\n"), "{more}");
    }

    #[test]
    fn an_empty_batch_prints_its_time_unless_skipped() {
        assert!(printed(&Console::default(), &[]).ends_with("---\n\n"));
        let console = Console { skip_empty: true, ..Console::default() };
        assert_eq!(printed(&console, &[vec![]]), "");
    }

    #[test]
    fn a_closed_pipe_is_an_error() {
        let mut writer = Console::default().open_onto(Box::new(BrokenPipe));
        writer.stage(TIME, &[]).unwrap();
        for _ in 0..2 {
            let error = writer.publish(TIME).unwrap_err();
            assert_eq!(error.to_string(), "cannot write to standard output: broken pipe");
        }
    }
}

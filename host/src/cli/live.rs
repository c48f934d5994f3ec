//! The one line that `run` keeps up to date on a terminal: batch, rows a second, processing time, delay.
//!
//! Reports of finished batches come in; the line goes to standard error, only where that is a terminal. It is
//! painted at most ten times a second of batch time, each time for all batches since the last. Whoever is about
//! to write to the same terminal calls `clear` first. A line that can't be written is given up, never an error.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::context::BatchReport;
use crate::record::{BatchTime, Interval};

/// The least batch time between two paintings.
const REPAINT: Duration = Duration::from_millis(100);

/// Back to the first column, and nothing left on the line.
const ERASE: &str = "\r\x1b[2K";

/// The line, where it is shown.
pub struct LiveLine {
    /// The terminal; none where there is none to write to.
    target: Option<Box<dyn Write + Send>>,
    interval: Interval,
    /// The batch that was painted last.
    painted: Option<BatchTime>,
    /// Rows since the line was painted.
    num_rows: u64,
    is_shown: bool,
}

impl LiveLine {
    /// On standard error where that is a terminal that can erase a line, else nowhere.
    pub fn on_stderr(interval: Interval) -> Self {
        let stderr = std::io::stderr();
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shows = stderr.is_terminal() && !is_dumb;
        Self {
            target: shows.then(|| Box::new(stderr) as _),
            ..Self::onto(Box::new(std::io::sink()), interval)
        }
    }

    /// On `target`, which erases lines as terminals do.
    pub fn onto(target: Box<dyn Write + Send>, interval: Interval) -> Self {
        Self { target: Some(target), interval, painted: None, num_rows: 0, is_shown: false }
    }

    /// Takes a finished batch in, and paints the line anew where it is time to.
    pub fn update(&mut self, report: &BatchReport) {
        self.num_rows = self.num_rows.saturating_add(report.num_rows_in() as u64);
        let span = match self.painted {
            Some(painted) if report.time.since(painted) < REPAINT => return,
            Some(painted) => report.time.since(painted),
            None => self.interval.duration(),
        };
        let line = render(report, self.num_rows, span);
        self.painted = Some(report.time);
        self.num_rows = 0;
        self.is_shown = true;
        self.write(&format!("{ERASE}{line}"));
    }

    /// Takes the line off the terminal, until the next update.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            self.write(ERASE);
        }
    }

    fn write(&mut self, text: &str) {
        let written = self
            .target
            .as_mut()
            .map(|target| target.write_all(text.as_bytes()).and_then(|()| target.flush()));
        if matches!(written, Some(Err(_))) {
            self.target = None;
        }
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The line for `report`, after `num_rows` rows in `span` of batch time.
pub fn render(report: &BatchReport, num_rows: u64, span: Duration) -> String {
    format!(
        "batch {} | {} rows/s | processing {} | delay {}",
        report.time,
        grouped(rows_per_second(num_rows, span)),
        short(report.processing_time),
        short(report.scheduling_delay)
    )
}

fn rows_per_second(num_rows: u64, span: Duration) -> u128 {
    (u128::from(num_rows) * 1_000_000_000).checked_div(span.as_nanos()).unwrap_or(0)
}

/// A number with a comma between every three digits.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time in about three digits.
fn short(length: Duration) -> String {
    let mut text = String::new();
    let millis = length.as_secs_f64() * 1000.0;
    let written = match millis {
        ..10.0 => write!(text, "{millis:.1} ms"),
        ..10_000.0 => write!(text, "{millis:.0} ms"),
        _ => write!(text, "{:.1} s", millis / 1000.0),
    };
    debug_assert!(written.is_ok(), "writing to a string can't fail");
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn report(millis: i64, num_rows: usize) -> BatchReport {
        BatchReport {
            time: BatchTime::from_millis(1_795_548_600_000 + millis),
            num_input_rows: vec![("lines".to_owned(), num_rows), ("more".to_owned(), 0)],
            num_output_rows: Vec::new(),
            num_dead_letters: 0,
            num_merged: 0,
            processing_time: Duration::from_micros(12_345),
            scheduling_delay: Duration::from_micros(400),
        }
    }

    fn line(screen: &Screen, interval_millis: u64) -> LiveLine {
        let interval = Interval::new(Duration::from_millis(interval_millis)).unwrap();
        LiveLine::onto(Box::new(screen.clone()), interval)
    }

    #[test]
    fn a_batch_is_a_line_and_the_next_one_erases_it() {
        let screen = Screen::default();
        let mut line = line(&screen, 500);
        line.update(&report(0, 1000));
        line.update(&report(500, 617_283));
        assert_eq!(
            screen.text(),
            "\r\x1b[2Kbatch 2026-11-24T19:30:00Z | 2,000 rows/s | processing 12 ms | delay 0.4 ms\
             \r\x1b[2Kbatch 2026-11-24T19:30:00.5Z | 1,234,566 rows/s | processing 12 ms | delay 0.4 ms"
        );
    }

    #[test]
    fn short_batches_are_shown_together() {
        let screen = Screen::default();
        let mut line = line(&screen, 1);
        (0..=200).for_each(|millis| line.update(&report(millis, 7)));
        assert_eq!(screen.text().matches("| 7,000 rows/s |").count(), 3);
        assert_eq!(screen.text().matches("batch").count(), 3);
    }

    #[test]
    fn a_line_is_cleared_once_and_at_the_end() {
        let screen = Screen::default();
        let mut line = line(&screen, 1000);
        line.clear();
        assert_eq!(screen.text(), "");
        line.update(&report(0, 0));
        line.clear();
        line.clear();
        assert!(screen.text().ends_with("delay 0.4 ms\r\x1b[2K"), "{:?}", screen.text());
        line.update(&report(1000, 0));
        drop(line);
        assert!(screen.text().ends_with("delay 0.4 ms\r\x1b[2K"), "{:?}", screen.text());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let lengths = [0, 9_949, 10_000, 9_999_000, 12_345_000].map(Duration::from_micros);
        assert_eq!(lengths.map(short), ["0.0 ms", "9.9 ms", "10 ms", "9999 ms", "12.3 s"]);
    }
}

//! Standard input, read until it ends.
//!
//! A thread of its own reads, because nothing can interrupt a read of standard input; the receiver takes what
//! the thread read and can stop at any time. A thread that still waits for input then ends with the process.

use std::io::{ErrorKind, Read};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::unpacker::{CHUNK_BYTES, Place, Unpacker};
use super::{
    Opening, Outlet, Reader, Receiver, Recovery, Source, SourceError, Stop, check_max_rate, put_all,
};
use crate::record::{Bytes, DeclaredSchema};

/// Reads standard input.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stdin {
    /// What it holds.
    #[serde(default)]
    pub format: Format,
    /// The columns of csv and jsonl.
    pub schema: Option<DeclaredSchema>,
    /// Whether csv begins with the names of its columns.
    #[serde(default)]
    pub header: bool,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// The longest line; longer ones become dead letters.
    #[serde(default = "default_max_line")]
    pub max_line: Bytes,
    /// The most rows a second to take; whoever writes waits.
    pub max_rate: Option<u64>,
}

fn default_max_line() -> Bytes {
    DEFAULT_MAX_LINE
}

impl Default for Stdin {
    fn default() -> Self {
        Self {
            format: Format::Text,
            schema: None,
            header: false,
            separator: None,
            max_line: DEFAULT_MAX_LINE,
            max_rate: None,
        }
    }
}

impl Stdin {
    fn encoding(&self) -> Encoding {
        Encoding {
            format: self.format,
            schema: self.schema.clone(),
            header: self.header,
            separator: self.separator,
            max_line: self.max_line,
        }
    }

    fn receiver<R: Read + Send + 'static>(
        &self,
        opening: &Opening,
        input: R,
    ) -> Result<Piped<R>, SourceError> {
        let place = Place::Lines("stdin".to_owned());
        Ok(Piped { unpacker: self.encoding().unpacker(&opening.name, place)?, input })
    }
}

impl Source for Stdin {
    fn kind(&self) -> &'static str {
        "stdin"
    }

    fn schema(&self) -> SchemaRef {
        self.encoding().schema()
    }

    fn recovery(&self) -> Recovery {
        Recovery::Lost
    }

    fn max_rows_per_second(&self) -> Option<u64> {
        self.max_rate
    }

    fn check(&self) -> Result<(), SourceError> {
        self.encoding().check()?;
        check_max_rate(self.max_rate)
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        self.check()?;
        Ok(Reader::Receiver(Box::new(self.receiver(opening, std::io::stdin())?)))
    }
}

/// An input that is being read.
struct Piped<R> {
    unpacker: Unpacker,
    input: R,
}

/// How many chunks wait between thread and receiver.
const CHUNKS_WAITING: usize = 2;

#[async_trait]
impl<R: Read + Send + 'static> Receiver for Piped<R> {
    async fn run(self: Box<Self>, outlet: Arc<dyn Outlet>, mut stop: Stop) -> Result<(), SourceError> {
        let Self { mut unpacker, input } = *self;
        let (sender, mut chunks) = mpsc::channel(CHUNKS_WAITING);
        let thread = std::thread::Builder::new().name("stdin".to_owned());
        thread.spawn(move || pump(input, &sender)).map_err(SourceError::Stdin)?;
        loop {
            let chunk = tokio::select! {
                biased;
                () = stop.requested() => break,
                chunk = chunks.recv() => chunk,
            };
            let Some(chunk) = chunk else { break };
            unpacker.room().extend_from_slice(&chunk.map_err(SourceError::Stdin)?);
            if put_all(&*outlet, unpacker.blocks()?).await.is_err() {
                return Ok(());
            }
        }
        // What the thread has read is taken from the outside, stop or not.
        while let Ok(Ok(chunk)) = chunks.try_recv() {
            unpacker.room().extend_from_slice(&chunk);
        }
        let _closed = put_all(&*outlet, unpacker.finish()?).await;
        Ok(())
    }
}

/// Reads until the input ends or nobody listens.
fn pump(mut input: impl Read, sender: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let chunk = match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => Ok(buffer.get(..n).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if sender.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::io::pipe;

    use super::super::Extent;
    use super::super::testing::{Basket, opening};
    use super::*;

    #[tokio::test]
    async fn it_ends_with_its_input() {
        for extent in [Extent::Endless, Extent::Available] {
            let basket = Arc::new(Basket::default());
            let piped =
                Stdin::default().receiver(&opening(extent), b"a\r\nb\n\xff\nlast".as_slice()).unwrap();
            let (_sender, stop) = Stop::new();
            Box::new(piped).run(basket.clone(), stop).await.unwrap();
            let collected = basket.take();
            assert_eq!(collected.lines(), ["a", "b", "last"]);
            assert_eq!(collected.refused()[0].0, "stdin:3");
        }
    }

    #[tokio::test]
    async fn it_stops_while_a_read_waits() {
        let (input, mut output) = pipe().unwrap();
        output.write_all(b"whole\ntail").unwrap();
        let basket = Arc::new(Basket::default());
        let piped = Stdin::default().receiver(&opening(Extent::Endless), input).unwrap();
        let (sender, stop) = Stop::new();
        let running = tokio::spawn(Box::new(piped).run(basket.clone(), stop));
        basket.when_there_are(1).await;
        sender.send(true).unwrap();
        running.await.unwrap().unwrap();
        assert_eq!(basket.take().lines(), ["whole", "tail"]);
        drop(output);
    }
}

//! The intake of one receiver: blocks wait here, bounded in bytes, until a batch takes them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::log::Log;
use super::wake::Wake;
use crate::record::{BatchTime, Bytes};
use crate::source::{Block, Closed, Outlet, SourceError};

/// How much an intake takes.
#[derive(Clone, Copy, Debug)]
pub struct IntakeOptions {
    /// The bytes that may wait. A lone block larger than this is let in by itself.
    pub capacity: Bytes,
    /// The most rows a second.
    pub max_rows_per_second: Option<u64>,
}

/// The intake of one receiver.
pub struct Intake {
    options: IntakeOptions,
    clock: Arc<dyn Clock>,
    /// Rings when a batch may be due before its time: the receiver ended, or there is no more room.
    wake: Arc<Wake>,
    room: Notify,
    hurry: Notify,
    state: Mutex<State>,
    /// Where blocks are written before they are let in.
    log: Option<Box<dyn Log>>,
}

/// In how many steps a second a limited rate lets rows in.
const STEPS_PER_SECOND: u64 = 100;

struct State {
    waiting: VecDeque<Waiting>,
    /// The number of the last block that was taken, in the log.
    taken: Option<u64>,
    /// How many rows were taken.
    rows_taken: u64,
    /// The number of the last block of the log that was let in.
    let_in: u64,
    num_bytes: usize,
    is_full: bool,
    is_closed: bool,
    /// Whether what was received is to come in at once, because there will be no more.
    hurries: bool,
    ended: Option<Result<(), SourceError>>,
    /// When the next block may come, where the rate is limited.
    next: Option<Instant>,
}

/// What a batch takes.
#[derive(Debug, Default)]
pub struct Taken {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// Whether more could have been taken, if there had been room for it in the batch.
    pub has_more: bool,
}

struct Waiting {
    arrived_millis: i64,
    /// Of the block when it came, though parts of it may be gone: they share its memory.
    num_bytes: usize,
    /// Its number in the log.
    number: Option<u64>,
    block: Block,
}

impl Intake {
    /// An empty intake.
    pub fn new(options: IntakeOptions, clock: Arc<dyn Clock>, wake: Arc<Wake>) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            taken: None,
            rows_taken: 0,
            let_in: 0,
            num_bytes: 0,
            is_full: false,
            is_closed: false,
            hurries: false,
            ended: None,
            next: None,
        };
        Self {
            options,
            clock,
            wake,
            room: Notify::new(),
            hurry: Notify::new(),
            state: Mutex::new(state),
            log: None,
        }
    }

    /// Has blocks written to `log` before they are let in. The last one that a batch took before is `taken`.
    #[must_use]
    pub fn with_log(mut self, log: impl Log + 'static, taken: Option<u64>) -> Self {
        self.log = Some(Box::new(log));
        let mut state = self.state();
        state.taken = taken;
        state.let_in = taken.unwrap_or(0);
        drop(state);
        self
    }

    /// Lets in a block that is in the log already, whether there is room or not.
    pub fn let_in_logged(&self, number: u64, arrived_millis: i64, block: Block) {
        let num_bytes = block.rows.get_array_memory_size();
        let mut state = self.state();
        state.num_bytes += num_bytes;
        state.let_in = number;
        state.waiting.push_back(Waiting { arrived_millis, num_bytes, number: Some(number), block });
    }

    /// The number of the last block that was taken, in the log.
    pub fn taken(&self) -> Option<u64> {
        self.state().taken
    }

    /// How many rows were taken.
    pub fn rows_taken(&self) -> u64 {
        self.state().rows_taken
    }

    /// The blocks that arrived up to `time`, or all where `time` is none, in order; at most `room` rows of them. Blocks in
    /// the log aren't torn, so the last one of them may be too much.
    pub fn take(&self, time: Option<BatchTime>, room: Option<u64>) -> Taken {
        let mut state = self.state();
        let mut blocks = Vec::new();
        let mut room = room.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let due = |waiting: &Waiting| time.is_none_or(|time| waiting.arrived_millis <= time.millis());
        while room != Some(0)
            && let Some(waiting) = state.waiting.front_mut().filter(|waiting| due(waiting))
        {
            let num_rows = waiting.block.rows.num_rows();
            if let Some(room) = room.as_mut() {
                if waiting.number.is_none() && *room < num_rows {
                    blocks.push(waiting.block.split_off(*room));
                    state.rows_taken += *room as u64;
                    break;
                }
                *room = room.saturating_sub(num_rows);
            }
            if let Some(waiting) = state.waiting.pop_front() {
                state.num_bytes -= waiting.num_bytes;
                state.taken = waiting.number.or(state.taken);
                state.rows_taken += waiting.block.rows.num_rows() as u64;
                blocks.push(waiting.block);
            }
        }
        let has_more = state.is_full || state.waiting.front().is_some_and(due);
        if !blocks.is_empty() {
            state.is_full = false;
            self.room.notify_waiters();
        }
        Taken { blocks, has_more }
    }

    /// The receiver has returned.
    pub fn end(&self, result: Result<(), SourceError>) {
        // The first error counts.
        self.state().ended.get_or_insert(result);
        self.wake.ring();
    }

    fn fail(&self, error: SourceError) {
        let mut state = self.state();
        state.is_closed = true;
        state.ended.get_or_insert(Err(error));
        drop(state);
        self.room.notify_waiters();
        self.wake.ring();
    }

    /// Whether the receiver has returned and nothing waits any more. The error is the receiver's.
    pub fn is_finished(&self) -> Result<bool, SourceError> {
        let mut state = self.state();
        match state.ended.take() {
            Some(Err(error)) => Err(error),
            Some(Ok(())) => {
                state.ended = Some(Ok(()));
                Ok(state.waiting.is_empty())
            }
            None => Ok(false),
        }
    }

    /// Whether the receiver waits for room.
    pub fn is_full(&self) -> bool {
        self.state().is_full
    }

    /// Whether the receiver has returned.
    pub fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Whether the receiver has returned without an error.
    pub fn has_returned(&self) -> bool {
        matches!(self.state().ended, Some(Ok(())))
    }

    /// Lets in what was received, however fast, so that the receiver can return.
    pub fn hurry(&self) {
        self.state().hurries = true;
        self.hurry.notify_waiters();
    }

    /// Takes no more blocks.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.room.notify_waiters();
    }

    /// Lets `block` in, where there is room; else answers it.
    fn offer(
        &self,
        block: Block,
        num_bytes: usize,
        arrived: Option<(u64, i64)>,
    ) -> Result<Option<Block>, Closed> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        // In the order of the log, so that all up to the last one that was taken are.
        if arrived.is_some_and(|(number, _)| number != state.let_in + 1) {
            return Ok(Some(block));
        }
        if !state.waiting.is_empty() && state.num_bytes + num_bytes > self.options.capacity.as_usize() {
            state.is_full = true;
            self.wake.ring();
            return Ok(Some(block));
        }
        state.num_bytes += num_bytes;
        let (number, arrived_millis) = arrived
            .map_or_else(|| (None, self.clock.now_millis()), |(number, millis)| (Some(number), millis));
        state.waiting.push_back(Waiting { arrived_millis, num_bytes, number, block });
        if let Some(number) = number {
            state.let_in = number;
            self.room.notify_waiters();
        }
        Ok(None)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outlet for Intake {
    async fn put(&self, block: Block) -> Result<(), Closed> {
        let Some(rate) = self.options.max_rows_per_second else {
            return self.let_in(block, None).await;
        };
        let num_rows = block.rows.num_rows();
        let step = usize::try_from(rate / STEPS_PER_SECOND).unwrap_or(usize::MAX).max(1);
        let mut dead = block.dead;
        let mut start = 0;
        while start < num_rows || !dead.is_empty() {
            let here = step.min(num_rows - start);
            self.turn(here, rate).await;
            let piece = Block { rows: block.rows.slice(start, here), dead: std::mem::take(&mut dead) };
            self.let_in(piece, None).await?;
            start += here;
        }
        Ok(())
    }

    async fn put_from(&self, block: Block, sender: &str, sequence: u64) -> Result<(), Closed> {
        if let Some(rate) = self.options.max_rows_per_second {
            self.turn(block.rows.num_rows(), rate).await;
        }
        self.let_in(block, Some((sender, sequence))).await
    }

    fn highest(&self, sender: &str) -> Result<Option<u64>, SourceError> {
        self.log.as_ref().map_or(Ok(None), |log| log.highest(sender))
    }
}

impl Intake {
    /// Waits until `num_rows` more rows keep below `rate` rows a second; no longer where the intake hurries.
    async fn turn(&self, num_rows: usize, rate: u64) {
        let hurry = self.hurry.notified();
        tokio::pin!(hurry);
        hurry.as_mut().enable();
        let turn = {
            let mut state = self.state();
            if state.hurries {
                return;
            }
            let turn = state.next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            state.next = turn.checked_add(Duration::from_secs_f64(num_rows as f64 / rate.max(1) as f64));
            turn
        };
        tokio::select! {
            () = sleep_until(turn) => {}
            () = hurry => {}
        }
    }

    async fn let_in(&self, block: Block, from: Option<(&str, u64)>) -> Result<(), Closed> {
        let num_bytes = block.rows.get_array_memory_size();
        let arrived = match &self.log {
            Some(log) => {
                if self.state().is_closed {
                    return Err(Closed);
                }
                let millis = self.clock.now_millis();
                match log.append(millis, &block, from).await {
                    Ok(number) => Some((number, millis)),
                    Err(error) => {
                        // What wasn't logged must not be acknowledged; the run ends with the error.
                        self.fail(error);
                        return Err(Closed);
                    }
                }
            }
            None => None,
        };
        let mut offered = block;
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Counts from here on, so that room made between the offer and the wait is not missed.
            room.as_mut().enable();
            match self.offer(offered, num_bytes, arrived)? {
                None => return Ok(()),
                Some(refused) => offered = refused,
            }
            room.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};

    use super::*;
    use crate::batch::ManualClock;
    use crate::record::DeadLetter;

    fn block(text: &str) -> Block {
        let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
        Block { rows: RecordBatch::try_from_iter([("line", column)]).unwrap(), dead: Vec::new() }
    }

    fn intake(clock: &Arc<ManualClock>, capacity: u64) -> Arc<Intake> {
        let options = IntakeOptions { capacity: Bytes(capacity), max_rows_per_second: None };
        Arc::new(Intake::new(options, Arc::clone(clock) as Arc<dyn Clock>, Arc::default()))
    }

    /// How many blocks a batch at `time` takes.
    fn num_taken(intake: &Intake, time: Option<i64>) -> usize {
        intake.take(time.map(BatchTime::from_millis), None).blocks.len()
    }

    #[tokio::test]
    async fn a_batch_takes_as_many_rows_as_it_has_room_for_and_the_next_goes_on_from_there() {
        let clock = Arc::new(ManualClock::new(1000));
        let intake = intake(&clock, 1 << 20);
        let column: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let rows = RecordBatch::try_from_iter([("line", column)]).unwrap();
        let letter = DeadLetter::line("source", None, b"bad", "no text".to_owned());
        intake.put(Block { rows, dead: vec![letter] }).await.unwrap();
        intake.put(block("d")).await.unwrap();
        clock.advance(1);
        intake.put(block("late")).await.unwrap();
        let take = |room| {
            let Taken { blocks, has_more } = intake.take(Some(BatchTime::from_millis(1000)), Some(room));
            let num_dead: usize = blocks.iter().map(|block| block.dead.len()).sum();
            let rows = blocks.iter().flat_map(|block| block.rows.column(0).as_string::<i32>().iter());
            (rows.map(|line| line.unwrap().to_owned()).collect::<String>(), num_dead, has_more)
        };
        assert_eq!(take(0), (String::new(), 0, true));
        assert_eq!(take(2), ("ab".to_owned(), 1, true));
        assert_eq!(take(2), ("cd".to_owned(), 0, false));
        assert_eq!(take(2), (String::new(), 0, false), "what came later belongs to another batch");
    }

    #[tokio::test]
    async fn a_batch_takes_what_arrived_up_to_its_time() {
        let clock = Arc::new(ManualClock::new(1000));
        let intake = intake(&clock, 1 << 20);
        intake.put(block("a")).await.unwrap();
        clock.advance(1);
        intake.put(block("b")).await.unwrap();
        assert_eq!(num_taken(&intake, Some(1000)), 1);
        assert_eq!(num_taken(&intake, Some(1000)), 0);
        assert_eq!(num_taken(&intake, None), 1);
    }

    #[tokio::test]
    async fn a_full_intake_makes_the_receiver_wait_until_a_batch_takes_blocks() {
        let clock = Arc::new(ManualClock::new(0));
        let intake = intake(&clock, 1);
        intake.put(block("the first is let in alone")).await.unwrap();
        let second = tokio::spawn({
            let intake = Arc::clone(&intake);
            async move { intake.put(block("the second waits")).await }
        });
        while !intake.is_full() {
            tokio::task::yield_now().await;
        }
        assert!(!second.is_finished());
        assert_eq!(num_taken(&intake, None), 1);
        second.await.unwrap().unwrap();
        assert_eq!(num_taken(&intake, None), 1);
        intake.close();
        assert!(intake.put(block("nobody takes this")).await.is_err());
    }

    /// A log that answers the first append only once the second is done.
    #[derive(Default)]
    struct LastFirst {
        numbers: std::sync::atomic::AtomicU64,
        second: Notify,
    }

    #[async_trait]
    impl Log for Arc<LastFirst> {
        async fn append(&self, _: i64, _: &Block, _: Option<(&str, u64)>) -> Result<u64, SourceError> {
            let number = self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            if number == 1 {
                self.second.notified().await;
            }
            Ok(number)
        }

        fn highest(&self, _: &str) -> Result<Option<u64>, SourceError> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn logged_blocks_come_in_the_order_of_the_log() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
        let options = IntakeOptions { capacity: Bytes(1 << 20), max_rows_per_second: None };
        let log = Arc::new(LastFirst::default());
        let intake = Intake::new(options, clock, Arc::default()).with_log(Arc::clone(&log), None);
        let second = async {
            tokio::task::yield_now().await;
            intake.put(block("second")).await
        };
        let meanwhile = async {
            while log.numbers.load(std::sync::atomic::Ordering::Relaxed) < 2 {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            assert!(
                num_taken(&intake, None) == 0,
                "a batch that took the second would count the first as taken"
            );
            log.second.notify_one();
        };
        let (first, second, ()) = tokio::join!(intake.put(block("first")), second, meanwhile);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!((num_taken(&intake, None), intake.taken()), (2, Some(2)));
    }
}

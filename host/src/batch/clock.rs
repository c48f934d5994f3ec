//! Clocks: the system's, and one that tests move by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::wake::Wake;
use crate::record::BatchTime;

/// What says when a batch is due.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_millis(&self) -> i64;

    /// A time to measure how long something took with: as fine as there is, and never going back.
    fn instant(&self) -> Instant;

    /// Waits until `time`, or until `wake` rings. Answers whether `time` has come.
    fn wait_until(&self, time: BatchTime, wake: &Arc<Wake>) -> bool;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn wait_until(&self, time: BatchTime, wake: &Arc<Wake>) -> bool {
        let due = Duration::from_millis(u64::try_from(time.millis()).unwrap_or(0));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match due.checked_sub(now) {
            Some(left) if !left.is_zero() => !wake.wait(Some(left)) && self.now_millis() >= time.millis(),
            _ => true,
        }
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<Hands>,
    /// Where it stood at first, and what that counts as.
    start: (i64, Instant),
}

#[derive(Debug)]
struct Hands {
    millis: i64,
    waiting: Vec<Arc<Wake>>,
}

impl ManualClock {
    /// A clock that stands at `millis` since the Unix epoch.
    pub fn new(millis: i64) -> Self {
        let hands = Mutex::new(Hands { millis, waiting: Vec::new() });
        Self { hands, start: (millis, Instant::now()) }
    }

    /// Moves it forward by `by` milliseconds.
    pub fn advance(&self, by: i64) {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.millis += by;
        hands.waiting.drain(..).for_each(|wake| wake.ring());
    }
}

impl Clock for ManualClock {
    fn now_millis(&self) -> i64 {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).millis
    }

    fn instant(&self) -> Instant {
        let (start, instant) = self.start;
        let since = u64::try_from(self.now_millis().saturating_sub(start)).unwrap_or(0);
        instant.checked_add(Duration::from_millis(since)).unwrap_or(instant)
    }

    fn wait_until(&self, time: BatchTime, wake: &Arc<Wake>) -> bool {
        {
            let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
            if hands.millis >= time.millis() {
                return true;
            }
            hands.waiting.push(Arc::clone(wake));
        }
        wake.wait(None);
        self.now_millis() >= time.millis()
    }
}

//! A connection that is made again when it breaks: how long to wait before that, and a line in the log a change of its
//! state, not a line an attempt.

use std::fmt::Display;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// After this long without an answer an attempt to connect has failed.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether `address` is one that can be connected to, host:port.
pub(crate) fn has_port(address: &str) -> bool {
    let parts = address.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A source's.
    Source,
    /// A sink's.
    Sink,
}

/// The state of a connection, as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Connected,
    Refused,
    Lost,
}

/// Logs with the name of the source or sink.
macro_rules! log {
    ($level:ident, $link:expr, $($rest:tt)*) => {
        match $link.end {
            End::Source => tracing::$level!(source = $link.name, address = $link.address, $($rest)*),
            End::Sink => tracing::$level!(sink = $link.name, address = $link.address, $($rest)*),
        }
    };
}

/// A connection of a source or sink.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    end: End,
    name: String,
    address: String,
    state: State,
    pause: Duration,
}

impl Link {
    /// Of the source or sink `name` to `address`; nothing was tried so far.
    pub(crate) fn new(end: End, name: &str, address: &str) -> Self {
        let (name, address) = (name.to_owned(), address.to_owned());
        Self { end, name, address, state: State::New, pause: FIRST_PAUSE }
    }

    /// It is there.
    pub(crate) fn connected(&mut self) {
        self.enter(State::Connected, &"");
    }

    /// It can't be made, because of `reason`.
    pub(crate) fn refused(&mut self, reason: &dyn Display) {
        self.enter(State::Refused, reason);
    }

    /// It broke, because of `reason`.
    pub(crate) fn lost(&mut self, reason: &dyn Display) {
        self.enter(State::Lost, reason);
    }

    /// It was of use: the next pause is short again.
    pub(crate) fn served(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// How long to wait before the next attempt. Each pause is longer than the one before.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let next = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.pause, next)
    }

    /// Logs a change of state.
    fn enter(&mut self, state: State, reason: &dyn Display) {
        if std::mem::replace(&mut self.state, state) == state {
            return;
        }
        match state {
            State::New => {}
            State::Connected => log!(info, self, "connected"),
            State::Refused => log!(warn, self, %reason, "cannot connect, retrying"),
            State::Lost => log!(warn, self, %reason, "connection lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_short_again_once_it_was_of_use() {
        let mut link = Link::new(End::Source, "lines", "127.0.0.1:1");
        let pauses: Vec<u128> = (0..8).map(|_| link.next_pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        link.served();
        assert_eq!(link.next_pause().as_millis(), 100);
    }
}

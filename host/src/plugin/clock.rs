//! WASI's clocks, which stand at the batch's time. Before the first call they stand at the epoch.
//!
//! Nobody waits for a clock that stands: a guest that sleeps goes on at once. So no call outlasts its
//! deadline in the host, where nothing would interrupt it.

use std::time::Duration;

use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::guest::Guest;

/// What batch times are whole multiples of.
const RESOLUTION: Duration = Duration::from_millis(1);

impl Guest {
    fn now(&self) -> Duration {
        let micros = self.about().map_or(0, |call| call.time.micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    fn past(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let past = self.resources.push(Past)?;
        subscribe(&mut self.resources, past)
    }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(Guest::now(self)))
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(RESOLUTION))
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(Guest::now(self).as_nanos())?)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(RESOLUTION.as_nanos())?)
    }

    fn subscribe_instant(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.past()
    }

    fn subscribe_duration(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.past()
    }
}

fn datetime(since_epoch: Duration) -> wall_clock::Datetime {
    wall_clock::Datetime { seconds: since_epoch.as_secs(), nanoseconds: since_epoch.subsec_nanos() }
}

/// A time that has come.
struct Past;

#[async_trait]
impl Pollable for Past {
    async fn ready(&mut self) {}
}

//! Work on connections, done to its end on the thread that drives batches.
//!
//! Futures come in, what they answer goes out. A peer may be away for hours, and a sink waits for it; only a stop that
//! is to be immediate ends that.

use std::future::Future;
use std::panic::resume_unwind;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::sleep;

use super::SinkError;
use crate::source::Stop;

/// How long work goes on after an immediate stop: most of it is done by then, unless the peer is away.
const GRACE: Duration = Duration::from_secs(2);

/// Where the futures of one sink run. What they spawn runs whenever one of them does.
pub(super) struct Waiting {
    /// There until the end.
    runtime: Option<Runtime>,
    stop: Stop,
    /// Whom the sink waits for, in words.
    peer: String,
}

impl Waiting {
    /// For a sink that waits for `peer` until `stop`.
    pub(super) fn new(stop: Stop, peer: String) -> Result<Self, SinkError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(SinkError::Runtime)?;
        Ok(Self { runtime: Some(runtime), stop, peer })
    }

    /// Runs `work` to its end.
    pub(super) fn run<T: Send>(
        &mut self,
        work: impl Future<Output = Result<T, SinkError>> + Send,
    ) -> Result<T, SinkError> {
        let Self { runtime, stop, peer } = self;
        let Some(runtime) = runtime else { return Err(SinkError::Stopped { peer: peer.clone() }) };
        let work = async {
            let stopped = async {
                stop.requested().await;
                sleep(GRACE).await;
            };
            tokio::select! {
                biased;
                done = work => done,
                () = stopped => Err(SinkError::Stopped { peer: peer.clone() }),
            }
        };
        if Handle::try_current().is_err() {
            return runtime.block_on(work);
        }
        // A program may start a pipeline from a thread that runs futures of its own, on which no others can be waited for.
        std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join())
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Waiting {
    /// Doesn't wait, which isn't allowed everywhere.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_can_be_used_where_other_futures_run() {
        let mut waiting = Waiting::new(Stop::never(), "nobody".to_owned()).unwrap();
        let answer = waiting.run(async {
            sleep(Duration::from_millis(1)).await;
            Ok(7)
        });
        assert_eq!(answer.unwrap(), 7);
    }
}

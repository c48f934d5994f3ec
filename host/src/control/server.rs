//! The server: a thread that answers for as long as it is held.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::progress::Progress;
use super::routes::{App, router};
use super::settings::Settings;
use crate::context::RunningContext;
use crate::context::swap::Reloader;

/// How long it waits in the end for those who are being answered.
const GRACE: Duration = Duration::from_secs(1);

/// Answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why nobody can answer.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can't be had.
    #[error(
        "cannot listen on {address} for control: {source}; choose another address, or port 0 for any that is free"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("cannot start a thread for control: {0}")]
    Thread(#[source] io::Error),
}

impl Server {
    /// Answers for `running`, whose batches `progress` hears of, and whose manifest `reloader` reads again.
    pub fn start(
        settings: Settings,
        running: &RunningContext,
        progress: Progress,
        reloader: Option<Reloader>,
    ) -> Result<Self, ServerError> {
        let Settings { address, token } = settings;
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = App {
            swapper: running.swapper(),
            workers: running.workers(),
            control: running.control(),
            metrics: running.metrics(),
            progress,
            reloader,
            token,
            is_loopback: address.ip().is_loopback(),
            description: "".into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ServerError::Thread)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
                let (ending, ends) = oneshot::channel::<()>();
                let end = async move {
                    let _ = stopped.await;
                    let _ = ending.send(());
                };
                let grace = async move {
                    let _ = ends.await;
                    tokio::time::sleep(GRACE).await;
                };
                // Whoever waits for a swap is told by the pipeline's end, and gets to hear it.
                tokio::select! {
                    _ = axum::serve(listener, service).with_graceful_shutdown(end) => {}
                    () = grace => {}
                }
            });
            runtime.shutdown_background();
        });
        let thread = thread.map_err(ServerError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It panics for nobody else.
            let _ = thread.join();
        }
    }
}

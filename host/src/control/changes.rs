//! What can be asked that changes the pipeline. Each change is told in the log, with who asked.

use std::fmt::Display;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};

use super::answer::{Answer, Sent};
use super::messages::{Rollback, SetWorkers, Swap, Told};
use super::routes::App;
use crate::checkpoint::How;
use crate::context::swap::{Code, ReloadError, SwapError, Swapped};
use crate::context::{StopMode, WorkersError};

/// Swaps plugins for files on the machine of the pipeline, all at one batch or none. Answers when they are in use.
#[utoipa::path(post, path = "/v1/swap", request_body = Swap, responses(Answer))]
pub(super) async fn swap(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Sent(Swap { plugins, shadow }): Sent<Swap>,
) -> Answer {
    let plugins: Vec<_> = plugins.into_iter().map(|(name, path)| (name, Code::File(path))).collect();
    let names: Vec<String> = plugins.iter().map(|(name, _)| name.clone()).collect();
    let done = blocking(SwapError::Ended, move || app.swapper.swap_beside(&plugins, How::Swap, shadow)).await;
    tell(peer, "swap", Some(names.join(", ")), done.map(swapped))
}

/// Swaps a plugin, or that of a stream, for the code that comes with the request.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}",
    params(("plugin" = String, Path, description = "the plugin, or a stream that calls it")),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(Answer)
)]
pub(super) async fn upload(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(plugin): Path<String>,
    body: Bytes,
) -> Answer {
    let plugins = [(plugin.clone(), Code::Bytes(body.to_vec()))];
    let done = blocking(SwapError::Ended, move || app.swapper.swap_all(&plugins, How::Swap)).await;
    tell(peer, "upload", Some(plugin), done.map(swapped))
}

/// Lets a plugin run a version again that ran before.
#[utoipa::path(post, path = "/v1/rollback", request_body = Rollback, responses(Answer))]
pub(super) async fn rollback(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Sent(Rollback { plugin, digest }): Sent<Rollback>,
) -> Answer {
    let name = plugin.clone();
    let done = blocking(SwapError::Ended, move || app.swapper.rollback(&plugin, digest.as_deref())).await;
    tell(peer, "rollback", Some(name), done.map(|one| swapped(vec![one])))
}

/// Reads the manifest again, and takes what it says of plugins: all of it, or nothing where something else changed too.
#[utoipa::path(
    post,
    path = "/v1/reload",
    responses(
        (status = 200, body = Told),
        (status = 409, description = "the pipeline ended", body = Told),
        (status = 422, description = "it isn't taken; what ran goes on", body = Told),
    )
)]
pub(super) async fn reload(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Answer {
    let ended = ReloadError::Swap(SwapError::Ended);
    let done = blocking(ended, move || app.reloader.ok_or(ReloadError::NoManifest)?.reload()).await;
    tell(peer, "reload", None, done.map(|reloaded| Told::Reloaded(reloaded.into())))
}

/// Lets so many workers run batches. Answers when the next batch begins, which is the first that they run.
#[utoipa::path(
    post,
    path = "/v1/workers",
    request_body = SetWorkers,
    responses(
        (status = 200, body = Told),
        (status = 409, description = "the pipeline ended", body = Told),
        (status = 422, description = "there can't be so many", body = Told),
    )
)]
pub(super) async fn set_workers(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Sent(SetWorkers { workers }): Sent<SetWorkers>,
) -> Answer {
    let done = blocking(WorkersError::Ended, move || app.workers.set(workers)).await;
    tell(peer, "workers", Some(workers.to_string()), done.map(|changed| Told::Workers(changed.into())))
}

/// Asks the pipeline to stop: what was received is processed first.
#[utoipa::path(post, path = "/v1/stop", responses((status = 200, body = Told)))]
pub(super) async fn stop(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Answer {
    app.control.stop(StopMode::Graceful);
    tell(peer, "stop", None, Ok::<_, SwapError>(Told::Stopping))
}

/// Does what may take long on a thread where that keeps nobody waiting. Where that can't be had any more, it answers
/// `ended`.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    ended: E,
    act: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(act).await.unwrap_or(Err(ended))
}

fn swapped(swapped: Vec<Swapped>) -> Told {
    Told::Swapped(swapped.into_iter().map(Into::into).collect())
}

/// Tells the log and whoever asked what became of a change of `what`.
fn tell<E: Display + Into<Answer>>(
    peer: SocketAddr,
    action: &str,
    what: Option<String>,
    done: Result<Told, E>,
) -> Answer {
    match done {
        Ok(told) => {
            tracing::info!(%peer, action, what, "control: done");
            Answer::Done(told)
        }
        Err(error) => {
            tracing::warn!(%peer, action, what, "control: refused: {error}");
            error.into()
        }
    }
}

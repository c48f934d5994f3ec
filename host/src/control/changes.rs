//! What can be asked that changes the pipeline. Each change is told in the log, with who asked.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::messages::{Rollback, SetWorkers, Swap, Told};
use super::routes::App;
use crate::checkpoint::How;
use crate::context::swap::{Code, ReloadError, SwapError, Swapped};
use crate::context::{StopMode, WorkersError};

/// Swaps plugins for files on the machine of the pipeline, all at one batch or none. Answers when they are in use.
#[utoipa::path(
    post,
    path = "/v1/swap",
    request_body = Swap,
    responses(
        (status = 200, body = Told),
        (status = 404, description = "there is no such plugin", body = Told),
        (status = 409, description = "it runs already, or the pipeline ended", body = Told),
        (status = 422, description = "it isn't taken; what ran goes on", body = Told),
    )
)]
pub(super) async fn swap(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(Swap { plugins, shadow }): Json<Swap>,
) -> Response {
    let plugins: Vec<_> = plugins.into_iter().map(|(name, path)| (name, Code::File(path))).collect();
    let names: Vec<String> = plugins.iter().map(|(name, _)| name.clone()).collect();
    let done = blocking(move || app.swapper.swap_beside(&plugins, How::Swap, shadow)).await;
    answer(peer, "swap", &names.join(", "), done)
}

/// Swaps a plugin, or that of a stream, for the code that comes with the request.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}",
    params(("plugin" = String, Path, description = "the plugin, or a stream that calls it")),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 200, body = Told),
        (status = 404, description = "there is no such plugin", body = Told),
        (status = 409, description = "it runs already, or the pipeline ended", body = Told),
        (status = 422, description = "it isn't taken; what ran goes on", body = Told),
    )
)]
pub(super) async fn upload(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(plugin): Path<String>,
    body: Bytes,
) -> Response {
    let plugins = [(plugin.clone(), Code::Bytes(body.to_vec()))];
    let done = blocking(move || app.swapper.swap_all(&plugins, How::Swap)).await;
    answer(peer, "upload", &plugin, done)
}

/// Lets a plugin run a version again that ran before.
#[utoipa::path(
    post,
    path = "/v1/rollback",
    request_body = Rollback,
    responses(
        (status = 200, body = Told),
        (status = 404, description = "there is no such plugin", body = Told),
        (status = 409, description = "it runs already, or the pipeline ended", body = Told),
        (status = 422, description = "it isn't taken; what ran goes on", body = Told),
    )
)]
pub(super) async fn rollback(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(Rollback { plugin, digest }): Json<Rollback>,
) -> Response {
    let name = plugin.clone();
    let done = blocking(move || app.swapper.rollback(&plugin, digest.as_deref()).map(|one| vec![one])).await;
    answer(peer, "rollback", &name, done)
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
pub(super) async fn reload(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    let Some(reloader) = app.reloader else {
        let problem = "this pipeline was made by a program and has no manifest".to_owned();
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(Told::Error(problem))).into_response();
    };
    let done = tokio::task::spawn_blocking(move || reloader.reload()).await;
    match done.unwrap_or(Err(ReloadError::Swap(SwapError::Ended))) {
        Ok(reloaded) => {
            tracing::info!(%peer, action = "reload", "control: done");
            Json(Told::Reloaded(reloaded.into())).into_response()
        }
        Err(ReloadError::Swap(error)) => refuse(peer, "reload", "", &error),
        Err(error) => {
            tracing::warn!(%peer, action = "reload", "control: refused: {error}");
            (StatusCode::UNPROCESSABLE_ENTITY, Json(Told::Error(error.to_string()))).into_response()
        }
    }
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
    Json(SetWorkers { workers }): Json<SetWorkers>,
) -> Response {
    let changed = tokio::task::spawn_blocking(move || app.workers.set(workers)).await;
    match changed.unwrap_or(Err(WorkersError::Ended)) {
        Ok(changed) => {
            tracing::info!(%peer, action = "workers", workers, "control: done");
            Json(Told::Workers(changed.into())).into_response()
        }
        Err(error) => {
            tracing::warn!(%peer, action = "workers", workers, "control: refused: {error}");
            let status = match &error {
                WorkersError::Ended => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, Json(Told::Error(error.to_string()))).into_response()
        }
    }
}

/// Asks the pipeline to stop: what was received is processed first.
#[utoipa::path(post, path = "/v1/stop", responses((status = 200, body = Told)))]
pub(super) async fn stop(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Json<Told> {
    tracing::info!(%peer, action = "stop", "control: done");
    app.control.stop(StopMode::Graceful);
    Json(Told::Stopping)
}

/// Does what may take long on a thread where that keeps nobody waiting.
async fn blocking(
    act: impl FnOnce() -> Result<Vec<Swapped>, SwapError> + Send + 'static,
) -> Result<Vec<Swapped>, SwapError> {
    tokio::task::spawn_blocking(act).await.unwrap_or(Err(SwapError::Ended))
}

/// Tells the log and whoever asked what became of a change.
fn answer(peer: SocketAddr, action: &str, plugins: &str, done: Result<Vec<Swapped>, SwapError>) -> Response {
    match done {
        Ok(swapped) => {
            tracing::info!(%peer, action, plugins, "control: done");
            Json(Told::Swapped(swapped.into_iter().map(Into::into).collect())).into_response()
        }
        Err(error) => refuse(peer, action, plugins, &error),
    }
}

/// Tells both that it wasn't done.
fn refuse(peer: SocketAddr, action: &str, plugins: &str, error: &SwapError) -> Response {
    tracing::warn!(%peer, action, plugins, "control: refused: {error}");
    let status = match error {
        SwapError::Unknown { .. } => StatusCode::NOT_FOUND,
        SwapError::Unchanged { .. } | SwapError::Superseded(_) | SwapError::Ended => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Json(Told::Error(error.to_string()))).into_response()
}

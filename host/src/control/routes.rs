//! What can be asked, and what is done for it.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};

use super::guard::guard;
use super::messages::{PluginStatus, Rollback, SetWorkers, Status, StatusOfBatch, Swap, Told, VersionStatus};
use super::progress::Progress;
use super::settings::Token;
use crate::checkpoint::How;
use crate::context::swap::{Code, SwapError, Swapped, Swapper};
use crate::context::{Control, StopMode, Workers, WorkersError};
use crate::metrics::Metrics;
use crate::plugin::MAXIMUM;

/// The most bytes of a request that is no plugin.
const MAX_REQUEST: usize = 64 * 1024;

/// What handlers work with.
#[derive(Clone)]
pub(super) struct App {
    pub(super) swapper: Swapper,
    pub(super) workers: Workers,
    pub(super) control: Control,
    pub(super) metrics: Metrics,
    pub(super) progress: Progress,
    pub(super) token: Option<Token>,
    pub(super) is_loopback: bool,
}

pub(super) fn router(app: App) -> Router {
    let upload = DefaultBodyLimit::max(usize::try_from(MAXIMUM.file.0).unwrap_or(usize::MAX));
    Router::new()
        .route("/v1/plugins/{plugin}", post(upload_plugin))
        .layer(upload)
        .merge(
            Router::new()
                .route("/health", get(async || "ok\n"))
                .route("/ready", get(ready))
                .route("/metrics", get(metrics))
                .route("/v1/status", get(status))
                .route("/v1/history", get(history))
                .route("/v1/swap", post(swap))
                .route("/v1/rollback", post(rollback))
                .route("/v1/workers", post(set_workers))
                .route("/v1/stop", post(stop))
                .layer(DefaultBodyLimit::max(MAX_REQUEST)),
        )
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

async fn ready(State(app): State<App>) -> Response {
    match app.progress.heard().last.is_some() && app.control.asked().is_none() {
        true => "ready\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response()
}

async fn status(State(app): State<App>) -> Json<Status> {
    let heard = app.progress.heard();
    let pipeline = app.swapper.pipeline();
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let plugins = app.swapper.in_use().into_iter().map(|(name, in_use)| {
        let calls = |plugin: Option<&str>| plugin == Some(name.as_str());
        let streams = pipeline.streams.iter().filter(|(_, stream)| calls(stream.op.plugin()));
        let bad = app.swapper.quarantined(&name);
        let status = PluginStatus {
            streams: streams.map(|(stream, _)| stream.clone()).collect(),
            digest: in_use.digest,
            since: in_use.since.map(|time| time.to_string()),
            is_on_trial: in_use.is_on_trial,
            quarantined: bad.map(|bad| VersionStatus { digest: bad.digest, reason: bad.reason }),
        };
        (name, status)
    });
    Json(Status {
        pipeline: pipeline.name.clone(),
        batch_interval_ms: pipeline.interval.millis(),
        is_stopping: app.control.asked().is_some(),
        batches: heard.batches,
        rows_in: heard.rows_in,
        dead_letters: heard.dead_letters,
        workers: app.workers.number(),
        last: heard.last.map(|last| StatusOfBatch {
            time: last.time.to_string(),
            delay_ms: millis(last.scheduling_delay),
            processing_ms: millis(last.processing_time),
        }),
        plugins: plugins.collect(),
    })
}

async fn history(State(app): State<App>) -> Json<Told> {
    Json(Told::History(app.swapper.history()))
}

async fn swap(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(swap): Json<Swap>,
) -> Response {
    let plugins: Vec<_> = swap.plugins.into_iter().map(|(name, path)| (name, Code::File(path))).collect();
    let names: Vec<String> = plugins.iter().map(|(name, _)| name.clone()).collect();
    let done = blocking(move || app.swapper.swap_all(&plugins, How::Swap)).await;
    answer(peer, "swap", &names.join(", "), done)
}

async fn upload_plugin(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(plugin): Path<String>,
    body: Bytes,
) -> Response {
    let plugins = [(plugin.clone(), Code::Bytes(body.to_vec()))];
    let done = blocking(move || app.swapper.swap_all(&plugins, How::Swap)).await;
    answer(peer, "upload", &plugin, done)
}

async fn rollback(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(Rollback { plugin, digest }): Json<Rollback>,
) -> Response {
    let name = plugin.clone();
    let done = blocking(move || app.swapper.rollback(&plugin, digest.as_deref()).map(|one| vec![one])).await;
    answer(peer, "rollback", &name, done)
}

async fn set_workers(
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

async fn stop(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Json<Told> {
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
        Err(error) => {
            tracing::warn!(%peer, action, plugins, "control: refused: {error}");
            let status = match &error {
                SwapError::Unknown { .. } => StatusCode::NOT_FOUND,
                SwapError::Unchanged { .. } | SwapError::Ended => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, Json(Told::Error(error.to_string()))).into_response()
        }
    }
}

//! What can be asked, and what answers that changes nothing.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{no_method, no_path};
use super::changes;
use super::guard::guard;
use super::messages::{PluginStatus, Status, StatusOfBatch, Told, VersionStatus};
use super::progress::Progress;
use super::settings::Token;
use crate::context::swap::{Reloader, Swapper};
use crate::context::{Control, Workers};
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
    /// Reads the manifest again, where there is one.
    pub(super) reloader: Option<Reloader>,
    pub(super) token: Option<Token>,
    pub(super) is_loopback: bool,
    /// The description of all that can be asked.
    pub(super) description: Arc<str>,
}

/// What the description begins with.
#[derive(OpenApi)]
#[openapi(info(
    title = "Tidemill",
    description = "A pipeline that runs: how it is, and changes of it. Requests need `Authorization: Bearer TOKEN` where the pipeline was started with a token."
))]
struct Description;

/// All that can be asked. Routes come from the same place as their description, so that neither lacks one.
fn routes() -> OpenApiRouter<App> {
    let most = usize::try_from(MAXIMUM.file.0).unwrap_or(usize::MAX);
    let upload = OpenApiRouter::new().routes(routes!(changes::upload));
    let upload = upload.layer(DefaultBodyLimit::max(most));
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
        .routes(routes!(status))
        .routes(routes!(history))
        .routes(routes!(changes::swap))
        .routes(routes!(changes::rollback))
        .routes(routes!(changes::reload))
        .routes(routes!(changes::set_workers))
        .routes(routes!(changes::stop))
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .merge(upload)
}

pub(super) fn router(app: App) -> Router {
    let (router, api) = routes().split_for_parts();
    let app = App { description: api.to_json().unwrap_or_default().into(), ..app };
    let router = router.fallback(no_path).method_not_allowed_fallback(no_method);
    router.layer(middleware::from_fn_with_state(app.clone(), guard)).with_state(app)
}

/// Whether somebody answers.
#[utoipa::path(get, path = "/health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn health() -> &'static str {
    "ok\n"
}

/// Whether there was a batch, and the pipeline isn't stopping.
#[utoipa::path(
    get,
    path = "/ready",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, description = "not ready", body = String, content_type = "text/plain"),
    )
)]
async fn ready(State(app): State<App>) -> Response {
    match app.progress.heard().last.is_some() && app.control.asked().is_none() {
        true => "ready\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

/// All metrics, as Prometheus reads them.
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
async fn metrics(State(app): State<App>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response()
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, body = Object)))]
async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.description.to_string()).into_response()
}

/// How the pipeline is, and which versions of plugins it runs.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = Status)))]
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
            beside: app.swapper.beside(&name).map(Into::into),
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

/// The versions that came into use, oldest first.
#[utoipa::path(get, path = "/v1/history", responses((status = 200, body = Told)))]
async fn history(State(app): State<App>) -> Json<Told> {
    Json(Told::History(app.swapper.history()))
}

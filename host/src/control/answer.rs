//! What whoever asks is told, as JSON, whatever comes of it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use utoipa::IntoResponses;

use super::messages::Told;
use crate::context::WorkersError;
use crate::context::swap::{ReloadError, SwapError};

/// What became of a change of plugins.
#[derive(IntoResponses)]
pub(super) enum Answer {
    /// It is so from the batch on that is told.
    #[response(status = 200)]
    Done(Told),
    /// There is no such plugin.
    #[response(status = 404)]
    Unknown(Told),
    /// It runs already, another change took its place, or the pipeline ended.
    #[response(status = 409)]
    Conflict(Told),
    /// It isn't taken; what ran goes on.
    #[response(status = 422)]
    Unfit(Told),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (status, told) = match self {
            Self::Done(told) => (StatusCode::OK, told),
            Self::Unknown(told) => (StatusCode::NOT_FOUND, told),
            Self::Conflict(told) => (StatusCode::CONFLICT, told),
            Self::Unfit(told) => (StatusCode::UNPROCESSABLE_ENTITY, told),
        };
        (status, Json(told)).into_response()
    }
}

impl From<SwapError> for Answer {
    fn from(error: SwapError) -> Self {
        let told = Told::Error(error.to_string());
        match error {
            SwapError::Unknown { .. } => Self::Unknown(told),
            SwapError::Unchanged { .. } | SwapError::Superseded(_) | SwapError::Ended => Self::Conflict(told),
            _ => Self::Unfit(told),
        }
    }
}

impl From<ReloadError> for Answer {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Swap(error) => error.into(),
            error => Self::Unfit(Told::Error(error.to_string())),
        }
    }
}

impl From<WorkersError> for Answer {
    fn from(error: WorkersError) -> Self {
        let told = Told::Error(error.to_string());
        match error {
            WorkersError::Ended => Self::Conflict(told),
            _ => Self::Unfit(told),
        }
    }
}

/// What came with a request, as JSON. Where it is something else, that is told like any error.
pub(super) struct Sent<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let sent: Result<Json<T>, JsonRejection> = Json::from_request(request, state).await;
        sent.map(|Json(sent)| Self(sent)).map_err(|error| refuse(error.status(), error.body_text()))
    }
}

/// Tells `problem`.
pub(super) fn refuse(status: StatusCode, problem: impl Into<String>) -> Response {
    (status, Json(Told::Error(problem.into()))).into_response()
}

/// Of a path that there isn't.
pub(super) async fn no_path() -> Response {
    refuse(StatusCode::NOT_FOUND, "there is nothing here; GET /v1/openapi.json says what there is")
}

/// Of a path that is asked in another way.
pub(super) async fn no_method() -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "this takes another method; GET /v1/openapi.json says which")
}

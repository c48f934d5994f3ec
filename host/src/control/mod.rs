//! Looking at a pipeline that runs, and changing it, over HTTP.
//!
//! A server answers beside the pipeline on a thread of its own: status, history and metrics, swaps and rollbacks, a stop.
//! It describes itself in OpenAPI. It listens on loopback, or asks for a token. What changes anything is told in the log. A client is what the command
//! line talks to it with.

mod answer;
mod changes;
mod client;
mod found;
mod guard;
mod messages;
mod progress;
mod routes;
mod server;
mod settings;

pub use client::{Client, ClientError};
pub use found::{Advertised, find};
pub use messages::{
    BesideStatus, PluginStatus, ReloadDone, Rollback, SetWorkers, Status, StatusOfBatch, Swap, SwapDone,
    Told, VersionStatus, WorkersDone,
};
pub use progress::Progress;
pub use server::{Server, ServerError};
pub use settings::{Settings, SettingsError, TOKEN_VARIABLE, Token};

//! Asking a server.

use std::net::SocketAddr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::messages::{ReloadDone, Rollback, SetWorkers, Status, Swap, SwapDone, Told, WorkersDone};
use super::settings::{TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, Token};
use crate::checkpoint::VersionChange;

/// How long a connection may take. Answers take as long as they take: a swap waits for a batch.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks a server.
pub struct Client {
    address: SocketAddr,
    token: Option<Token>,
    agent: Agent,
}

/// Why there is no answer, or no good one.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error(
        "cannot talk to {address}: {source}; see that the pipeline runs and listens there, as --control says"
    )]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// Whoever asks has to know a secret.
    #[error(
        "{0} asks for a token, and the token is missing or wrong; set {TOKEN_VARIABLE} to the one that the pipeline was started with, or {TOKEN_FILE_VARIABLE} to a file with it"
    )]
    Token(SocketAddr),
    /// It wasn't done.
    #[error("{0}")]
    Refused(String),
    /// Something else answers there.
    #[error("{0} doesn't answer as tidemill does; correct the address")]
    Stranger(SocketAddr),
}

impl Client {
    /// Asks at `address`.
    pub fn new(address: SocketAddr, token: Option<Token>) -> Self {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .new_agent();
        Self { address, token, agent }
    }

    /// How the pipeline is.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status")
    }

    /// The versions that came into use.
    pub fn history(&self) -> Result<Vec<VersionChange>, ClientError> {
        match self.get("/v1/history")? {
            Told::History(history) => Ok(history),
            _ => Err(ClientError::Stranger(self.address)),
        }
    }

    /// Swaps plugins for files on the machine of the pipeline.
    pub fn swap(&self, swap: &Swap) -> Result<Vec<SwapDone>, ClientError> {
        self.swapped(self.post("/v1/swap", &json(swap), JSON)?)
    }

    /// Swaps a plugin for `code`.
    pub fn upload(&self, plugin: &str, code: &[u8]) -> Result<Vec<SwapDone>, ClientError> {
        self.swapped(self.post(&format!("/v1/plugins/{plugin}"), code, "application/wasm")?)
    }

    /// Goes back to a version.
    pub fn rollback(&self, rollback: &Rollback) -> Result<Vec<SwapDone>, ClientError> {
        self.swapped(self.post("/v1/rollback", &json(rollback), JSON)?)
    }

    /// Has the manifest read again.
    pub fn reload(&self) -> Result<ReloadDone, ClientError> {
        match self.post("/v1/reload", &[], JSON)? {
            Told::Reloaded(done) => Ok(done),
            _ => Err(ClientError::Stranger(self.address)),
        }
    }

    /// Lets so many workers run batches.
    pub fn set_workers(&self, workers: usize) -> Result<WorkersDone, ClientError> {
        match self.post("/v1/workers", &json(&SetWorkers { workers }), JSON)? {
            Told::Workers(done) => Ok(done),
            _ => Err(ClientError::Stranger(self.address)),
        }
    }

    /// Asks it to stop.
    pub fn stop(&self) -> Result<(), ClientError> {
        self.post("/v1/stop", &[], JSON).map(drop)
    }

    fn swapped(&self, told: Told) -> Result<Vec<SwapDone>, ClientError> {
        match told {
            Told::Swapped(swapped) => Ok(swapped),
            _ => Err(ClientError::Stranger(self.address)),
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let mut request = self.agent.get(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        self.read(request.call())
    }

    fn post(&self, path: &str, body: &[u8], kind: &str) -> Result<Told, ClientError> {
        let mut request = self.agent.post(self.url(path)).content_type(kind);
        if let Some(token) = &self.token {
            request = request.header("Authorization", token.header());
        }
        self.read(request.send(body))
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<T, ClientError> {
        let address = self.address;
        let unreachable = |source| ClientError::Unreachable { address, source: Box::new(source) };
        let mut answer = answer.map_err(unreachable)?;
        let is_success = answer.status().is_success();
        let wants_token = answer.status() == StatusCode::UNAUTHORIZED;
        let text = answer.body_mut().read_to_string().map_err(unreachable)?;
        match is_success {
            true => serde_json::from_str(&text).map_err(|_| ClientError::Stranger(address)),
            false if wants_token => Err(ClientError::Token(address)),
            false => Err(match serde_json::from_str(&text) {
                Ok(Told::Error(problem)) => ClientError::Refused(problem),
                _ if text.is_empty() => ClientError::Stranger(address),
                _ => ClientError::Refused(text),
            }),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

const JSON: &str = "application/json";

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

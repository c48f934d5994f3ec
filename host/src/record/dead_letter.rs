//! A row or line that could not be processed, with the reason, for people to look at later.

use serde::Serialize;

/// Why a row became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterKind {
    /// A source could not decode it.
    Undecodable,
    /// A plugin refused it.
    Reject,
    /// A plugin trapped on it.
    Trap,
    /// A plugin took too long over it.
    Timeout,
    /// A plugin wanted too much memory for it.
    Memory,
    /// A plugin answered for it what can't be, or more than may be.
    InvalidOutput,
    /// A plugin answered that it failed on it.
    Error,
}

impl DeadLetterKind {
    /// The name in files and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Reject => "reject",
            Self::Trap => "trap",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::InvalidOutput => "invalid_output",
            Self::Error => "error",
        }
    }
}

/// One row set aside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The source or stream of the manifest that set it aside.
    pub origin: String,
    /// What went wrong, by kind.
    pub kind: DeadLetterKind,
    /// What went wrong, in words.
    pub reason: String,
    /// Where the row came from, as exactly as its source knows: `orders-3.csv:17`, a peer's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The plugin and the digest of its code, where one refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginId>,
    /// The row's columns, or what there was instead of a row; cut where it is long.
    pub row: serde_json::Value,
}

/// A plugin by name and code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginId {
    /// Its name in the manifest.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
}

impl DeadLetter {
    /// The longest piece of an undecodable line that is kept, in bytes.
    pub const LINE_KEPT_BYTES: usize = 4096;

    /// A line that `origin` could not decode. Bytes that are not UTF-8 are replaced; a long line is cut.
    pub fn line(origin: &str, position: Option<String>, line: &[u8], reason: impl Into<String>) -> Self {
        let kept = line.get(..Self::LINE_KEPT_BYTES).unwrap_or(line);
        Self {
            origin: origin.to_owned(),
            kind: DeadLetterKind::Undecodable,
            reason: reason.into(),
            position,
            plugin: None,
            row: serde_json::json!({ "line": String::from_utf8_lossy(kept) }),
        }
    }
}

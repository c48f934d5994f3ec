//! A row or line that could not be processed, with the reason, for people to look at later.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a row became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// All kinds, in the order users are told of them.
    pub const ALL: [Self; 7] = [
        Self::Undecodable,
        Self::Reject,
        Self::Trap,
        Self::Timeout,
        Self::Memory,
        Self::InvalidOutput,
        Self::Error,
    ];

    /// The name in files and on the command line.
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

impl fmt::Display for DeadLetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DeadLetterKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is not a kind of dead letter; the kinds are {names}")
        })
    }
}

/// One row set aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The source or stream of the manifest that set it aside.
    pub origin: String,
    /// What went wrong, by kind.
    pub kind: DeadLetterKind,
    /// What went wrong, in words; where it is kept, at most `REASON_KEPT_BYTES` of them.
    pub reason: String,
    /// Where the row came from, as exactly as its source knows: `orders-3.csv:17`, a peer's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The plugin and the digest of its code, where one refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginId>,
    /// Which of its inputs the row came from, where the operator has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The row's columns, whole; or the beginning of the line that could not be made a row.
    pub row: serde_json::Value,
}

/// A plugin by name and code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PluginId {
    /// Its name in the manifest.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
}

impl DeadLetter {
    /// The longest piece of an undecodable line that is kept, in bytes.
    pub const LINE_KEPT_BYTES: usize = 4096;

    /// The longest reason that is kept, in bytes. Guests write them.
    pub const REASON_KEPT_BYTES: usize = 4096;

    /// The reason, as much of it as is kept.
    pub fn kept_reason(&self) -> &str {
        let end = self.reason.floor_char_boundary(Self::REASON_KEPT_BYTES);
        self.reason.get(..end).unwrap_or(&self.reason)
    }

    /// A line that `origin` could not decode. Bytes that are not UTF-8 are replaced; a long line is cut.
    pub fn line(origin: &str, position: Option<String>, line: &[u8], reason: impl Into<String>) -> Self {
        let kept = line.get(..Self::LINE_KEPT_BYTES).unwrap_or(line);
        Self {
            origin: origin.to_owned(),
            kind: DeadLetterKind::Undecodable,
            reason: reason.into(),
            position,
            plugin: None,
            input: None,
            row: serde_json::json!({ "line": String::from_utf8_lossy(kept) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_name_everywhere() {
        for kind in DeadLetterKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("rejected".parse::<DeadLetterKind>().unwrap_err().contains("undecodable, reject, trap"));
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let mut letter = DeadLetter::line("lines", None, b"x", "é".repeat(DeadLetter::REASON_KEPT_BYTES));
        assert_eq!(letter.kept_reason().len(), DeadLetter::REASON_KEPT_BYTES);
        letter.reason.insert(0, 'x');
        assert_eq!(letter.kept_reason().len(), DeadLetter::REASON_KEPT_BYTES - 1);
        letter.reason = "short".to_owned();
        assert_eq!(letter.kept_reason(), "short");
    }
}

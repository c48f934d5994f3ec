//! Where the server listens, and who may ask.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The variable of the environment that has the token.
pub const TOKEN_VARIABLE: &str = "TIDEMILL_TOKEN";

/// The variable of the environment that names a file with the token.
pub const TOKEN_FILE_VARIABLE: &str = "TIDEMILL_TOKEN_FILE";

/// The fewest characters of a token.
const MIN_TOKEN: usize = 16;

/// Where the server listens, and who may ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 for any that is free.
    pub address: SocketAddr,
    /// What whoever asks has to know.
    pub token: Option<Token>,
}

/// A secret that isn't shown.
#[derive(Clone)]
pub struct Token(String);

/// Why the server can't be had like this.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Anybody could ask.
    #[error(
        "{0} can be reached from elsewhere, and there is no token; set {TOKEN_VARIABLE}, or {TOKEN_FILE_VARIABLE} to a file with one, a secret of {MIN_TOKEN} characters or more, or listen on 127.0.0.1"
    )]
    NoToken(SocketAddr),
    /// The file of the token can't be used.
    #[error("{TOKEN_FILE_VARIABLE}: {}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// The token can be guessed.
    #[error("the token is too short; take a secret of {MIN_TOKEN} characters or more")]
    ShortToken,
}

impl Settings {
    /// At `address`, with the token of the environment. Any address that isn't loopback needs one.
    pub fn new(address: SocketAddr, token: Option<Token>) -> Result<Self, SettingsError> {
        match &token {
            Some(token) if token.0.len() < MIN_TOKEN => Err(SettingsError::ShortToken),
            None if !address.ip().is_loopback() => Err(SettingsError::NoToken(address)),
            _ => Ok(Self { address, token }),
        }
    }
}

impl Token {
    /// The secret `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// That of the environment, or in the file that the environment names; none where it has neither.
    pub fn from_env() -> Result<Option<Self>, SettingsError> {
        if let Some(token) = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()) {
            return Ok(Some(Self(token)));
        }
        std::env::var_os(TOKEN_FILE_VARIABLE).map(|path| Self::from_file(PathBuf::from(path))).transpose()
    }

    /// What is in the file `path`, which nobody else may read.
    fn from_file(path: PathBuf) -> Result<Self, SettingsError> {
        let read = fs::metadata(&path).and_then(|about| Ok((is_private(&about), fs::read_to_string(&path)?)));
        match read {
            Ok((true, token)) => Ok(Self(token.trim().to_owned())),
            Ok((false, _)) => {
                let problem = "others can read it; take that away from them, as `chmod 600` does".to_owned();
                Err(SettingsError::File { path, problem })
            }
            Err(error) => Err(SettingsError::File { path, problem: error.to_string() }),
        }
    }

    /// Whether `said` is it. Takes the same time wherever they differ.
    pub(super) fn is(&self, said: &str) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(said.as_bytes())
    }

    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(unix)]
fn is_private(about: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(about) & 0o077 == 0
}

/// Elsewhere that isn't told by a mode.
#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_has_no_secret() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "0123456789abcdef\n").unwrap();
        let read = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Token::from_file(path.clone())
        };
        assert!(read(0o600).unwrap().is("0123456789abcdef"));
        assert!(read(0o640).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn only_loopback_goes_without_a_token() {
        let settings = |address: &str, token: Option<&str>| {
            Settings::new(address.parse().unwrap(), token.map(Token::new))
                .map(drop)
                .map_err(|e| e.to_string())
        };
        let secret = "0123456789abcdef";
        assert!(settings("127.0.0.1:0", None).is_ok() && settings("[::1]:80", None).is_ok());
        assert!(settings("0.0.0.0:80", Some(secret)).is_ok());
        for address in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80"] {
            assert!(settings(address, None).unwrap_err().contains("TIDEMILL_TOKEN"));
        }
        assert!(settings("127.0.0.1:0", Some("short")).unwrap_err().contains("too short"));
        assert_eq!(format!("{:?}", Token::new(secret)), "Token(…)");
    }
}

//! What `status`, `swap` and the like are given.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::args::{address, num_workers};

/// What the help of `swap` ends with.
pub const EXAMPLES: &str = "\
The pipeline has to be one that was started with --control, or whose manifest has it. Where it asks for a token, that is
taken from TIDEMILL_TOKEN, or from the file that TIDEMILL_TOKEN_FILE names.

Examples:
  tidemill swap split=split_words.wasm
  tidemill swap split=split_words.wasm sum=sum.wasm --checkpoint state
  tidemill swap split=split_words.wasm --shadow 5        see first what it does with 5 batches";

/// Which running pipeline is meant; by default that of the `pipeline.toml` here, found through its checkpoint.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct At {
    /// Where it listens, such as 127.0.0.1:7171
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "checkpoint")]
    pub address: Option<SocketAddr>,

    /// Its checkpoint, which says where it listens
    #[arg(long, value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,
}

/// A plugin with a file, as the command line has them: `split=split_words.wasm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginPath {
    /// The plugin, or a stream that calls it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for PluginPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            _ => Err("write the plugin and its file, as in `split=split_words.wasm`".to_owned()),
        }
    }
}

/// What `swap` is given.
#[derive(Clone, Debug, clap::Args)]
pub struct SwapArgs {
    /// A plugin, or a stream that calls it, and the file with its code
    #[arg(value_name = "PLUGIN=FILE", required = true)]
    pub plugins: Vec<PluginPath>,

    /// How many batches with rows they run beside those in use, to compare what both put out [default: as the manifest says]
    #[arg(long, value_name = "BATCHES")]
    pub shadow: Option<u32>,

    /// Which pipeline
    #[command(flatten)]
    pub at: At,
}

/// What `rollback` is given.
#[derive(Clone, Debug, clap::Args)]
pub struct RollbackArgs {
    /// The plugin, or a stream that calls it
    #[arg(value_name = "PLUGIN")]
    pub plugin: String,

    /// What the digest of the version begins with [default: the version before the present one]
    #[arg(value_name = "DIGEST")]
    pub digest: Option<String>,

    /// Which pipeline
    #[command(flatten)]
    pub at: At,
}

/// What `workers` is given.
#[derive(Clone, Debug, clap::Args)]
pub struct WorkersArgs {
    /// How many there are to be
    #[arg(value_name = "N", value_parser = num_workers)]
    pub workers: NonZeroUsize,

    /// Which pipeline
    #[command(flatten)]
    pub at: At,
}

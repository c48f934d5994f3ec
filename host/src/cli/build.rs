//! `tidemill build`: the plugin of a project, from its source, and what came of it.

use std::path::PathBuf;

use clap::Args;

use super::inspect::head;
use super::{End, engine, print};
use crate::metrics::Metrics;
use crate::plugin::{PluginSpec, WasmPlugin};
use crate::project::{Install, build as build_project};

/// What is printed under the help of `build`.
pub const EXAMPLES: &str = "\
The language follows from the files: Cargo.toml, plugin.py, package.json. Tools that --install fetches go to a folder for all projects,
which TIDEMILL_TOOLCHAINS names.

Examples:
  tidemill build words
  tidemill build words --install --output plugins/words.wasm";

/// What `build` is given.
#[derive(Clone, Debug, Args)]
pub struct BuildArgs {
    /// The project's folder
    #[arg(value_name = "PROJECT", default_value = ".")]
    project: PathBuf,

    /// Where to put the plugin [default: plugin.wasm in the project]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Install the tools that are missing
    #[arg(long)]
    install: bool,
}

pub(super) fn build(args: &BuildArgs) -> Result<(), End> {
    let install = if args.install { Install::Missing } else { Install::Nothing };
    let built = build_project(&args.project, args.output.as_deref(), install)?;
    // Loading it checks it against the contract, and leaves its code in the cache for the first run.
    let plugin = WasmPlugin::load(&engine()?, "plugin", &PluginSpec::new(&built.file), &Metrics::new(""));
    let plugin = plugin.map_err(|error| End::failed(error.failure))?;
    print(&format!("file     {}\nbuilt by {}\n{}", built.file.display(), built.tool, head(&plugin)))
}

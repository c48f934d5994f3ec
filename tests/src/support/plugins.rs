//! Where the plugins are that `cargo xtask plugins` has built.

use std::path::{Path, PathBuf};

use super::program::PROGRAM;

/// The folder of built plugins: beside the folder of the profile that the program was built with.
pub fn plugin_folder() -> PathBuf {
    let folders = Path::new(PROGRAM).ancestors().skip(2).take(2).map(|folder| folder.join("plugins"));
    folders.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| missing("folder of plugins"))
}

/// The file of the plugin `name`.
pub fn plugin(name: &str) -> PathBuf {
    let file = plugin_folder().join(format!("{name}.wasm"));
    if file.is_file() { file } else { missing(&format!("plugin `{name}`")) }
}

fn missing(what: &str) -> ! {
    panic!("there is no {what} in the target folder; run `cargo xtask plugins`")
}

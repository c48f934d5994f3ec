//! Versions of one plugin, made of one build.

use super::plugin;

/// The text that stands for the version in the plugins that say theirs.
const PLACE: &[u8; 32] = b"version:plain                   ";

/// The file of the plugin `name`, which says its version, as version `version`.
pub fn version(name: &str, version: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(plugin(name)).unwrap();
    let place = bytes.windows(PLACE.len()).position(|bytes| bytes == PLACE).expect("it has a version");
    bytes[place..place + PLACE.len()].copy_from_slice(format!("version:{version:<24}").as_bytes());
    bytes
}

/// The file of the plugin `name` with something more in it that nobody reads: the same code under another digest.
pub fn renamed(name: &str, with: u8) -> Vec<u8> {
    with_more(std::fs::read(plugin(name)).unwrap(), with)
}

/// The same of the version `of` of a plugin that says its version.
pub fn renamed_version(name: &str, of: &str, with: u8) -> Vec<u8> {
    with_more(version(name, of), with)
}

fn with_more(mut bytes: Vec<u8>, with: u8) -> Vec<u8> {
    // A custom section: 0, its length, the length of its name, its name.
    bytes.extend([0, 2, 1, b'a' + with]);
    bytes
}

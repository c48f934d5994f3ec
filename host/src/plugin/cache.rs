//! Compiled code on disk, so that a plugin is compiled once a machine.
//!
//! Loading compiled code is trusting it, so each file carries a keyed hash over its name and content, made with
//! a key that only the user can read; a file that fails the check is compiled again. Files are named by the
//! hash of the component and of everything in the engine that the code depends on. A cache that can't be used is
//! never an error: it is said once in the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use std::hash::{Hash, Hasher};

use wasmtime::component::Component;

use super::code;
use crate::disk::make_private_folder;

const MAC_BYTES: usize = blake3::OUT_LEN;

/// A folder of compiled code.
pub(super) struct Cache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
    settings: Vec<u8>,
}

impl Cache {
    /// Opens or makes the folder, for code that runs in `wasm`; none where it can't be trusted or used.
    pub(super) fn open(folder: &Path, wasm: &wasmtime::Engine) -> Option<Self> {
        match private_folder(folder).and_then(|()| read_or_make_key(&folder.join("key"))) {
            Ok(key) => Some(Self { folder: folder.to_owned(), key, settings: settings(wasm) }),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "plugins will be compiled at each start: the cache folder can't be used");
                None
            }
        }
    }

    /// The compiled form of the component or module in `bytes`, where it is there and genuine.
    pub(super) fn load(&self, wasm: &wasmtime::Engine, bytes: &[u8]) -> Option<Component> {
        let name = self.name(bytes);
        let file = fs::read(self.folder.join(&name)).ok()?;
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        // Compares in constant time.
        if self.mac(&name, code) != <[u8; MAC_BYTES]>::try_from(mac).ok()? {
            tracing::warn!(file = %name, "a cached plugin is damaged or forged; compiling it again");
            return None;
        }
        code::load(wasm, code).ok()
    }

    /// Keeps `code`, the compiled form of the component or module in `bytes`.
    pub(super) fn store(&self, bytes: &[u8], code: &[u8]) {
        if let Err(error) = self.write(&self.name(bytes), code) {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot keep compiled code");
        }
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let aside = self.folder.join(format!("{name}.{}", std::process::id()));
        let mut file = File::create(&aside)?;
        file.write_all(self.mac(name, code).as_bytes())?;
        file.write_all(code)?;
        fs::rename(&aside, self.folder.join(name))
    }

    fn name(&self, bytes: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.settings);
        hasher.update(bytes);
        hasher.finalize().to_hex().to_string()
    }

    fn mac(&self, name: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes());
        hasher.update(code);
        hasher.finalize()
    }
}

/// The hash of everything in the engine that compiled code depends on, as bytes.
fn settings(wasm: &wasmtime::Engine) -> Vec<u8> {
    struct Bytes(Vec<u8>);
    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut bytes = Bytes(Vec::new());
    wasm.precompile_compatibility_hash().hash(&mut bytes);
    bytes.0
}

fn private_folder(folder: &Path) -> io::Result<()> {
    make_private_folder(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::other("others can open it; its mode must be 0700"))
    }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    match File::open(path) {
        Ok(file) => read_key(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(path),
        Err(error) => Err(error),
    }
}

fn read_key(mut file: File) -> io::Result<[u8; blake3::KEY_LEN]> {
    if file.metadata()?.mode() & 0o077 != 0 {
        return Err(io::Error::other("others can read its key; remove the folder"));
    }
    let mut key = [0; blake3::KEY_LEN];
    file.read_exact(&mut key)?;
    Ok(key)
}

/// Makes the key aside and links it into place whole, so that of two processes that start at once both end up
/// with the key of the first.
fn make_key(path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    let mut key = [0; blake3::KEY_LEN];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let aside = path.with_extension(std::process::id().to_string());
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?.write_all(&key)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(File::open(path)?),
        Err(error) => Err(error),
    }
}

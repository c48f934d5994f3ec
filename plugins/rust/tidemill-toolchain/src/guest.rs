//! How Rust plugins are compiled to WebAssembly: with what this machine has, or can get.
//!
//! In this order: the target's standard library in the active toolchain; the same, fetched by rustup
//! (unless `RUSTUP_AUTO_INSTALL=0` forbids it); a standard library built from source, with a compiler
//! that has the source beside it, which Debian packages. What comes out is a cargo command that
//! builds plugins; what must stay true is that neither the host's build nor `Cargo.lock` notices.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::apt::{self, Root};
use crate::step::{self, step};

/// The target plugins are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// What every plugin may use beyond the first version of WebAssembly. The host supports both.
const FEATURES: &str = "-Ctarget-feature=+simd128,+bulk-memory";

const APT_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A compiler for plugins.
pub enum Guest {
    /// The active toolchain, which has the target's standard library.
    Ready,
    /// A compiler whose standard library is built from source beside the plugins.
    FromSource {
        /// The compiler that has the source.
        rustc: PathBuf,
        /// The linker of the active toolchain.
        linker: PathBuf,
    },
}

impl Guest {
    /// Finds a compiler for plugins; the error says what to install.
    pub fn find() -> Result<Guest> {
        if target_is_installed()? {
            return Ok(Guest::Ready);
        }
        if let Some(guest) = find_source()? {
            return Ok(guest);
        }
        bail!("{}", missing())
    }

    /// Finds a compiler for plugins, or installs one where that is possible and allowed.
    pub fn find_or_install() -> Result<Guest> {
        if target_is_installed()? {
            return Ok(Guest::Ready);
        }
        if rustup_may_install() && rustup_adds_target() && target_is_installed()? {
            return Ok(Guest::Ready);
        }
        if let Some(guest) = find_source()? {
            return Ok(guest);
        }
        if apt::is_here()
            && apt_installs_source()
            && let Some(guest) = find_source()?
        {
            return Ok(guest);
        }
        bail!("{}", missing())
    }

    /// A sentence on what is used, for progress.
    pub fn describe(&self) -> String {
        match self {
            Guest::Ready => format!("the toolchain's own {TARGET}"),
            Guest::FromSource { rustc, .. } => format!(
                "{} and a standard library from source; the first time this takes a minute",
                rustc.display()
            ),
        }
    }

    /// The version of the compiler, such as 1.96.0.
    pub fn version(&self) -> Result<String> {
        let mut rustc = match self {
            Guest::Ready => active_rustc(),
            Guest::FromSource { rustc, .. } => Command::new(rustc),
        };
        let text = step::output(rustc.arg("--version"))?;
        Ok(text.split_whitespace().nth(1).unwrap_or(&text).to_owned())
    }

    /// Makes `cargo build` compile for plugins the code in the folder `root`, which keeps its name out of them.
    pub fn target(&self, cargo: &mut Command, root: &Path) {
        cargo.args(["--target", TARGET]);
        let mut flags = vec![FEATURES.to_owned()];
        flags.extend(remapped_paths(root));
        if let Guest::FromSource { rustc, linker } = self {
            cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
            flags.push(format!("-Clinker={}", linker.display()));
        }
        // This form, unlike RUSTFLAGS, allows spaces in paths; it also goes before RUSTFLAGS.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    }
}

/// Flags that keep this machine's folders out of plugins, so that the same source is the same file anywhere.
fn remapped_paths(root: &Path) -> Vec<String> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let mut flags = vec![remap(root, "tidemill")];
    flags.extend(cargo_home.map(|folder| remap(&folder, "cargo")));
    flags
}

fn active_rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Whether the active toolchain has the target's standard library.
fn target_is_installed() -> Result<bool> {
    let folder = step::output(active_rustc().args(["--print", "target-libdir", "--target", TARGET]))?;
    let Ok(files) = Path::new(&folder).read_dir() else {
        return Ok(false);
    };
    Ok(files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

fn rustup_may_install() -> bool {
    let forbidden = env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0");
    !forbidden && exists("rustup")
}

/// Asks rustup for the target. A failure is no error: there are other ways.
fn rustup_adds_target() -> bool {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]);
    let installed =
        step(format!("installing the target {TARGET}: rustup target add"), || step::run(&mut rustup));
    installed.map_err(|error| eprintln!("    {error:#}")).is_ok()
}

/// A compiler with its standard library's source beside it: the active one, or the system's.
fn find_source() -> Result<Option<Guest>> {
    let active = env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    for rustc in [active, PathBuf::from("/usr/bin/rustc")] {
        if exists(&rustc) && has_source(&rustc)? && is_new_enough(&rustc)? {
            return Ok(Some(Guest::FromSource { rustc, linker: linker()? }));
        }
    }
    Ok(None)
}

fn has_source(rustc: &Path) -> Result<bool> {
    Ok(sysroot(rustc)?.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists())
}

/// Whether a compiler is of the version that the workspace asks for, or later.
fn is_new_enough(rustc: &Path) -> Result<bool> {
    let version = step::output(Command::new(rustc).arg("--version"))?;
    Ok(minor_version(&version) >= minor_version(concat!("rust ", env!("CARGO_PKG_RUST_VERSION"))))
}

/// 96 of `rustc 1.96.0 (ac68faa20 2026-05-25)`.
fn minor_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(1)?;
    version.split('.').nth(1)?.parse().ok()
}

fn sysroot(rustc: &Path) -> Result<PathBuf> {
    step::output(Command::new(rustc).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// A linker for WebAssembly: the one in every rustup toolchain, or LLVM's from the system.
fn linker() -> Result<PathBuf> {
    let libdir = step::output(active_rustc().args(["--print", "target-libdir"]))?;
    let lld = Path::new(&libdir).with_file_name("bin").join("rust-lld");
    if lld.exists() {
        return Ok(lld);
    }
    for name in ["wasm-ld", "wasm-ld-22"] {
        if exists(name) {
            return Ok(PathBuf::from(name));
        }
    }
    bail!("there is no linker for WebAssembly here; install one with `apt-get install lld-22`")
}

/// Installs compiler and source from Debian's archive. A failure is no error: the caller looks again.
fn apt_installs_source() -> bool {
    let Some(root) = Root::find() else {
        return false;
    };
    let installed = apt::install(&root, &APT_PACKAGES, &format!("to build the {TARGET} standard library"));
    installed.map_err(|error| eprintln!("    {error:#}")).is_ok()
}

/// What to say where nothing could be found or installed.
fn missing() -> String {
    format!("there is no Rust standard library for {TARGET} here; install it with `{}`", remedy())
}

/// The one command that helps.
fn remedy() -> String {
    if rustup_may_install() || !apt::is_here() {
        return format!("rustup target add {TARGET}");
    }
    format!("sudo apt-get install --no-install-recommends {}", APT_PACKAGES.join(" "))
}

/// Whether a program can be started.
fn exists(program: impl AsRef<Path>) -> bool {
    let mut command = Command::new(program.as_ref());
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_are_compared_by_their_minor_version() {
        assert_eq!(
            minor_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some(96)
        );
        assert_eq!(minor_version("rust 1.95"), Some(95));
        assert_eq!(minor_version("something else"), None);
    }
}

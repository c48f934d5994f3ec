//! The tools of other languages: a folder of the user's for all projects, versions from `plugins/toolchains.toml`,
//! and how a tool is run.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::embedded;
use super::{ProjectError, file};
use crate::disk::{cache_folder, make_private_folder};

/// The folder of tools: `TIDEMILL_TOOLCHAINS`, or `toolchains` in the folder of compiled plugins.
pub(super) fn folder() -> Result<PathBuf, ProjectError> {
    let set = std::env::var_os("TIDEMILL_TOOLCHAINS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = match (set, cache_folder()) {
        (Some(folder), _) => folder,
        (None, Some(cache)) => {
            // Compiled plugins are kept there only where nobody else can open it.
            make_private_folder(&cache).map_err(file("make", &cache))?;
            cache.join("toolchains")
        }
        (None, None) => {
            let problem = "there is no folder for tools; set TIDEMILL_TOOLCHAINS to one";
            return Err(ProjectError::Wrong(problem.to_owned()));
        }
    };
    std::path::absolute(&folder).map_err(file("find", &folder))
}

/// The packages of a language, with their versions.
pub(super) fn packages(language: &str) -> Vec<(String, String)> {
    let table = embedded::file("plugins/toolchains.toml").parse::<toml::Table>().unwrap_or_default();
    let packages = table.get(language).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    packages.into_iter().filter_map(|(name, version)| Some((name, version.as_str()?.to_owned()))).collect()
}

/// The folder with a language's packages in these versions.
pub(super) fn home(language: &str) -> Result<PathBuf, ProjectError> {
    let versions: Vec<_> = packages(language).into_iter().map(|(_, version)| version).collect();
    Ok(folder()?.join(format!("{language}-{}", versions.join("-"))))
}

/// Fills the folder `home` by `install`, once, whoever else wants to; a failure leaves nothing behind.
pub(super) fn install_once(
    home: &Path,
    install: impl FnOnce() -> Result<(), ProjectError>,
) -> Result<(), ProjectError> {
    let parent = home.parent().unwrap_or(home);
    fs::create_dir_all(parent).map_err(file("make", parent))?;
    let path = home.with_extension("lock");
    let lock = File::create(&path).map_err(file("write", &path))?;
    lock.lock().map_err(file("lock", &path))?;
    if is_complete(home) {
        return Ok(());
    }
    if let Err(error) = fs::remove_dir_all(home)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(file("remove", home)(error));
    }
    fs::create_dir_all(home).map_err(file("make", home))?;
    // It may take minutes, in which nothing else is said.
    tracing::info!(folder = %home.display(), "fetching tools, once for all projects");
    install()?;
    fs::write(home.join(COMPLETE), "").map_err(file("write", home))
}

/// Fills the folder `home` with an environment of Python that has a package, such as `ziglang==0.17.0`: registries of
/// Python hold compilers as well.
pub(super) fn python_package(home: &Path, requirement: &str) -> Result<(), ProjectError> {
    install_once(home, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(home))?;
        let mut pip = Command::new(home.join("bin").join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]);
        run(&mut pip)
    })
}

/// Fills the folder `home` with a language's packages from npm.
pub(super) fn node_packages(home: &Path, language: &str) -> Result<(), ProjectError> {
    install_once(home, || {
        let manifest = home.join("package.json");
        fs::write(&manifest, "{\"private\": true}\n").map_err(file("write", &manifest))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--save-exact", "--loglevel", "error"]);
        npm.args(packages(language).into_iter().map(|(name, version)| format!("{name}@{version}")));
        run(npm.current_dir(home))
    })
}

/// Whether all tools are in the folder `home`.
pub(super) fn is_complete(home: &Path) -> bool {
    home.join(COMPLETE).is_file()
}

/// The file that says that all is there.
const COMPLETE: &str = ".complete";

/// Runs a tool to its end. What it said is in the error where it failed, and dropped where it didn't.
pub(super) fn run(command: &mut Command) -> Result<(), ProjectError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            ProjectError::Missing { tool: name.clone(), remedy: format!("install {name} and put it on PATH") }
        }
        _ => ProjectError::Failed(format!("cannot start {name}: {error}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
    Err(ProjectError::Failed(if said.is_empty() {
        format!("{name} failed ({}) and said nothing", output.status)
    } else {
        said.join("\n")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_of_a_registry_has_pinned_packages() {
        for language in ["python", "js", "assemblyscript", "go", "zig"] {
            assert!(!packages(language).is_empty(), "{language}");
        }
        assert!(packages("cobol").is_empty());
    }

    #[test]
    fn what_failed_is_installed_anew_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("lang-1");
        let failed = install_once(&home, || {
            fs::write(home.join("half"), "").unwrap();
            Err(ProjectError::Failed("no network".to_owned()))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no network");
        assert!(!is_complete(&home));
        install_once(&home, || {
            assert!(!home.join("half").exists());
            Ok(())
        })
        .unwrap();
        install_once(&home, || panic!("twice")).unwrap();
    }

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let error = run(Command::new("sh").args(["-c", "echo no; echo really >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "no\nreally");
        let error = run(&mut Command::new("no-such-tool")).unwrap_err();
        assert_eq!(error.to_string(), "no-such-tool isn't here; install no-such-tool and put it on PATH");
    }
}

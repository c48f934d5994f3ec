//! `tidemill new`: a project that builds and runs at once.
//!
//! A template is what all languages share for a kind of operator (a manifest, input), what all kinds share for a
//! language (how it is set up), and the source and its test. `{{name}}`, `{{kind}}` and `{{sdk}}` are filled in.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::embedded::files_in;
use super::{Language, ProjectError, file, sdk};

/// The kinds of operator that there are templates for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Any number of rows from a row
    #[default]
    Transform,
    /// One value from two of the same key
    Reduce,
    /// A row from all values of a key, through an accumulator
    Aggregate,
    /// What is kept of a key from batch to batch
    UpdateState,
    /// Rows from all rows of a key in two streams
    Cogroup,
}

impl Kind {
    /// The name of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Reduce => "reduce",
            Self::Aggregate => "aggregate",
            Self::UpdateState => "update-state",
            Self::Cogroup => "cogroup",
        }
    }
}

/// Makes a project in the new folder `folder`, named as its last part. Answers the file to edit.
pub fn create(folder: &Path, language: &dyn Language, kind: Kind) -> Result<PathBuf, ProjectError> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        return Err(ProjectError::Wrong(format!(
            "`{name}` is no name for a project; take letters, digits, `-` and `_`, with a letter first"
        )));
    }
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(ProjectError::Wrong(format!("{} is there already; take another name", folder.display())));
    }
    let folder = &std::path::absolute(folder).map_err(file("find", folder))?;
    let sdk_folder = sdk::find(folder).unwrap_or_else(|| folder.join(sdk::FOLDER));
    let sdk_path = relative(folder, &sdk_folder);
    // One that was made for another language is completed.
    let has_language = language.sdk().iter().all(|(_, goal)| sdk_folder.join(goal).exists());
    let own = format!("plugins/{}/template", language.name());
    let roots =
        [format!("plugins/template/{}", kind.name()), format!("{own}/all"), format!("{own}/{}", kind.name())];
    for (path, text) in roots.iter().flat_map(|root| files_in(root)) {
        // Under its real name git would take it for its own, and cargo and Go a manifest for a package.
        let path = path.strip_suffix(".in").unwrap_or(path).replace("gitignore", ".gitignore");
        let text =
            text.replace("{{name}}", name).replace("{{kind}}", kind.name()).replace("{{sdk}}", &sdk_path);
        sdk::write_file(&folder.join(path), &text)?;
    }
    if !has_language {
        sdk::write(language, &sdk_folder)?;
    }
    Ok(PathBuf::from(language.source()))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|other| other.is_ascii_alphanumeric() || matches!(other, '-' | '_'))
}

/// The way from `folder` to `goal`, which is in one of the folders above it.
fn relative(folder: &Path, goal: &Path) -> String {
    let (mut ups, mut above) = (Vec::new(), Some(folder));
    while let Some(folder) = above {
        if let Ok(rest) = goal.strip_prefix(folder) {
            let rest = rest.iter().map(|part| part.to_string_lossy().into_owned());
            return ups.into_iter().chain(rest).collect::<Vec<_>>().join("/");
        }
        ups.push("..".to_owned());
        above = folder.parent();
    }
    goal.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::LANGUAGES;

    #[test]
    fn the_way_to_the_sdk_goes_up_first() {
        let way = |goal| relative(Path::new("/a/b/c"), Path::new(goal));
        assert_eq!(way("/a/sdk"), "../../sdk");
        assert_eq!(way("/a"), "../..");
        assert_eq!(way("/sdk"), "../../../sdk");
    }

    #[test]
    fn every_language_has_a_template_of_every_kind() {
        for language in LANGUAGES {
            for kind in Kind::value_variants() {
                let folder = tempfile::tempdir().unwrap();
                let project = folder.path().join("my-project");
                let source = create(&project, language, *kind).unwrap();
                assert!(project.join(source).is_file(), "{language:?} {kind:?}");
                assert!(project.join(language.mark()).is_file(), "{language:?} {kind:?}");
                for file in ["pipeline.toml", "README.md", ".gitignore", "sdk/wit/worlds.wit"] {
                    let text = std::fs::read_to_string(project.join(file)).unwrap();
                    assert!(!text.contains("{{"), "{language:?} {kind:?} {file}");
                }
                assert_eq!(super::super::language_of(&project).unwrap().name(), language.name());
                // The second one shares the first one's SDK.
                for other in LANGUAGES {
                    let folder = project.join(other.name());
                    create(&folder, other, *kind).unwrap();
                    assert!(!folder.join("sdk").exists());
                    assert!(other.sdk().iter().all(|(_, goal)| project.join("sdk").join(goal).exists()));
                }
            }
        }
    }

    #[test]
    fn names_and_folders_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str| {
            create(&folder.path().join(name), LANGUAGES[1], Kind::Reduce).unwrap_err().to_string()
        };
        assert!(refused("2nd").starts_with("`2nd` is no name for a project; "));
        std::fs::create_dir(folder.path().join("full")).unwrap();
        std::fs::write(folder.path().join("full/file"), "").unwrap();
        assert!(refused("full").ends_with("full is there already; take another name"));
    }
}

//! `tidemill new`: a project for a plugin, from a template.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{End, print};
use crate::project::{Kind, LANGUAGES, Language, ProjectError, create};

/// What is printed under the help of `new`.
pub const EXAMPLES: &str = "\
The project holds the SDK as well, in its folder `sdk`, so that it builds anywhere. Projects below one folder share the
`sdk` that is there.

Examples:
  tidemill new words --lang python
  tidemill new highest --lang rust --kind reduce";

/// What `new` is given.
#[derive(Clone, Debug, Args)]
pub struct NewArgs {
    /// The folder to make, whose last part is the project's name
    #[arg(value_name = "NAME")]
    folder: PathBuf,

    /// The language
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = languages())]
    language: &'static dyn Language,

    /// The kind of operator
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
}

fn languages() -> impl TypedValueParser<Value = &'static dyn Language> {
    PossibleValuesParser::new(LANGUAGES.map(Language::name)).try_map(|name| {
        let found = LANGUAGES.into_iter().find(|language| language.name() == name);
        found.ok_or_else(|| format!("there is no language `{name}`"))
    })
}

pub(super) fn new(args: &NewArgs) -> Result<(), End> {
    let source = create(&args.folder, args.language, args.kind)?;
    let folder = args.folder.display();
    print(&format!(
        "{folder}/{} is yours to edit; {folder}/README.md says more. Next:\n  tidemill build {folder} --install\n  tidemill run {folder}/pipeline.toml --once\n",
        source.display()
    ))
}

impl From<ProjectError> for End {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::File { .. } | ProjectError::Failed(_) => Self::failed(error),
            ProjectError::Wrong(_) | ProjectError::Missing { .. } => Self::wrong(error),
        }
    }
}

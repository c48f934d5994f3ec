//! The files of the repository that are in the program: SDKs, the contract, templates. `build.rs` lists them.

/// All of them, by path from the repository's root, in order.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The files in the folder `folder`, by path within it, and the file of that name itself, whose path is empty.
pub(super) fn files_in(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(path, text)| {
        let rest = path.strip_prefix(folder)?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        Some((rest, *text))
    })
}

/// The text of one file; empty where there is none.
pub(super) fn file(path: &str) -> &'static str {
    files_in(path).find(|(rest, _)| rest.is_empty()).map_or("", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_end_at_their_names() {
        assert!(files_in("wit").any(|(path, _)| path == "worlds.wit"));
        assert_eq!(files_in("wi").count(), 0);
        assert!(file("plugins/toolchains.toml").contains("[python]"));
    }

    #[test]
    fn the_workspace_of_the_sdk_says_what_that_of_the_repository_says() {
        let ours = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
        let [ours, theirs] =
            [ours.as_str(), file("plugins/rust/sdk.toml")].map(|text| text.parse::<toml::Table>().unwrap());
        for table in ["package", "dependencies", "lints"] {
            let entries = |root: &toml::Table| root["workspace"][table].as_table().unwrap().clone();
            for (key, value) in entries(&theirs) {
                assert_eq!(entries(&ours).get(&key), Some(&value), "{table}.{key}");
            }
        }
    }
}

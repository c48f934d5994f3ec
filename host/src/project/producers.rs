//! What made a component, by the `producers` sections of it and of the modules in it.
//!
//! A component of an interpreted language holds an interpreter, whose sections tell what that is made of. So what
//! stands outermost counts, and a build of such a language writes its own there.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use wasmparser::{CustomSectionReader, KnownCustom, Parser, Payload};

use super::{ProjectError, file};

/// What made a component: languages, and tools that processed it. Each by name, with its version where it has one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Producers {
    /// The languages of its source.
    pub languages: BTreeMap<String, String>,
    /// The tools.
    pub tools: BTreeMap<String, String>,
}

/// Reads what made the component or module in `bytes`. What can't be read is passed over: it is only told.
pub fn producers(bytes: &[u8]) -> Producers {
    let (mut outermost, mut all, mut depth) = (Producers::default(), Producers::default(), 0_usize);
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // A core module that is to become a component says there what wrote its bindings.
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                let bindings = producers(section.data());
                all.languages.extend(bindings.languages);
                all.tools.extend(bindings.tools);
            }
            Payload::CustomSection(section) => {
                all.read(&section);
                if depth == 0 {
                    outermost.read(&section);
                }
            }
            _ => {}
        }
    }
    if outermost.languages.is_empty() { all } else { outermost }
}

/// Appends to the component or module in `bytes` that it is made of `language`, by these tools with their versions.
pub(super) fn sign(bytes: &mut Vec<u8>, language: &str, tools: &[(String, String)]) {
    let mut section = wasm_encoder::ProducersSection::new();
    section.field("language", wasm_encoder::ProducersField::new().value(language, ""));
    let mut by = wasm_encoder::ProducersField::new();
    for (name, version) in tools {
        by.value(name, version);
    }
    section.field("processed-by", &by);
    wasm_encoder::ComponentSection::append_to_component(&section, bytes);
}

/// Writes into the component or module in the file `path` what made it.
pub(super) fn signed(path: &Path, language: &str, tools: &[(String, String)]) -> Result<(), ProjectError> {
    let mut bytes = std::fs::read(path).map_err(file("read", path))?;
    sign(&mut bytes, language, tools);
    std::fs::write(path, bytes).map_err(file("write", path))
}

impl Producers {
    fn read(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for field in fields.into_iter().map_while(Result::ok) {
            let goal = match field.name {
                "language" => &mut self.languages,
                "processed-by" | "sdk" => &mut self.tools,
                _ => continue,
            };
            for value in field.values.into_iter().map_while(Result::ok) {
                goal.insert(plain(value.name), plain(value.version));
            }
        }
    }
}

/// A name without what would break out of its line, and of bearable length.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

impl fmt::Display for Producers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |entries: &BTreeMap<String, String>| {
            let named =
                entries.iter().map(|(name, version)| format!("{name} {version}").trim_end().to_owned());
            named.collect::<Vec<_>>().join(", ")
        };
        match (self.languages.is_empty(), self.tools.is_empty()) {
            (true, true) => f.write_str("it doesn't say"),
            (true, false) => write!(f, "it doesn't say; by {}", list(&self.tools)),
            (false, true) => f.write_str(&list(&self.languages)),
            (false, false) => write!(f, "{}; by {}", list(&self.languages), list(&self.tools)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_nested_modules_count() {
        // A component that holds a module with: language Rust, processed-by rustc 1.96.
        let section = b"\x09producers\x02\x08language\x01\x04Rust\x00\x0cprocessed-by\x01\x05rustc\x041.96";
        let mut module = b"\0asm\x01\0\0\0\0".to_vec();
        module.push(u8::try_from(section.len()).unwrap());
        module.extend_from_slice(section);
        let mut component = b"\0asm\x0d\0\x01\0\x01".to_vec();
        component.push(u8::try_from(module.len()).unwrap());
        component.extend_from_slice(&module);
        assert_eq!(producers(&component).to_string(), "Rust; by rustc 1.96");
        assert_eq!(producers(&module).to_string(), "Rust; by rustc 1.96");
        sign(&mut component, "Python", &[("componentize-py".to_owned(), "0.25.1".to_owned())]);
        assert_eq!(producers(&component).to_string(), "Python; by componentize-py 0.25.1");
    }

    #[test]
    fn what_is_no_module_says_nothing() {
        assert_eq!(producers(b"text").to_string(), "it doesn't say");
    }
}

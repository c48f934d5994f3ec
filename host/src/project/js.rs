//! JavaScript and TypeScript: componentize-qjs and esbuild from npm, with Node.js.
//!
//! The engine of componentize-qjs takes a 64-bit number for a double, which loses its last bits. So the SDK builds
//! against a contract that says pairs of 32 bits, which lie in memory just as 64 bits do, and here the component's
//! types are put right.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Component, ComponentDefinedTypeEncoder, ComponentSectionId, PrimitiveValType, RawSection,
};
use wasmparser::{ComponentDefinedType, ComponentValType, Parser, PrimitiveValType as Read};

use super::producers::sign;
use super::tools::{home, is_complete, node_packages, packages, run};
use super::{Install, Language, ProjectError, Work, file};

/// JavaScript and TypeScript, by componentize-qjs.
#[derive(Debug)]
pub(super) struct Js;

impl Language for Js {
    fn name(&self) -> &'static str {
        "js"
    }

    fn mark(&self) -> &'static str {
        "package.json"
    }

    fn source(&self) -> &'static str {
        "plugin.js"
    }

    fn sdk(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("plugins/js/src", "plugins/js/src"),
            ("plugins/js/package.json", "plugins/js/package.json"),
            ("plugins/js/index.d.ts", "plugins/js/index.d.ts"),
            ("plugins/js/testing.d.ts", "plugins/js/testing.d.ts"),
        ]
    }

    fn build(&self, work: &Work<'_>) -> Result<String, ProjectError> {
        let tools = tools(work)?;
        let source = ["plugin.ts", "plugin.js"].into_iter().find(|name| work.project.join(name).is_file());
        let source = source.ok_or_else(|| {
            let project = work.project.display();
            ProjectError::Wrong(format!(
                "{project} holds neither plugin.js nor plugin.ts; one of them is the plugin"
            ))
        })?;
        let mut command = Command::new("node");
        command
            .arg(work.sdk.join("plugins/js/src/build.js"))
            .arg(source)
            .arg("--wit")
            .arg(work.sdk.join("wit"));
        command.arg("--tools").arg(tools).arg("--output").arg(work.output).current_dir(work.project);
        run(&mut command)?;
        let built = std::fs::read(work.output).map_err(file("read", work.output))?;
        let mut component = with_whole_numbers(&built)?;
        let language = if source.ends_with("ts") { "TypeScript" } else { "JavaScript" };
        sign(&mut component, language, &packages("js"));
        std::fs::write(work.output, component).map_err(file("write", work.output))?;
        Ok(described())
    }
}

/// A folder whose `node_modules` has the tools: the project's own, or the user's for all projects.
fn tools(work: &Work<'_>) -> Result<PathBuf, ProjectError> {
    let has_tools = |folder: &Path| {
        packages("js")
            .iter()
            .all(|(name, _)| folder.join("node_modules").join(name).join("package.json").is_file())
    };
    if has_tools(work.project) {
        return Ok(work.project.to_path_buf());
    }
    let home = home("js")?;
    if !is_complete(&home) {
        if work.install == Install::Nothing {
            return Err(ProjectError::Missing {
                tool: described(),
                remedy: format!(
                    "say `tidemill build --install`, or in {} `npm install --save-dev {}`",
                    work.project.display(),
                    requirements().join(" ")
                ),
            });
        }
        node_packages(&home, "js")?;
    }
    Ok(home)
}

fn requirements() -> Vec<String> {
    packages("js").into_iter().map(|(name, version)| format!("{name}@{version}")).collect()
}

fn described() -> String {
    packages("js")
        .into_iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The component with 64-bit numbers where it says pairs of 32 bits.
fn with_whole_numbers(bytes: &[u8]) -> Result<Vec<u8>, ProjectError> {
    let mut component = Component::new();
    WholeNumbers.parse_component(&mut component, Parser::new(0), bytes).map_err(|error| {
        ProjectError::Failed(format!("componentize-qjs wrote a component that can't be read: {error}"))
    })?;
    Ok(component.finish())
}

/// Writes a component as it is, but for the type of pairs.
struct WholeNumbers;

impl Reencode for WholeNumbers {
    type Error = Infallible;
}

impl ReencodeComponent for WholeNumbers {
    fn parse_component_defined_type(
        &mut self,
        defined: ComponentDefinedTypeEncoder<'_>,
        ty: ComponentDefinedType<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        match ty {
            ComponentDefinedType::Tuple(parts) if is_pair(&parts) => {
                defined.primitive(PrimitiveValType::S64);
                Ok(())
            }
            other => component_utils::parse_component_defined_type(self, defined, other),
        }
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _: Parser,
        data: &[u8],
    ) -> Result<(), reencode::Error<Infallible>> {
        // The code stays, byte for byte.
        component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data });
        Ok(())
    }
}

fn is_pair(parts: &[ComponentValType]) -> bool {
    matches!(parts, [ComponentValType::Primitive(Read::U32), ComponentValType::Primitive(Read::U32)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_become_whole_numbers_and_nothing_else_does() {
        use wasm_encoder::{ComponentTypeSection, ComponentValType as Written, Encode};
        let component = |pair: bool| {
            let (mut component, mut types) = (Component::new(), ComponentTypeSection::new());
            match pair {
                true => types.defined_type().tuple([Written::Primitive(PrimitiveValType::U32); 2]),
                false => types.defined_type().primitive(PrimitiveValType::S64),
            }
            types.defined_type().list(Written::Type(0));
            types.defined_type().tuple([Written::Primitive(PrimitiveValType::U32); 3]);
            component.section(&types);
            component.section(&wasm_encoder::RawSection { id: 1, data: b"\0asm\x01\0\0\0" });
            let mut bytes = Vec::new();
            component.finish().as_slice().encode(&mut bytes);
            bytes.split_off(bytes.windows(4).position(|window| window == b"\0asm").unwrap_or_default())
        };
        assert_eq!(with_whole_numbers(&component(true)).unwrap(), component(false));
    }

    #[test]
    fn what_is_no_component_is_an_error() {
        assert!(with_whole_numbers(b"text").is_err());
    }
}

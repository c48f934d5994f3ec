//! From a core module that a compiler wrote to a component: what it exports says which interfaces of the contract it
//! has, so that nothing but the functions themselves has to be in it. WASI preview 1 becomes our adapter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::adapter::{self, HOST};
use super::producers::sign;
use super::{ProjectError, Work, file};

/// The name that modules import WASI preview 1 by.
const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// Makes the core module that a compiler put at [`core_of`] the output the component that is to be there, and writes into it that
/// it is made of `language`, by these tools.
pub(super) fn componentize(
    work: &Work<'_>,
    language: &str,
    tools: &[(String, String)],
) -> Result<(), ProjectError> {
    let path = &core_of(work.output);
    let module = std::fs::read(path).map_err(file("read", path))?;
    std::fs::remove_file(path).map_err(file("remove", path))?;
    let interfaces = interfaces(&module)?;
    if interfaces.is_empty() {
        return Err(ProjectError::Wrong(
            "the plugin exports no operator; declare one as the README of its SDK shows".to_owned(),
        ));
    }
    let mut component = encode(module, &work.sdk.join("wit"), &interfaces).map_err(|error| {
        ProjectError::Failed(format!("what the compiler wrote doesn't fit the contract: {error:#}"))
    })?;
    sign(&mut component, language, tools);
    // Whole or not at all: a host may be watching.
    std::fs::write(path, component).map_err(file("write", path))?;
    std::fs::rename(path, work.output).map_err(file("write", work.output))
}

/// Where a compiler is to put the core module: beside the component, which a compiler that leaves alone what is up to date
/// would take for it.
pub(super) fn core_of(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!(".{name}.new"))
}

fn encode(mut module: Vec<u8>, contract: &Path, interfaces: &BTreeSet<String>) -> anyhow::Result<Vec<u8>> {
    let exports: Vec<_> = interfaces.iter().map(|name| format!("export {name};")).collect();
    mark(&mut module, contract, "plugin", &exports.join(" "))?;
    let mut adapter = adapter::module();
    mark(&mut adapter, contract, "adapter", "")?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module)?.adapter(PREVIEW_1, &adapter)?;
    encoder.encode()
}

/// Writes into a module that it imports the host's interface, and exports these. Each has a world by a name of its own.
fn mark(module: &mut Vec<u8>, contract: &Path, name: &str, exports: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    resolve.push_dir(contract)?;
    let world = format!("package built:{name}; world {name} {{ import {HOST}; {exports} }}");
    let package = resolve.push_str("built.wit", &world)?;
    let world = resolve.select_world(&[package], Some(name))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)
}

/// The interfaces whose functions a module exports: `tidemill:plugin/transform@0.1.0` and so on.
fn interfaces(module: &[u8]) -> Result<BTreeSet<String>, ProjectError> {
    let wrong = |error| ProjectError::Failed(format!("what the compiler wrote is no module: {error}"));
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ExportSection(exports) = payload.map_err(wrong)? else { continue };
        for export in exports {
            let name = export.map_err(wrong)?.name;
            if let Some((interface, _)) = name.split_once('#')
                && interface.starts_with("tidemill:plugin/")
            {
                found.insert(interface.to_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_functions_tell_the_interfaces() {
        use wasm_encoder::{CodeSection, ExportKind, ExportSection, Function, FunctionSection, TypeSection};
        let (mut module, mut types) = (wasm_encoder::Module::new(), TypeSection::new());
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        types.ty().function([], []);
        functions.function(0);
        for name in ["a:b/c#d", "_start", "tidemill:plugin/reduce@0.1.0#open"] {
            exports.export(name, ExportKind::Func, 0);
        }
        let mut empty = Function::new([]);
        empty.instructions().end();
        code.function(&empty);
        module.section(&types).section(&functions).section(&exports).section(&code);
        let found = interfaces(&module.finish()).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["tidemill:plugin/reduce@0.1.0"]);
        assert!(interfaces(b"text").is_err());
    }
}

//! Files of plugins: those in `plugins/hostile/wat`, and those that are made of text here.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where files are put; removed by nobody, as statics are not dropped, but in the tests' own folder.
static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());

/// The file of the text `NAME.wat` of the corpus, assembled.
pub fn wat(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/hostile/wat");
    let text = std::fs::read_to_string(folder.join(format!("{name}.wat"))).unwrap();
    text_file(name, &text)
}

/// The file `NAME.wasm` of `text`. A core module is marked as one of the contract's world `transformer`, as
/// wit-bindgen marks them; the host makes it a component.
pub fn text_file(name: &str, text: &str) -> PathBuf {
    file(name, &assemble(text))
}

/// What `text` says, as `text_file` has it.
pub fn assemble(text: &str) -> Vec<u8> {
    let mut bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    if !text.contains("(component") {
        mark(&mut bytes);
    }
    bytes
}

/// A file of these bytes, called after `name` and a number, as tests run side by side.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = FOLDER.path().join(format!("{name}-{number}.wasm"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn mark(module: &mut Vec<u8>) {
    let mut contract = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = contract.push_dir(folder).unwrap();
    let world = contract.select_world(&[package], Some("transformer")).unwrap();
    embed_component_metadata(module, &contract, world, StringEncoding::UTF8, false).unwrap();
}

/// The good module of the corpus with `more` in it.
pub fn module_with(more: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/hostile/wat");
    let text = std::fs::read_to_string(folder.join("good.wat")).unwrap();
    text.replacen("(module\n", &format!("(module\n{more}\n"), 1)
}

/// The good module as a component with `more` in it.
pub fn component_with(more: &str) -> String {
    let module = assemble(&module_with(""));
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let text = wasmprinter::print_bytes(component).unwrap();
    let (text, end) = text.trim_end().rsplit_once(')').unwrap();
    format!("{text}{more}){end}")
}

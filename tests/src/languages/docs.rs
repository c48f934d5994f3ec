//! Whether every public name of the SDKs has its doc comment, in the languages whose own tools don't ask: C, C++, Zig,
//! AssemblyScript, and the types of JavaScript. Python and Go do it in their own tests, Rust in its compiler.
//!
//! Declarations are told by how the sources are laid out: two columns for each level, what is public at the margin.

use super::commands::repository;

#[derive(Clone, Copy, Debug)]
enum Style {
    C,
    Cpp,
    Zig,
    /// AssemblyScript and the types of TypeScript.
    Script,
}

/// A source as it is read, line by line.
struct Scan {
    style: Style,
    /// Whether lines below the margin are members of something public.
    has_members: bool,
    /// The line before, without comments.
    before: String,
}

impl Scan {
    /// Whether a line declares something public.
    fn declares(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let (is_margin, is_word) = (text.len() == line.len(), text.starts_with(char::is_alphabetic));
        match self.style {
            Style::Zig => return declares_zig(text),
            _ if self.before.ends_with('\\') => return false,
            _ if !is_margin => return self.has_members && is_word && self.is_member(line),
            _ => self.has_members = false,
        }
        let opens = text.ends_with('{');
        match self.style {
            Style::C => {
                self.has_members = text.starts_with("typedef") && opens;
                is_macro(text) || is_word && !text.starts_with("extern \"C\"")
            }
            Style::Cpp => {
                let is_type = text.starts_with("struct ") || text.starts_with("class ");
                // What is said of a template holds for its specializations.
                let head = text.split(['{', '=']).next().unwrap_or(text);
                let is_special = head.trim_end().ends_with('>');
                self.has_members = is_type && opens && !is_special;
                let is_new = is_word && !text.starts_with("namespace") && !text.starts_with("extern");
                is_new && !is_special || is_macro(text) && !self.before.starts_with("#define")
            }
            _ => {
                let is_type =
                    ["class ", "interface ", "enum ", "namespace "].iter().any(|kind| text.contains(kind));
                let is_public = text.starts_with("export ") && !text.starts_with("export {");
                self.has_members = is_public && is_type && opens;
                is_public
            }
        }
    }

    fn is_member(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let (Style::Cpp, 1) = (self.style, indent) {
            self.has_members = text.starts_with("public");
            return false;
        }
        // A union of C has its members one level below.
        let is_deep = indent > 2 && !matches!(self.style, Style::C);
        !is_deep && !text.starts_with("private ")
    }
}

/// A macro that stands for something; that of an include guard doesn't.
fn is_macro(text: &str) -> bool {
    text.starts_with("#define") && text.split_whitespace().count() > 2
}

fn declares_zig(text: &str) -> bool {
    // What operators are to the SDK alone.
    if text.starts_with("pub const spec:") || text.starts_with("pub const tidemill_kind ") {
        return false;
    }
    let is_field = text.split_once(": ").is_some_and(|(name, rest)| {
        rest.ends_with(',') && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    });
    text.starts_with("pub ") || is_field
}

/// How many public names there are, and the lines of those without a doc comment.
fn read(style: Style, source: &str) -> (usize, Vec<String>) {
    let mut scan = Scan { style, has_members: false, before: String::new() };
    let (mut count, mut gaps) = (0, Vec::new());
    let (mut is_told, mut in_comment) = (false, false);
    for line in source.lines() {
        let text = line.trim();
        if in_comment || text.starts_with("/*") {
            is_told = if in_comment { is_told } else { text.starts_with("/**") };
            in_comment = !text.contains("*/");
        } else if text.starts_with("//") {
            is_told = text.starts_with("///");
        } else if text.starts_with("template ") {
            // What it is a template of stands in the next line.
        } else {
            if scan.declares(line) {
                count += 1;
                let is_missing = !is_told && !text.contains("/**< ");
                gaps.extend(is_missing.then(|| text.to_owned()));
            }
            is_told = false;
            scan.before = line.trim_end().to_owned();
        }
    }
    (count, gaps)
}

/// All sources of an SDK: their style, and how many public names there are at least.
fn check(style: Style, least: usize, files: &[&str]) {
    let (mut count, mut gaps) = (0, Vec::new());
    for file in files {
        let source = std::fs::read_to_string(repository().join("plugins").join(file)).unwrap();
        let (found, missing) = read(style, &source);
        count += found;
        gaps.extend(missing.into_iter().map(|line| format!("{file}: {line}")));
    }
    assert!(gaps.is_empty(), "without a doc comment:\n{}", gaps.join("\n"));
    assert!(count >= least, "{count} names were looked at");
}

#[test]
fn every_public_name_in_c_and_cpp_is_documented() {
    check(Style::C, 120, &["c/include/tidemill.h", "c/include/tidemill_testing.h"]);
    let headers = ["config", "keyed", "rows", "say", "transform", "values"];
    let headers = headers.map(|name| format!("cpp/include/tidemill/{name}.hpp"));
    let headers: Vec<_> =
        std::iter::once("cpp/include/tidemill.hpp").chain(headers.iter().map(String::as_str)).collect();
    check(Style::Cpp, 50, &headers);
}

#[test]
fn every_public_name_in_zig_is_documented() {
    check(Style::Zig, 60, &["zig/src/tidemill.zig", "zig/src/rows.zig", "zig/src/operators.zig"]);
}

#[test]
fn every_public_name_in_assemblyscript_and_the_types_of_javascript_is_documented() {
    let modules = [
        "abi",
        "aggregate",
        "cogroup",
        "config",
        "inverse",
        "migrate",
        "reduce",
        "row",
        "say",
        "schema",
        "state",
        "testing",
        "transform",
    ];
    let modules = modules.map(|name| format!("assemblyscript/lib/tidemill/{name}.ts"));
    check(Style::Script, 110, &modules.each_ref().map(String::as_str));
    check(Style::Script, 90, &["js/index.d.ts", "js/testing.d.ts"]);
}

#[test]
fn names_without_a_doc_comment_are_found() {
    let c = "#define GUARD\n/** Told. */\ntypedef struct {\n  int a; /**< told */\n  int b;\n} td_x;\nvoid td_f(int a,\n    int b);\n/* no. */\n#define TD_Y(x) x \\\n  more\n";
    assert_eq!(read(Style::C, c), (5, texts(&["int b;", "void td_f(int a,", "#define TD_Y(x) x \\"])));
    let cpp = "namespace tidemill {\n/// Told.\ntemplate <class T>\nclass A {\n public:\n  int b() {\n    return 1;\n  }\n private:\n  int c;\n};\ntemplate <>\nstruct A<int> {\n  int d;\n};\ntemplate <auto f>\nint g() {\n  return 2;\n}\n}\n";
    assert_eq!(read(Style::Cpp, cpp), (3, texts(&["int b() {", "int g() {"])));
    let zig = "/// Told.\npub const A = struct {\n    field: i64 = 0,\n    pub fn f() void {}\n};\nconst hidden = .{ .x = 1, };\n";
    assert_eq!(read(Style::Zig, zig), (3, texts(&["field: i64 = 0,", "pub fn f() void {}"])));
    let script = "/**\n * Told.\n */\nexport class A {\n  b: i32 = 0;\n  private c: i32 = 0;\n  /** Told. */\n  d(): void {\n    e();\n  }\n}\nclass F {\n  g: i32 = 0;\n}\nexport function h(\n  i: i32,\n): void {}\n";
    assert_eq!(read(Style::Script, script), (4, texts(&["b: i32 = 0;", "export function h("])));
}

fn texts(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

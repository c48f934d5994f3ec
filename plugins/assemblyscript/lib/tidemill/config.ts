// Configs: what a manifest gives a plugin, as JSON, checked against the options that it declares.

import { failCall } from "./say";

class Option {
  constructor(public name: string, public type: i32, public isRequired: bool) {}
  text: string = "";
  number: f64 = 0;
  int: i64 = 0;
  bool: bool = false;
}

const KINDS: string[] = ["string", "integer", "number", "boolean"];
const options: Option[] = [];

function declare_(name: string, type: i32): Option {
  const option = new Option(name, type, false);
  options.push(option);
  return option;
}

/** Declares an option of the manifest's `config` that is a text, with its default. */
export function textOption(name: string, otherwise: string): void {
  declare_(name, 0).text = otherwise;
}
/** Declares an option of the manifest's `config` that is a whole number, with its default. */
export function intOption(name: string, otherwise: i64): void {
  declare_(name, 1).int = otherwise;
}
/** Declares an option of the manifest's `config` that is a number, with its default. */
export function floatOption(name: string, otherwise: f64): void {
  declare_(name, 2).number = otherwise;
}
/** Declares an option of the manifest's `config` that is true or false, with its default. */
export function boolOption(name: string, otherwise: bool): void {
  declare_(name, 3).bool = otherwise;
}

/** Says of an option that is declared that the manifest has to give it. */
export function requireOption(name: string): void {
  find(name).isRequired = true;
}

function find(name: string): Option {
  for (let i = 0; i < options.length; i++) if (options[i].name == name) return options[i];
  throw new Error(`the plugin asks for the option \`${name}\`, which it doesn't declare`);
}

/** What the option `name` is, which is declared by `textOption`. */
export function configText(name: string): string {
  return find(name).text;
}
/** What the option `name` is, which is declared by `intOption`. */
export function configInt(name: string): i64 {
  return find(name).int;
}
/** What the option `name` is, which is declared by `floatOption`. */
export function configFloat(name: string): f64 {
  return find(name).number;
}
/** What the option `name` is, which is declared by `boolOption`. */
export function configBool(name: string): bool {
  return find(name).bool;
}

class Reader {
  at: i32 = 0;
  failed: bool = false;
  constructor(private text: string) {}

  skip(): i32 {
    while (this.at < this.text.length && this.text.charCodeAt(this.at) <= 32) this.at++;
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : 0;
  }

  take(code: i32): bool {
    if (this.skip() != code) return false;
    this.at++;
    return true;
  }

  /** The string at the place, whose quote comes next. */
  string(): string {
    let out = "";
    for (this.at++; this.at < this.text.length; this.at++) {
      let code = this.text.charCodeAt(this.at);
      if (code == 34) {
        this.at++;
        return out;
      }
      if (code == 92) {
        code = this.text.charCodeAt(++this.at);
        if (code == 117) {
          code = <i32>parseInt(this.text.substring(this.at + 1, this.at + 5), 16);
          this.at += 4;
        } else {
          const found = "bfnrt".indexOf(String.fromCharCode(code));
          if (found >= 0) code = "\b\f\n\r\t".charCodeAt(found);
        }
      }
      out += String.fromCharCode(code);
    }
    this.failed = true;
    return out;
  }

  /** Past a value of any kind. */
  past(): string {
    this.skip();
    const start = this.at;
    let depth = 0;
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code == 34) {
        this.string();
        if (depth == 0) break;
        continue;
      }
      if (depth == 0 && (code == 44 || code == 125 || code == 93)) break;
      if (code == 123 || code == 91) depth++;
      if (code == 125 || code == 93) depth--;
      this.at++;
      if (depth == 0 && (code == 125 || code == 93)) break;
    }
    return this.text.substring(start, this.at).trim();
  }
}

function isNumber(text: string): bool {
  const first = text.charCodeAt(0);
  return first == 45 || (first >= 48 && first <= 57);
}

function assign(option: Option, text: string): bool {
  option.isRequired = false;
  if (option.type == 0 && text.startsWith('"')) {
    option.text = new Reader(text).string();
    return true;
  }
  if (option.type == 1 && isNumber(text) && text.indexOf(".") < 0 && text.indexOf("e") < 0) {
    option.int = I64.parseInt(text);
    return true;
  }
  if (option.type == 2 && isNumber(text)) {
    option.number = parseFloat(text);
    return true;
  }
  if (option.type == 3 && (text == "true" || text == "false")) {
    option.bool = text == "true";
    return true;
  }
  return failCall(`config: \`${option.name}\` is ${text}, but ${KINDS[option.type]} is wanted`);
}

/** Reads what the manifest says; not for plugins. */
export function readConfig(text: string): bool {
  const reader = new Reader(text);
  if (reader.take(123)) {
    while (reader.skip() == 34) {
      const name = reader.string();
      if (!reader.take(58)) return failCall("config: not JSON");
      const value = reader.past();
      let found: Option | null = null;
      let names = "";
      for (let i = 0; i < options.length; i++) {
        if (options[i].name == name) found = options[i];
        names += (i ? ", " : "") + "`" + options[i].name + "`";
      }
      if (options.length == 0) return failCall("config: this plugin takes none");
      if (found === null) {
        return failCall(`config: unknown field \`${name}\`, expected ${options.length > 1 ? "one of " : ""}${names}`);
      }
      if (!assign(found, value)) return false;
      reader.take(44);
    }
    if (!reader.take(125) || reader.failed) return failCall("config: not JSON");
  } else if (text.trim() != "null") {
    return failCall(`config: a table is wanted, not ${text}`);
  }
  for (let i = 0; i < options.length; i++) {
    if (options[i].isRequired) return failCall(`config: missing field \`${options[i].name}\``);
  }
  return true;
}

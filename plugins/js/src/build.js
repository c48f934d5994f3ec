// From a module to a component: bundles it, finds out what it exports, and calls componentize-qjs.
//
//   node build.js plugin.js --output plugin.wasm --wit DIR --tools DIR
//
// `tidemill build` calls it, and puts right what it must leave: see `writeWit`.
// `--tools` is the folder with node_modules that has esbuild and componentize-qjs.

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const SDK = dirname(fileURLToPath(import.meta.url));
const NAMES = { 'update-state': 'updateState', 'migrate-state': 'migrateState' };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string' }, wit: { type: 'string' }, tools: { type: 'string' } },
});
const source = resolve(positionals[0]);
const require = createRequire(join(resolve(options.tools), 'package.json'));
const esbuild = require('esbuild');
const work = mkdtempSync(join(tmpdir(), 'tidemill-'));

try {
  await build();
} catch (error) {
  // What esbuild finds wrong it has printed by itself.
  console.error(error.errors ? `${basename(source)} can't be bundled` : error.message);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function build() {
  const kinds = await exportedKinds();
  const names = kinds.map((kind) => NAMES[kind] ?? kind);
  const entry = `import * as module from ${JSON.stringify(source)};
import { install } from ${JSON.stringify(join(SDK, 'guest.js'))};
export const { ${names.join(', ')} } = install(module);
`;
  const bundle = join(work, 'bundle.js');
  await bundled({ stdin: { contents: entry, resolveDir: dirname(source) }, outfile: bundle, sourcemap: 'external' });
  const table = lineTable(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')), dirname(bundle));
  writeFileSync(bundle, `${readFileSync(bundle, 'utf8')}\nglobalThis.tidemillLines = ${JSON.stringify(table)};\n`);
  cpSync(resolve(options.wit), join(work, 'wit'), { recursive: true });
  writeWit(join(work, 'wit'));
  const exports = kinds.map((kind) => `  export ${kind};\n`).join('');
  const world = `package tidemill:plugin@0.1.0;\n\nworld plugin {\n  import host;\n${exports}}\n`;
  writeFileSync(join(work, 'wit', 'plugin.wit'), world);
  const built = join(work, 'plugin.wasm');
  const cli = join(dirname(require.resolve('componentize-qjs')), 'cli.mjs');
  const paths = ['--wit', join(work, 'wit'), '--js', bundle, '--output', built];
  try {
    execFileSync(process.execPath, [cli, ...paths, '--world', 'plugin', '--sync'], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`componentize-qjs failed:\n${error.stdout ?? ''}${error.stderr ?? error.message}`.trim());
  }
  // Whole or not at all: a host may be watching.
  const aside = join(dirname(resolve(options.output)), `.${basename(options.output)}.new`);
  copyFileSync(built, aside);
  renameSync(aside, resolve(options.output));
}

/**
 * Gives what comes in types of its own, in which 64-bit numbers are pairs of 32 bits: the engine makes doubles of the
 * former, and both lie in memory alike. Who calls this puts the types of the component right. What goes out needs
 * none of it.
 */
function writeWit(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, name === 'types.wit' ? withGivenTypes(text) : withGivenArguments(text));
  }
}

function withGivenTypes(text) {
  const copies = ['values', 'column', 'batch'].map((type) => {
    const [found] = new RegExp(`(variant|record) ${type} \\{[^}]*\\}`).exec(text);
    return found
      .replace(` ${type} {`, ` given-${type} {`)
      .replace('list<s64>', 'list<tuple<u32, u32>>')
      .replace('timestamp(list<s64>)', 'timestamp(list<tuple<u32, u32>>)')
      .replace('values: values', 'values: given-values')
      .replace('list<column>', 'list<given-column>');
  });
  return text.replace(/\}\s*$/, `${copies.join('\n')}\n}\n`);
}

function withGivenArguments(text) {
  const given = (part) => part.replaceAll(': batch', ': given-batch');
  return text
    .replace(/func\([^)]*\)/g, given)
    .replace(/record input \{[^}]*\}/g, given)
    .replace(/use types\.\{([^}]*)\bbatch\b/g, 'use types.{$1batch, given-batch');
}

function bundled(more) {
  return esbuild.build({
    bundle: true,
    format: 'esm',
    target: 'es2023',
    logLevel: 'error',
    keepNames: false,
    alias: { 'tidemill-plugin': join(SDK, 'index.js') },
    external: ['tidemill:*'],
    ...more,
  });
}

/** What the module exports, by running it here. */
async function exportedKinds() {
  const path = join(work, 'probe.mjs');
  const contents = `import * as module from ${JSON.stringify(source)};
import { operatorsOf } from ${JSON.stringify(join(SDK, 'operators.js'))};
export const kinds = [...operatorsOf(module).keys()];
`;
  await bundled({ stdin: { contents, resolveDir: dirname(source) }, outfile: path });
  return (await import(pathToFileURL(path).href)).kinds;
}

/** For each line of the bundle, the file and line it comes from: `[-1]` for lines of the SDK. */
function lineTable(map, folder) {
  const own = map.sources.map((path) => {
    const file = resolve(folder, path);
    return file.startsWith(SDK) ? undefined : relative(dirname(source), file);
  });
  const files = own.filter((file) => file !== undefined);
  let [file, line] = [0, 0];
  const lines = map.mappings.split(';').map((segments) => {
    let first;
    for (const segment of segments.split(',').filter(Boolean)) {
      const [, toFile = 0, toLine = 0] = numbers(segment);
      file += toFile;
      line += toLine;
      first ??= own[file] === undefined ? [-1] : [files.indexOf(own[file]), line + 1];
    }
    return first ?? [-1];
  });
  return { files, lines };
}

/** The numbers of a segment of a source map: base64, five bits a digit, the sign in the lowest. */
function numbers(segment) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const found = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = digits.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit < 32) {
      found.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return found;
}

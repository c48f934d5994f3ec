// asc, with the SDK as its library and a text as its entry.

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const own = dirname(fileURLToPath(import.meta.url));
const ENTRY = 'tidemill-entry.ts';

/** The module that `entry` makes, by the asc in the folder `tools`; ends the program where it can't be compiled. */
export async function compile(tools, entry, options) {
  const compiler = join(resolve(tools), 'node_modules/assemblyscript/dist/asc.js');
  const { default: asc } = await import(pathToFileURL(compiler));
  let module;
  const given = [
    ENTRY, '--outFile', 'plugin.wasm', '--lib', join(own, 'lib'), '--exportStart', '_initialize',
    '--use', 'abort=~lib/tidemill/say/tidemillAbort', '--stackSize', '262144', ...options,
  ];
  const { error, stderr } = await asc.main(given, {
    readFile(name, folder) {
      if (name === ENTRY) return entry;
      try {
        return readFileSync(resolve(folder, name), 'utf8');
      } catch {
        return null;
      }
    },
    writeFile(_, content) {
      module = content;
    },
  });
  if (error) {
    console.error(stderr.toString() || String(error));
    process.exit(1);
  }
  return module;
}

/** The hook that gives exports their names. */
export const EXPORTS = join(own, 'exports.mjs');

// Builds plugin.ts, in AssemblyScript, to a core module: node build.mjs plugin.ts --tools FOLDER --output FILE
//
// asc exports what the entry exports. So the entry is written here: the plugin, and the functions of the operators whose
// modules it imports, which `exports.mjs` gives the names that the host looks for.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { EXPORTS, compile } from './compile.mjs';
import { FUNCTIONS } from './exports.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tools: { type: 'string' }, output: { type: 'string' } },
});
const [plugin] = positionals;
const source = readFileSync(plugin, 'utf8');
const kinds = Object.keys(FUNCTIONS).filter((kind) => new RegExp(`from\\s+["']tidemill/${kind}["']`).test(source));
const entry = [
  `import './${plugin.replace(/\.ts$/, '')}';`,
  "export { realloc, endCall } from 'tidemill/abi';",
  ...kinds.map((kind) => `export { ${Object.keys(FUNCTIONS[kind].names).join(', ')} } from 'tidemill/${kind}';`),
].join('\n');
writeFileSync(values.output, await compile(values.tools, entry, ['-O3', '--transform', EXPORTS]));

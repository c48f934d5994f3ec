// Runs the functions that a test in AssemblyScript exports: node test.mjs plugin.test.ts [--tools FOLDER]
//
// Each is a test; one that throws fails. They run in WebAssembly, as the plugin does.

import { parseArgs } from 'node:util';
import { compile } from './compile.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tools: { type: 'string', default: '.' } },
});
const entry = `export * from './${positionals[0].replace(/\.ts$/, '')}';`;
const module = await compile(values.tools, entry, ['--debug']);

let said = '';
const host = {
  log(level, text, size) {
    said = new TextDecoder().decode(new Uint8Array(exports.memory.buffer, text, size));
    if (level < 4) console.log(said);
  },
  count() {},
};
const { instance: { exports } } = await WebAssembly.instantiate(module, { 'tidemill:plugin/host@0.1.0': host });
exports._initialize();
let numFailed = 0, numTests = 0;
for (const [name, test] of Object.entries(exports)) {
  if (typeof test !== 'function' || name === '_initialize') continue;
  numTests += 1;
  try {
    test();
    console.log(`ok      ${name}`);
  } catch {
    numFailed += 1;
    console.log(`failed  ${name}: ${said}`);
  }
}
if (numTests === 0) console.log('there is no test; export functions');
process.exit(numFailed > 0 || numTests === 0 ? 1 : 0);

// Write Tidemill operators as JavaScript functions; ../README.md has the whole of it on a screen.

export { aggregate } from './aggregate.js';
export { cogroup } from './cogroup.js';
export { buildColumn, readColumn } from './columns.js';
export { Failure, Reject } from './errors.js';
export { count, log } from './host.js';
export { transform } from './operators.js';
export { reduce } from './reduce.js';
export { Schema } from './schema.js';
export { State, mapWithState, updateState } from './state.js';
export { filter, flatMap, map } from './transform.js';

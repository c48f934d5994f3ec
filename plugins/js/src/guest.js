// The plugin inside its component: what the host calls, and what it hears. Columns cross as they are.

import * as wit from 'tidemill:plugin/host@0.1.0';
import { explain } from './errors.js';
import { connect } from './host.js';
import { operatorsOf } from './operators.js';
import { Schema } from './schema.js';

/** The functions of each interface, for the operators that `module` exports. */
export function install(module) {
  const operators = operatorsOf(module);
  const answer = (kind, act) => {
    try {
      return act(operators.get(kind));
    } catch (error) {
      // What is thrown becomes the error of the call.
      throw explain(error, place);
    }
  };
  const open = (kind, act) => {
    // The runtime takes a u64 as a number only.
    connect({ log: wit.log, count: (name, delta) => wit.count(name, Number(delta)) });
    return answer(kind, act);
  };
  const schemas = (parts) => parts.map((fields) => new Schema(fields));
  return {
    transform: {
      open: (config, input) => open('transform', (operator) => operator.open(config, new Schema(input))),
      process: (input) =>
        answer('transform', (operator) => {
          const { batch, origins, rejects } = operator.process(take(input));
          return { batch: give(batch), origins: origins && indices(origins), rejects: rejects ?? [] };
        }),
    },
    reduce: {
      open: (config, value) => open('reduce', (operator) => operator.open(config, new Schema(value))),
      reduce: (ends, values) => answer('reduce', (operator) => give(operator.reduce(ends, take(values)))),
    },
    inverse: {
      subtract: (totals, ends, values) =>
        answer('inverse', (operator) => give(operator.subtract(take(totals), ends, take(values)))),
    },
    aggregate: {
      open: (config, value) => open('aggregate', (operator) => operator.open(config, new Schema(value))),
      accumulate: (ends, values) => answer('aggregate', (operator) => give(operator.accumulate(ends, take(values)))),
      merge: (ends, values) => answer('aggregate', (operator) => give(operator.merge(ends, take(values)))),
      finish: (values) => answer('aggregate', (operator) => give(operator.finish(take(values)))),
    },
    updateState: {
      open: (config, ...parts) => open('update-state', (operator) => operator.open(config, ...schemas(parts))),
      update: (input) =>
        answer('update-state', (operator) => {
          const [keys, values, states] = [take(input.keys), take(input.values), take(input.states)];
          const output = operator.update({ ...input, keys, values, states, now: BigInt(input.now) });
          const origins = indices(output.origins);
          return { states: give(output.states), kept: output.kept, batch: give(output.batch), origins };
        }),
    },
    migrateState: {
      migrate: (earlier, states) =>
        answer('migrate-state', (operator) => give(operator.migrate(new Schema(earlier), take(states)))),
    },
    cogroup: {
      open: (config, ...parts) => open('cogroup', (operator) => operator.open(config, ...schemas(parts))),
      process: (keys, leftEnds, left, rightEnds, right) =>
        answer('cogroup', (operator) => {
          const output = operator.process(take(keys), leftEnds, take(left), rightEnds, take(right));
          return { batch: give(output.batch), origins: indices(output.origins) };
        }),
    },
  };
}

function take({ rows, columns }) {
  return { rows, columns: columns.map(({ values, valid }) => ({ dataType: values.tag, values: taken(values), valid })) };
}

function taken({ tag, val }) {
  return isWide(tag) ? wide(val) : val;
}

function give({ rows, columns }) {
  return {
    rows,
    columns: columns.map(({ dataType, values, valid }) => ({ values: given(dataType, values), valid })),
  };
}

function given(tag, values) {
  if (tag !== 'utf8' && tag !== 'binary') return { tag, val: listed(values) };
  return { tag, val: { offsets: values.offsets, data: listed(values.data) } };
}

function indices(origins) {
  return listed(Uint32Array.from(origins));
}

/** An empty typed array has no place in memory that the host could take for one, an empty array has. */
function listed(values) {
  return values.length === 0 ? [] : values;
}

/** Whether a column's values come in as pairs of 32 bits. */
function isWide(tag) {
  return tag === 'int64' || tag === 'timestamp';
}

/** Whole numbers of pairs, the lower half first. */
function wide(pairs) {
  const halves = new Uint32Array(pairs.length * 2);
  for (let i = 0; i < pairs.length; i++) [halves[2 * i], halves[2 * i + 1]] = pairs[i];
  return new BigInt64Array(halves.buffer);
}

/** The line of the plugin's own source that a line of a stack is about, by the table that the build appends. */
function place(line) {
  const found = /([^\s(]*)\s*\(?[^()]*?:(\d+):\d+\)?\s*$/.exec(line);
  const { files, lines } = globalThis.tidemillLines ?? { files: [], lines: [] };
  const at = found && lines[Number(found[2]) - 1];
  if (!at || at[0] < 0) return undefined;
  const name = /at (\S+) \(/.exec(line);
  return `${files[at[0]]}:${at[1]}${name ? `, in ${name[1]}` : ''}`;
}

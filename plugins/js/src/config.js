// Configs: what a manifest gives a plugin, as JSON, checked against what it declares.
//
// A plugin declares `config: { most: 64, name: String }`: a value is a default and says the type, a constructor (String,
// Number, Boolean, Array, Object) says the type of what has to be given.

import { Failure } from './errors.js';

const NAMES = new Map([[String, 'string'], [Number, 'number'], [Boolean, 'boolean'], [Array, 'array'], [Object, 'object']]);

/** Reads a config. `null` stands for an empty table; where none is declared there must be nothing. */
export function parseConfig(text, declared) {
  let given;
  try {
    given = JSON.parse(text) ?? {};
  } catch (error) {
    throw new Failure(`config: not JSON: ${error.message}`);
  }
  if (kind(given) !== 'object') throw new Failure(`config: a table is wanted, not ${JSON.stringify(given)}`);
  const names = Object.keys(declared ?? {});
  for (const key of Object.keys(given)) {
    if (names.length === 0) throw new Failure('config: this plugin takes none');
    if (!names.includes(key)) {
      const known = names.map((name) => `\`${name}\``).join(', ');
      throw new Failure(`config: unknown field \`${key}\`, expected ${names.length > 1 ? 'one of ' : ''}${known}`);
    }
  }
  const config = {};
  for (const [name, wanted] of Object.entries(declared ?? {})) {
    const isRequired = typeof wanted === 'function';
    if (!(name in given)) {
      if (isRequired) throw new Failure(`config: missing field \`${name}\``);
      config[name] = wanted;
      continue;
    }
    const type = isRequired ? NAMES.get(wanted) : kind(wanted);
    // A default of null takes anything.
    if (wanted !== null && kind(given[name]) !== type) {
      throw new Failure(`config: \`${name}\` is ${JSON.stringify(given[name])}, but ${type} is wanted`);
    }
    config[name] = given[name];
  }
  return config;
}

function kind(value) {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

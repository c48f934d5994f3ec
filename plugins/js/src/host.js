// The host's log and metrics. Natively, lines go to the console and counts to `counts`.

/** What was counted natively, by name. */
export const counts = new Map();

const native = {
  log: (level, message) => console[level === 'trace' ? 'debug' : level](message),
  count: (name, delta) => counts.set(name, (counts.get(name) ?? 0n) + delta),
};

let host = native;

/**
 * Writes a line to the host's log; `console` does so as well.
 *
 * @param {'trace' | 'debug' | 'info' | 'warn' | 'error'} level
 * @param {string} message
 */
export function log(level, message) {
  host.log(level, String(message));
}

/**
 * Adds to the counter `name` of this operator in the host's metrics.
 *
 * @param {string} name
 * @param {bigint | number} delta
 */
export function count(name, delta = 1n) {
  host.count(name, BigInt(delta));
}

/** Lets another host hear, and gives the plugin a `console` where there is none. */
export function connect(to) {
  host = to;
  const say = (level) => (...parts) => log(level, parts.map(shown).join(' '));
  globalThis.console ??= {
    trace: say('trace'), debug: say('debug'), log: say('info'), info: say('info'), warn: say('warn'), error: say('error'),
  };
}

function shown(value) {
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner));
}

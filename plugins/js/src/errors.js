// What goes wrong in a plugin: rows it refuses, calls that fail, and how an exception is told in one line.

/**
 * Refuses a row, with the reason for whoever reads the dead letters. In operators that work on keys it fails the
 * key, whose rows of the batch go to the dead letters.
 */
export class Reject extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.name = 'Reject';
  }
}

/** Fails a call, or refuses config and columns. Its text is for people and needs no line. */
export class Failure extends Error {
  /** @param {string} problem */
  constructor(problem) {
    super(problem);
    this.name = 'Failure';
  }
}

/**
 * An exception as one line: its type and message, and the innermost line of the plugin's own code, where `places`
 * can tell it from a line of the stack.
 *
 * @param {unknown} error
 * @param {(line: string) => string | undefined} [places]
 */
export function explain(error, places = () => undefined) {
  if (error instanceof Failure || error instanceof Reject) return error.message;
  if (!(error instanceof Error)) return String(error);
  const text = error.message ? `${error.name}: ${error.message}` : error.name;
  for (const line of String(error.stack ?? '').split('\n')) {
    const place = places(line);
    if (place !== undefined) return `${text} (${place})`;
  }
  return text;
}

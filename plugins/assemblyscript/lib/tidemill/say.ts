// What a plugin says: refusals, errors of a call, lines of the log, counts.

// @ts-ignore: decorator
@external("tidemill:plugin/host@0.1.0", "log")
declare function hostLog(level: i32, text: usize, size: usize): void;

// @ts-ignore: decorator
@external("tidemill:plugin/host@0.1.0", "count")
declare function hostCount(name: usize, size: usize, delta: u64): void;

/** How much a line of the log matters. */
export enum Level {
  /** Each step. */
  trace,
  /** For who looks for a fault. */
  debug,
  /** What goes on. */
  info,
  /** What may be wrong; a call that fails tells the last of these. */
  warn,
  /** What is wrong. */
  error,
}

/** Writes a line to the host's log. */
export function log(level: Level, line: string): void {
  const bytes = String.UTF8.encode(line);
  hostLog(level, changetype<usize>(bytes), bytes.byteLength);
}

/** Adds `delta` to the counter `name` of this operator in the host's metrics. */
export function count(name: string, delta: u64 = 1): void {
  const bytes = String.UTF8.encode(name);
  hostCount(changetype<usize>(bytes), bytes.byteLength, delta);
}

let error: string | null = null;
let refusal: string | null = null;

/** Refuses the row that the function looks at, with the reason for whoever reads the dead letters. Of an operator on keys it fails
 * the key. The function should return afterwards; what it put out for the row is taken back. */
export function reject(reason: string): void {
  if (refusal === null) refusal = reason;
}

/** Sets the error of the call, unless there is one; answers false. */
export function failCall(problem: string): bool {
  if (error === null) error = problem;
  return false;
}

/** Whether the call has an error. */
export function hasError(): bool {
  return error !== null;
}

/** The error of the call, which then has none. */
export function takeError(): string {
  const text = error!;
  error = null;
  return text;
}

/** The reason of a refusal, null where there is none. */
export function takeRefusal(): string | null {
  const reason = refusal;
  refusal = null;
  return reason;
}

/** Turns a refusal into the error of the call; whether there is an error. */
export function refusalIsError(): bool {
  const reason = takeRefusal();
  if (reason !== null) failCall(reason);
  return hasError();
}

/** Begins a call. */
export function begin(): void {
  error = null;
  refusal = null;
}

/** What `throw` and failed checks end in: the host tells the last words of a call that traps. */
export function tidemillAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const name = file === null ? "" : file.split("/").pop();
  log(Level.error, `${name}:${line}: ${message === null ? "aborted" : message}`);
  unreachable();
}

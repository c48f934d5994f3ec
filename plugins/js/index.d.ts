/** Write Tidemill operators as JavaScript functions. */

export type DataType = 'boolean' | 'int64' | 'float64' | 'utf8' | 'binary' | 'timestamp';
/** A type, with a `?` where a row may have no value. */
export type Declared = DataType | `${DataType}?`;
/** Columns by name. */
export type Columns = Record<string, Declared>;

interface Values {
  boolean: boolean;
  int64: bigint;
  float64: number;
  utf8: string;
  binary: Uint8Array;
  /** Microseconds since 1970, UTC. */
  timestamp: bigint;
}
interface Taken extends Omit<Values, 'int64' | 'timestamp'> {
  int64: bigint | number;
  timestamp: bigint | number | Date;
}
type Cell<T, V> = T extends `${infer D}?` ? (D extends keyof V ? V[D] | null : never) : T extends keyof V ? V[T] : never;

/** A row that a function is given: an object with a member a column; or a plain value. */
export type Given<C> = C extends Declared ? Cell<C, Values> : { -readonly [K in keyof C]: Cell<C[K], Values> };
/** A row that a function answers. */
export type Answered<C> = C extends Declared
  ? Cell<C, Taken>
  : { -readonly [K in keyof C as C[K] extends `${string}?` ? never : K]: Cell<C[K], Taken> } & {
      -readonly [K in keyof C as C[K] extends `${string}?` ? K : never]?: Cell<C[K], Taken> | undefined;
    };

/** What a config may have: defaults, which say the type, or String, Number and so on for what has to be given. */
export type ConfigSpec = Record<string, unknown>;
type ConfigValue<T> = T extends StringConstructor ? string
  : T extends NumberConstructor ? number
  : T extends BooleanConstructor ? boolean
  : T extends ArrayConstructor ? unknown[]
  : T extends ObjectConstructor ? Record<string, unknown>
  : T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;
export type Config<S> = { [K in keyof S]: ConfigValue<S[K]> };

/** What a module exports to be a plugin. */
export interface Operator {
  readonly interfaces: string[];
}

type Rows<P> = Answered<P> | Iterable<Answered<P>> | null | undefined | void;

/** One row out for each row in. With `carry`, input columns stand before what is produced. */
export function map<const R extends Columns, const P extends Columns, S extends ConfigSpec = {}>(spec: {
  reads: R; produces: P; carry?: boolean; config?: S;
  each(row: Given<R>, config: Config<S>): Answered<P>;
}): Operator;

/** Any number of rows out for each row in. */
export function flatMap<const R extends Columns, const P extends Columns, S extends ConfigSpec = {}>(spec: {
  reads: R; produces: P; carry?: boolean; config?: S;
  each(row: Given<R>, config: Config<S>): Rows<P>;
}): Operator;

/** Keeps the rows for which `each` answers true. */
export function filter<const R extends Columns, S extends ConfigSpec = {}>(spec: {
  reads: R; config?: S;
  each(row: Given<R>, config: Config<S>): boolean;
}): Operator;

/** Combines two values of a key; `subtract` takes one out of a total again. */
export function reduce<const V extends Declared | Columns, S extends ConfigSpec = {}>(spec: {
  values: V; config?: S;
  combine(a: Given<V>, b: Given<V>, config: Config<S>): Answered<V>;
  subtract?(total: Given<V>, b: Given<V>, config: Config<S>): Answered<V>;
}): Operator;

/** Collects the values of a key in an accumulator. */
export function aggregate<
  const V extends Declared | Columns, const A extends Columns, const P extends Columns, S extends ConfigSpec = {},
>(spec: {
  values: V; accumulator: A; produces: P; config?: S;
  begin(config: Config<S>): Answered<A>;
  add(accumulator: Given<A>, value: Given<V>, config: Config<S>): Answered<A> | void;
  merge(accumulator: Given<A>, other: Given<A>, config: Config<S>): Answered<A> | void;
  finish(accumulator: Given<A>, config: Config<S>): Answered<P>;
}): Operator;

/** Answers the state of a key from its new values and its state; undefined removes it. */
export function updateState<
  const V extends Declared | Columns, const T extends Declared | Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
>(spec: {
  key?: K; values: V; state: T; config?: S;
  update(given: { key: Given<K>; values: Given<V>[]; state: Given<T> | undefined; now: bigint }, config: Config<S>):
    Answered<T> | null | undefined;
}): Operator;

/** What is kept of a key. After `remove`, and while timing out, changing it fails the call. */
export class State<T> {
  readonly isTimingOut: boolean;
  get(): T | undefined;
  exists(): boolean;
  update(value: T): void;
  remove(): void;
}

/** Called for each record of a key, and once without a value where the key timed out. */
export function mapWithState<
  const V extends Declared | Columns, const T extends Declared | Columns, const P extends Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
>(spec: {
  key?: K; value: V; state: T; produces: P; config?: S;
  each(given: { key: Given<K>; value: Given<V> | undefined; state: State<Given<T>>; now: bigint }, config: Config<S>):
    Rows<P>;
}): Operator;

/** Answers rows from the rows of a key in two streams. */
export function cogroup<
  const L extends Declared | Columns, const R extends Declared | Columns, const P extends Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
>(spec: {
  key?: K; left: L; right: R; produces: P; config?: S;
  each(given: { key: Given<K>; left: Given<L>[]; right: Given<R>[] }, config: Config<S>): Rows<P>;
}): Operator;

/** Refuses a row, with the reason for whoever reads the dead letters; in keyed operators it fails the key. */
export class Reject extends Error {
  constructor(reason: string);
}
/** Fails a call, or refuses config and columns, without a line. */
export class Failure extends Error {
  constructor(problem: string);
}

/** Writes a line to the host's log; `console` does so as well. */
export function log(level: 'trace' | 'debug' | 'info' | 'warn' | 'error', message: string): void;
/** Adds to a counter of this operator in the host's metrics. */
export function count(name: string, delta?: bigint | number): void;

export interface Field { name: string; dataType: DataType; nullable: boolean }
export interface Varlen { offsets: Uint32Array | number[]; data: Uint8Array }
export interface Column {
  dataType: DataType;
  values: Varlen | BigInt64Array | Float64Array | number[] | boolean[];
  valid?: boolean[] | null;
}
export interface Batch { rows: number; columns: Column[] }
export class Schema {
  constructor(fields: Field[]);
  static parse(text: string): Schema;
  readonly fields: Field[];
  want(name: string, dataType: DataType): number;
  allBut(replaced: Field[]): number[];
}
/** An operator on whole columns. */
export function transform(spec: {
  open(config: string, input: Schema): { reads: number[]; carries: number[]; produces: Field[] };
  process(input: Batch): { batch: Batch; origins?: ArrayLike<number>; rejects?: { row: number; reason: string }[] };
}): Operator;
export function readColumn(column: Column): unknown[];
export function buildColumn(field: Field, values: unknown[]): Column;

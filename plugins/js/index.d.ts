/**
 * Write Tidemill operators as JavaScript functions.
 *
 * A plugin is a module that exports what `map`, `reduce` and the like answer, one of each kind at most.
 *
 * ```js
 * import { flatMap } from 'tidemill-plugin';
 *
 * export const splitWords = flatMap({
 *   reads: { line: 'utf8' },
 *   produces: { word: 'utf8', n: 'int64' },
 *   *each({ line }) {
 *     for (const word of line.split(/\s+/).filter(Boolean)) yield { word, n: 1n };
 *   },
 * });
 * ```
 *
 * @packageDocumentation
 */

/**
 * The types that a column may have: `boolean`, `int64` (a bigint), `float64` (a number), `utf8` (a string), `binary` (a
 * Uint8Array), `timestamp` (a bigint, microseconds since 1970, UTC).
 */
export type DataType = 'boolean' | 'int64' | 'float64' | 'utf8' | 'binary' | 'timestamp';
/** A type, with a `?` behind it where there may be no value, which is null. */
export type Declared = DataType | `${DataType}?`;
/** Columns by name. */
export type Columns = Record<string, Declared>;

interface Values {
  boolean: boolean;
  int64: bigint;
  float64: number;
  utf8: string;
  binary: Uint8Array;
  timestamp: bigint;
}
interface Taken extends Omit<Values, 'int64' | 'timestamp'> {
  int64: bigint | number;
  timestamp: bigint | number | Date;
}
type Cell<T, V> = T extends `${infer D}?` ? (D extends keyof V ? V[D] | null : never) : T extends keyof V ? V[T] : never;

/** What a function is given for columns: an object with a member a column, or a plain value for one declared alone. */
export type Given<C> = C extends Declared ? Cell<C, Values> : { -readonly [K in keyof C]: Cell<C[K], Values> };
/**
 * What a function answers for columns: the same as `Given`, and also a number for an `int64`, a Date for a `timestamp`,
 * undefined for null.
 */
export type Answered<C> = C extends Declared
  ? Cell<C, Taken>
  : { -readonly [K in keyof C as C[K] extends `${string}?` ? never : K]: Cell<C[K], Taken> } & {
      -readonly [K in keyof C as C[K] extends `${string}?` ? K : never]?: Cell<C[K], Taken> | undefined;
    };
/** The rows that a function answers: one, any number, or none. */
export type Rows<C> = Answered<C> | Iterable<Answered<C>> | null | undefined | void;

/** The options of the manifest's `config`: a default, which says the type, or `String`, `Number` and so on for what has to be given. */
export type ConfigSpec = Record<string, unknown>;
type ConfigValue<T> = T extends StringConstructor ? string
  : T extends NumberConstructor ? number
  : T extends BooleanConstructor ? boolean
  : T extends ArrayConstructor ? unknown[]
  : T extends ObjectConstructor ? Record<string, unknown>
  : T extends string ? string : T extends number ? number : T extends boolean ? boolean : T;
/** The config as a function is given it: what the manifest says, with the defaults. */
export type Config<S> = { [K in keyof S]: ConfigValue<S[K]> };

/** What a module exports to be a plugin; `map` and the like answer one. */
export interface Operator {
  /** The interfaces of the contract that it has, as `wit/` names them. */
  readonly interfaces: string[];
}

/** What a `map` is made of. */
export interface MapSpec<R, P, S> {
  /** The input columns that `each` is given. */
  reads: R;
  /** The output columns that `each` answers. */
  produces: P;
  /** Whether input columns stand before what is produced, but for those of the same name. */
  carry?: boolean;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the row for a row. */
  each(row: Given<R>, config: Config<S>): Answered<P>;
}
/** One row out for each row in. */
export function map<const R extends Columns, const P extends Columns, S extends ConfigSpec = {}>(
  spec: MapSpec<R, P, S>,
): Operator;

/** What a `flatMap` is made of. */
export interface FlatMapSpec<R, P, S> {
  /** The input columns that `each` is given. */
  reads: R;
  /** The output columns that `each` answers. */
  produces: P;
  /** Whether input columns stand before what is produced, but for those of the same name. */
  carry?: boolean;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the rows for a row; what it yields before a `Reject` is taken back. */
  each(row: Given<R>, config: Config<S>): Rows<P>;
}
/** Any number of rows out for each row in. */
export function flatMap<const R extends Columns, const P extends Columns, S extends ConfigSpec = {}>(
  spec: FlatMapSpec<R, P, S>,
): Operator;

/** What a `filter` is made of. */
export interface FilterSpec<R, S> {
  /** The input columns that `each` is given. */
  reads: R;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers whether the row goes on. */
  each(row: Given<R>, config: Config<S>): boolean;
}
/** Keeps the rows for which `each` answers true, as they are. */
export function filter<const R extends Columns, S extends ConfigSpec = {}>(spec: FilterSpec<R, S>): Operator;

/** What a `reduce` is made of. */
export interface ReduceSpec<V, S> {
  /** The columns of the values; a type alone for one column of any name. */
  values: V;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers what two values are together. */
  combine(a: Given<V>, b: Given<V>, config: Config<S>): Answered<V>;
  /** Takes a value out of a total again, so that a window that slides costs what enters and leaves it. */
  subtract?(total: Given<V>, b: Given<V>, config: Config<S>): Answered<V>;
}
/** Combines two values of a key, plain ones or rows of the same columns; it has to be associative and commutative. */
export function reduce<const V extends Declared | Columns, S extends ConfigSpec = {}>(spec: ReduceSpec<V, S>): Operator;

/** What an `aggregate` is made of. */
export interface AggregateSpec<V, A, P, S> {
  /** The columns of the values; a type alone for one column of any name. */
  values: V;
  /** The columns of an accumulator. */
  accumulator: A;
  /** The output columns. */
  produces: P;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the accumulator of a key without values. */
  begin(config: Config<S>): Answered<A>;
  /** Takes a value into the accumulator: changes it, or answers another. */
  add(accumulator: Given<A>, value: Given<V>, config: Config<S>): Answered<A> | void;
  /** Takes what another one collected into the accumulator: changes it, or answers another. */
  merge(accumulator: Given<A>, other: Given<A>, config: Config<S>): Answered<A> | void;
  /** Answers the row that comes out. */
  finish(accumulator: Given<A>, config: Config<S>): Answered<P>;
}
/** Collects the values of a key in an accumulator, of which the row that comes out is made. */
export function aggregate<
  const V extends Declared | Columns, const A extends Columns, const P extends Columns, S extends ConfigSpec = {},
>(spec: AggregateSpec<V, A, P, S>): Operator;

/** How states that an earlier version of the plugin kept become states of this one. */
export interface Migration<F, T> {
  /** Exactly the columns that were kept; a type alone for one column of any name. */
  from: F;
  /** Answers the state; what it throws refuses the swap. */
  each(state: Given<F>): Answered<T>;
}

/** What an `updateState` is made of. */
export interface UpdateStateSpec<V, T, K, S, M extends readonly unknown[]> {
  /** The columns of the key; left out where `update` doesn't look at it. */
  key?: K;
  /** The columns of the values; a type alone for one column of any name. */
  values: V;
  /** The columns of the state; a type alone for one column, named `state`. */
  state: T;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the state of a key; `now` is the batch's time. */
  update(given: { key: Given<K>; values: Given<V>[]; state: Given<T> | undefined; now: bigint }, config: Config<S>):
    Answered<T> | null | undefined;
  /** Called for each state that is kept, when a running pipeline is swapped to this version and its state has other columns. */
  migrate?: { [I in keyof M]: Migration<M[I], T> };
}
/** Called for each key with its new values and its state; answers the state, undefined to forget the key. */
export function updateState<
  const V extends Declared | Columns, const T extends Declared | Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
  const M extends readonly (Declared | Columns)[] = [],
>(spec: UpdateStateSpec<V, T, K, S, M>): Operator;

/** What is kept of a key, in a `mapWithState` function, which leaves it as it is unless it says otherwise. */
export class State<T> {
  /** Whether the key had no data for too long: its state may not be changed, and is gone afterwards. */
  readonly isTimingOut: boolean;
  /** What it is, undefined where there is none. */
  get(): T | undefined;
  /** Whether there is one. */
  exists(): boolean;
  /** Makes it `value` from now on. */
  update(value: T): void;
  /** Forgets the key. */
  remove(): void;
}

/** What a `mapWithState` is made of. */
export interface MapWithStateSpec<V, T, P, K, S, M extends readonly unknown[]> {
  /** The columns of the key; left out where `each` doesn't look at it. */
  key?: K;
  /** The columns of the values; a type alone for one column of any name. */
  value: V;
  /** The columns of the state; a type alone for one column, named `state`. */
  state: T;
  /** The output columns. */
  produces: P;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the rows for a value; `now` is the batch's time. */
  each(given: { key: Given<K>; value: Given<V> | undefined; state: State<Given<T>>; now: bigint }, config: Config<S>):
    Rows<P>;
  /** Called for each state that is kept, when a running pipeline is swapped to this version and its state has other columns. */
  migrate?: { [I in keyof M]: Migration<M[I], T> };
}
/** Called for each value of a key, and once without a value where the key timed out. */
export function mapWithState<
  const V extends Declared | Columns, const T extends Declared | Columns, const P extends Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
  const M extends readonly (Declared | Columns)[] = [],
>(spec: MapWithStateSpec<V, T, P, K, S, M>): Operator;

/** What a `cogroup` is made of. */
export interface CogroupSpec<L, R, P, K, S> {
  /** The columns of the key; left out where `each` doesn't look at it. */
  key?: K;
  /** The columns of the one stream's values; a type alone for one column of any name. */
  left: L;
  /** The columns of the other stream's values; a type alone for one column of any name. */
  right: R;
  /** The output columns. */
  produces: P;
  /** The options of the manifest's `config`. */
  config?: S;
  /** Answers the rows for a key. */
  each(given: { key: Given<K>; left: Given<L>[]; right: Given<R>[] }, config: Config<S>): Rows<P>;
}
/** Called for each key with its rows of two streams, either of which may have none. */
export function cogroup<
  const L extends Declared | Columns, const R extends Declared | Columns, const P extends Columns,
  const K extends Declared | Columns = {}, S extends ConfigSpec = {},
>(spec: CogroupSpec<L, R, P, K, S>): Operator;

/**
 * Refuses the row that the function looks at, with the reason for whoever reads the dead letters. Of an operator on keys it
 * fails the key. What was put out for the row is taken back.
 */
export class Reject extends Error {
  /** `throw new Reject('no amount')` */
  constructor(reason: string);
}
/** Fails the call, or refuses config and columns. Its text is told as it is; whatever else is thrown is told with its line. */
export class Failure extends Error {
  /** `throw new Failure('there are no prices')` */
  constructor(problem: string);
}

/** How much a line of the log matters. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
/** Writes a line to the host's log; `console` does so as well. */
export function log(level: Level, message: string): void;
/** Adds `delta`, or 1, to the counter `name` of this operator in the host's metrics. */
export function count(name: string, delta?: bigint | number): void;

/** A column of a schema. */
export interface Field {
  /** Its name, unique in a schema. */
  name: string;
  /** Its type. */
  dataType: DataType;
  /** Whether a row may have no value there. */
  nullable: boolean;
}
/** Texts, as UTF-8, or bytes, one after the other: value i is what stands in `data` from `offsets[i]` to `offsets[i + 1]`. */
export interface Varlen {
  /** One entry more than there are values. */
  offsets: Uint32Array | number[];
  /** The bytes of all values. */
  data: Uint8Array;
}
/** The values of a column of a batch. */
export interface Column {
  /** The type of the values. */
  dataType: DataType;
  /** The values, one a row; where there is none, something stands there that means nothing. */
  values: Varlen | BigInt64Array | Float64Array | number[] | boolean[];
  /** A flag a row, false where there is no value; left out where no value is missing. */
  valid?: boolean[] | null;
}
/** Rows, column by column. */
export interface Batch {
  /** How many there are. */
  rows: number;
  /** The columns, in the order of the schema. */
  columns: Column[];
}
/** The columns of a stream, in order. */
export class Schema {
  /** A schema of these columns, whose names are unique. */
  constructor(fields: Field[]);
  /** A schema as the command line has it: `word: utf8, n: int64?`. */
  static parse(text: string): Schema;
  /** The columns. */
  readonly fields: Field[];
  /** Where the column `name` stands, which must be of this type. */
  want(name: string, dataType: DataType): number;
  /** The indices of all columns but those that one of `replaced` names, for `carries` of a plan. */
  allBut(replaced: Field[]): number[];
}
/** What a transform does with the columns of its input. */
export interface Plan {
  /** The input columns that `process` is given, by index. */
  reads: number[];
  /** The input columns that stand in the output before what is produced, by index. */
  carries: number[];
  /** The columns that `process` answers. */
  produces: Field[];
}
/** What became of a batch. */
export interface Output {
  /** The rows that come out. */
  batch: Batch;
  /** The input row that each comes from; without, output row i comes from input row i. */
  origins?: ArrayLike<number>;
  /** The input rows that are refused, each with its reason. */
  rejects?: { row: number; reason: string }[];
}
/** What a `transform` is made of. */
export interface TransformSpec {
  /** Called once, before anything else, with the config as JSON and the columns of the stream. */
  open(config: string, input: Schema): Plan;
  /** Called for each block of rows, with the columns of `reads` in that order. */
  process(input: Batch): Output;
}
/** A transform on whole columns: any number of rows out for each row in. */
export function transform(spec: TransformSpec): Operator;
/** The values of a column, null where there is none. */
export function readColumn(column: Column): unknown[];
/** The column of `field` that holds these values, where null and undefined are none. */
export function buildColumn(field: Field, values: unknown[]): Column;

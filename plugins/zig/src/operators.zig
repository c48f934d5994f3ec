//! Operators: a function of the plugin's, and what the runtime calls instead of it. Each is a type with the runtime's
//! `spec`; `root.zig` exports what `plugin.zig` declares.

const std = @import("std");
const rows = @import("rows.zig");
const runtime = @import("runtime.zig");

const Value = runtime.Value;

/// What may stand behind the function of a `Map` or `FlatMap`.
pub const Options = struct {
    /// Whether input columns stand before what is produced, but for those of the same name.
    carry: bool = false,
};

fn Parameter(comptime f: anytype, comptime index: usize) type {
    return @typeInfo(@TypeOf(f)).@"fn".param_types[index].?;
}

/// What a function answers, without its errors.
fn Answer(comptime f: anytype) type {
    const Returned = @typeInfo(@TypeOf(f)).@"fn".return_type.?;
    return if (@typeInfo(Returned) == .error_union) @typeInfo(Returned).error_union.payload else Returned;
}

fn Pointee(comptime T: type) type {
    return @typeInfo(T).pointer.child;
}

/// What a function answered; none where it refused. Any other error fails the call.
fn checked(comptime T: type, answer: anytype) ?T {
    if (@typeInfo(@TypeOf(answer)) != .error_union) return answer;
    return answer catch |err| {
        if (err == error.Rejected) return null;
        const name = @errorName(err);
        runtime.td_fail_at("error", 0, "error.%.*s", @as(c_int, @intCast(name.len)), name.ptr);
    };
}

/// One row out for each row in: `fn (row: In) Row` or `!Row`.
pub fn Map(comptime f: anytype, comptime options: Options) type {
    return FlatMap(struct {
        fn each(in: Parameter(f, 0), out: *rows.Out(Answer(f))) !void {
            if (checked(Answer(f), f(in))) |row| out.emit(row) else return error.Rejected;
        }
    }.each, options);
}

/// Any number of rows out for each row in: `fn (row: In, out: *Out(Row)) !void`.
pub fn FlatMap(comptime f: anytype, comptime options: Options) type {
    const In = Parameter(f, 0);
    const OutType = Pointee(Parameter(f, 1));
    return struct {
        pub const tidemill_kind = .transform;
        pub const spec: runtime.Transform = .{
            .reads = rows.schemaOf(In),
            .produces = rows.schemaOf(OutType.RowType),
            .carry = options.carry,
            .each = each,
        };
        fn each(row: [*]const Value, to: *runtime.Out) callconv(.c) void {
            var out: OutType = .{ .out = to };
            _ = checked(void, f(rows.decode(In, row), &out));
        }
    };
}

/// Keeps the rows for which the function answers true, as they are: `fn (row: In) bool` or `!bool`.
pub fn Filter(comptime f: anytype) type {
    const In = Parameter(f, 0);
    return struct {
        pub const tidemill_kind = .transform;
        pub const spec: runtime.Transform = .{ .reads = rows.schemaOf(In), .keep = keep };
        fn keep(row: [*]const Value) callconv(.c) bool {
            return checked(bool, f(rows.decode(In, row))) orelse false;
        }
    };
}

/// Combines two values of a key; it has to be associative and commutative: `fn (a: T, b: T) T` or `!T`. `subtract`, `fn (total: T,
/// b: T) T` or `!T`, takes a value out of a total again, so that a window that slides costs what enters and leaves it; it may be
/// null.
pub fn Reduce(comptime f: anytype, comptime subtract: anytype) type {
    const T = Parameter(f, 0);
    const has_inverse = @TypeOf(subtract) != @TypeOf(null);
    return struct {
        pub const tidemill_kind = if (has_inverse) .reduce_with_inverse else .reduce;
        pub const spec: runtime.Reduce = .{
            .values = rows.schemaOf(T),
            .combine = calling(f),
            .subtract = if (has_inverse) calling(subtract) else null,
        };
        fn calling(comptime function: anytype) fn ([*]Value, [*]const Value) callconv(.c) void {
            return struct {
                fn call(total: [*]Value, value: [*]const Value) callconv(.c) void {
                    const answer = checked(T, function(rows.decode(T, total), rows.decode(T, value)));
                    if (answer) |sum| rows.encode(T, sum, total);
                }
            }.call;
        }
    };
}

/// Collects the values of a key in an accumulator, of which the row that comes out is made: a row with `fn add(*T, V) void`, `fn
/// merge(*T, T) void` and `fn finish(T) Row`, or with errors. It begins as `T{}`.
pub fn Aggregate(comptime T: type) type {
    const V = Parameter(T.add, 1);
    const Row = Answer(T.finish);
    return struct {
        pub const tidemill_kind = .aggregate;
        pub const spec: runtime.Aggregate = .{
            .values = rows.schemaOf(V),
            .accumulator = rows.schemaOf(T),
            .produces = rows.schemaOf(Row),
            .begin = begin,
            .add = add,
            .merge = merge,
            .finish = finish,
        };
        fn begin(total: [*]Value) callconv(.c) void {
            rows.encode(T, .{}, total);
        }
        fn add(values: [*]Value, value: [*]const Value) callconv(.c) void {
            var total = rows.decode(T, values);
            _ = checked(void, T.add(&total, rows.decode(V, value)));
            rows.encode(T, total, values);
        }
        fn merge(values: [*]Value, other: [*]const Value) callconv(.c) void {
            var total = rows.decode(T, values);
            _ = checked(void, T.merge(&total, rows.decode(T, other)));
            rows.encode(T, total, values);
        }
        fn finish(values: [*]const Value, row: [*]Value) callconv(.c) void {
            if (checked(Row, T.finish(rows.decode(T, values)))) |answer| rows.encode(Row, answer, row);
        }
    };
}

/// The key that a function is called for.
pub fn Key(comptime K: type) type {
    return struct {
        /// The type of the key.
        pub const KeyType = K;
        /// The key; void where it isn't looked at.
        value: K,
        /// The batch's time.
        now: rows.Timestamp = .{},
    };
}

/// What is kept of a key, in a function of `MapWithState`, which leaves it as it is unless it says otherwise. A test makes one as
/// it likes: `.{ .value = 3 }`.
pub fn State(comptime S: type) type {
    return struct {
        /// The type of the state.
        pub const StateType = S;
        const Self = @This();

        /// What it is, null where there is none.
        value: ?S = null,
        /// Whether the key had no data for too long: its state may not be changed, and is gone afterwards.
        is_timing_out: bool = false,
        /// The runtime's key; none in tests.
        key: ?*runtime.Key = null,

        /// What it is, null where there is none.
        pub fn get(self: *const Self) ?S {
            return self.value;
        }
        /// Makes it `value` from now on.
        pub fn update(self: *Self, value: S) void {
            self.value = value;
            const key = self.key orelse return;
            var values: [rows.widthOf(S) + 1]Value = undefined;
            rows.encode(S, value, &values);
            runtime.td_keep_row(key, &values, rows.widthOf(S));
        }
        /// Forgets the key.
        pub fn remove(self: *Self) void {
            self.value = null;
            if (self.key) |key| runtime.td_forget(key);
        }
    };
}

/// Called for each key with its new values and its state; answers the state, null to forget the key: `fn (key: Key(K), values:
/// []const V, state: ?S) !?S`.
pub fn UpdateState(comptime f: anytype) type {
    const K = Parameter(f, 0).KeyType;
    const V = Pointee(Parameter(f, 1));
    const S = @typeInfo(Parameter(f, 2)).optional.child;
    return struct {
        pub const tidemill_kind = .update;
        pub const spec: runtime.Update = .{
            .key = rows.keySchemaOf(K),
            .values = rows.schemaOf(V),
            .state = rows.schemaOf(S),
            .update = update,
        };
        fn update(key: *runtime.Key) callconv(.c) void {
            var state: State(S) = .{ .key = key };
            const before: ?S = if (key.state) |values| rows.decode(S, values) else null;
            const given: Key(K) = .{ .value = rows.decodeKey(K, key.key), .now = .{ .micros = key.now } };
            const answer = checked(?S, f(given, rows.decodeAll(V, key.values), before)) orelse return;
            if (answer) |after| state.update(after) else state.remove();
        }
    };
}

/// Called for each value of a key, and once without a value, with null, where the key timed out: `fn (key: Key(K), value: ?V, state:
/// *State(S), out: *Out(Row)) !void`.
pub fn MapWithState(comptime f: anytype) type {
    const K = Parameter(f, 0).KeyType;
    const V = @typeInfo(Parameter(f, 1)).optional.child;
    const S = Pointee(Parameter(f, 2)).StateType;
    const OutType = Pointee(Parameter(f, 3));
    return struct {
        pub const tidemill_kind = .update;
        pub const spec: runtime.Update = .{
            .key = rows.keySchemaOf(K),
            .values = rows.schemaOf(V),
            .state = rows.schemaOf(S),
            .produces = rows.schemaOf(OutType.RowType),
            .each = each,
        };
        fn each(key: *runtime.Key, to: *runtime.Out) callconv(.c) void {
            var out: OutType = .{ .out = to };
            var state: State(S) = .{ .key = key, .is_timing_out = key.is_timing_out };
            if (key.state) |values| state.value = rows.decode(S, values);
            const value: ?V = if (key.value) |values| rows.decode(V, values) else null;
            const given: Key(K) = .{ .value = rows.decodeKey(K, key.key), .now = .{ .micros = key.now } };
            _ = checked(void, f(given, value, &state, &out));
        }
    };
}

/// Takes over the states of earlier versions, beside one of the two above. `functions` is a tuple of `fn (earlier: T) S` or `!S`, each
/// of a state `T` that an earlier version kept, plain or a row of exactly the columns that were kept. Called for each state when a
/// running pipeline is swapped to this version and its state has other columns; an error refuses the swap.
pub fn MigrateState(comptime functions: anytype) type {
    return struct {
        pub const tidemill_kind = .migrate;
        pub const spec: runtime.Migrate = .{ .migrations = &migrations, .num_migrations = functions.len };
        const migrations: [functions.len]runtime.Migration = blk: {
            var all: [functions.len]runtime.Migration = undefined;
            for (0..functions.len) |i| all[i] = migration(functions[i]);
            break :blk all;
        };
        fn migration(comptime f: anytype) runtime.Migration {
            const Earlier = Parameter(f, 0);
            const S = Answer(f);
            const call = struct {
                fn each(earlier: [*]const Value, state: [*]Value) callconv(.c) void {
                    if (checked(S, f(rows.decode(Earlier, earlier)))) |answer| rows.encode(S, answer, state);
                }
            };
            return .{ .from = rows.schemaOf(Earlier), .each = call.each, .num_values = rows.widthOf(S) };
        }
    };
}

/// Called for each key with its rows of two streams, either of which may have none: `fn (key: K, left: []const L, right: []const R,
/// out: *Out(Row)) !void`.
pub fn Cogroup(comptime f: anytype) type {
    const K = Parameter(f, 0);
    const L = Pointee(Parameter(f, 1));
    const R = Pointee(Parameter(f, 2));
    const OutType = Pointee(Parameter(f, 3));
    return struct {
        pub const tidemill_kind = .cogroup;
        pub const spec: runtime.Cogroup = .{
            .key = rows.keySchemaOf(K),
            .left = rows.schemaOf(L),
            .right = rows.schemaOf(R),
            .produces = rows.schemaOf(OutType.RowType),
            .each = each,
        };
        fn each(pair: *const runtime.Pair, to: *runtime.Out) callconv(.c) void {
            var out: OutType = .{ .out = to };
            const key = rows.decodeKey(K, pair.key);
            _ = checked(void, f(key, rows.decodeAll(L, pair.left), rows.decodeAll(R, pair.right), &out));
        }
    };
}

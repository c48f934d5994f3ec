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

/// `fn (row: In) Row` or `!Row`: one row for each row.
pub fn Map(comptime f: anytype, comptime options: Options) type {
    return FlatMap(struct {
        fn each(in: Parameter(f, 0), out: *rows.Out(Answer(f))) !void {
            if (checked(Answer(f), f(in))) |row| out.emit(row) else return error.Rejected;
        }
    }.each, options);
}

/// `fn (row: In, out: *Out(Row)) !void`: any number of rows for each row.
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

/// `fn (row: In) bool` or `!bool`: whether the row goes on, as it is.
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

/// `fn (a: T, b: T) T` or `!T`, associative and commutative; `subtract` takes a value out again, and may be null.
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

/// A row with `fn add(*T, V) void`, `fn merge(*T, T) void` and `fn finish(T) Row`; it begins as `T{}`.
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

/// What a function is called for.
pub fn Key(comptime K: type) type {
    return struct {
        pub const KeyType = K;
        /// The key; void where it isn't looked at.
        value: K,
        /// The batch's time.
        now: rows.Timestamp = .{},
    };
}

/// What is kept of a key.
pub fn State(comptime S: type) type {
    return struct {
        pub const StateType = S;
        const Self = @This();

        value: ?S = null,
        is_timing_out: bool = false,
        key: ?*runtime.Key = null,

        /// What it is, where there is one.
        pub fn get(self: *const Self) ?S {
            return self.value;
        }
        /// Makes it `value` from now on. While the key times out it may not be changed: it is gone afterwards.
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

/// `fn (key: Key(K), values: []const V, state: ?S) !?S`: the state of a key from its new values; null forgets it.
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

/// `fn (key: Key(K), value: ?V, state: *State(S), out: *Out(Row)) !void`: each value, and once null for a key that timed out.
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

/// `fn (key: K, left: []const L, right: []const R, out: *Out(Row)) !void`: a key with its rows of two streams.
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

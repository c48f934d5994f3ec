//! Rows: structs whose fields are columns, or plain values of one column, and the way to what the runtime has.

const std = @import("std");
const builtin = @import("builtin");
const runtime = @import("runtime.zig");

const Value = runtime.Value;

/// Bytes of any kind; `[]const u8` is text.
pub const Bytes = struct {
    /// Where they are.
    bytes: []const u8,
};

/// Microseconds since 1970, UTC.
pub const Timestamp = struct {
    /// How many.
    micros: i64 = 0,
};

fn isRow(comptime T: type) bool {
    return @typeInfo(T) == .@"struct" and T != Bytes and T != Timestamp;
}

fn Inner(comptime T: type) type {
    return if (@typeInfo(T) == .optional) @typeInfo(T).optional.child else T;
}

fn typeOf(comptime T: type) runtime.Type {
    return switch (Inner(T)) {
        bool => .boolean,
        i64 => .int64,
        f64 => .float64,
        []const u8 => .utf8,
        Bytes => .binary,
        Timestamp => .timestamp,
        else => @compileError("no column is of type " ++ @typeName(T) ++
            "; take bool, i64, f64, []const u8, tidemill.Bytes or tidemill.Timestamp, with a `?` where there may be no value"),
    };
}

/// The columns as the runtime has them declared: `word: utf8, n: int64?`, or a type alone.
pub fn schemaOf(comptime T: type) [:0]const u8 {
    comptime {
        if (!isRow(T)) return @tagName(typeOf(T)) ++ if (@typeInfo(T) == .optional) "?" else "";
        var text: [:0]const u8 = "";
        const info = @typeInfo(T).@"struct";
        for (info.field_names, info.field_types, 0..) |name, Field, i| {
            text = text ++ (if (i > 0) ", " else "") ++ name ++ ": " ++ schemaOf(Field);
        }
        return text;
    }
}

/// The same for a key, which may be void.
pub fn keySchemaOf(comptime T: type) ?[*:0]const u8 {
    return if (T == void) null else schemaOf(T);
}

/// How many columns a row has.
pub fn widthOf(comptime T: type) usize {
    return comptime if (isRow(T)) @typeInfo(T).@"struct".field_names.len else 1;
}

fn valueFrom(comptime T: type, value: Value) T {
    if (@typeInfo(T) == .optional) return if (value.is_null) null else valueFrom(Inner(T), value);
    return switch (T) {
        bool => value.of.boolean,
        i64 => value.of.int64,
        f64 => value.of.float64,
        []const u8 => value.of.bytes.data[0..value.of.bytes.size],
        Bytes => .{ .bytes = value.of.bytes.data[0..value.of.bytes.size] },
        Timestamp => .{ .micros = value.of.int64 },
        else => unreachable,
    };
}

fn valueTo(comptime T: type, value: T) Value {
    if (@typeInfo(T) == .optional) return if (value) |inner| valueTo(Inner(T), inner) else .{ .is_null = true };
    const kind = comptime typeOf(T);
    return .{ .type = kind, .of = switch (T) {
        bool => .{ .boolean = value },
        i64 => .{ .int64 = value },
        f64 => .{ .float64 = value },
        []const u8 => .{ .bytes = .{ .data = value.ptr, .size = value.len } },
        Bytes => .{ .bytes = .{ .data = value.bytes.ptr, .size = value.bytes.len } },
        Timestamp => .{ .int64 = value.micros },
        else => unreachable,
    } };
}

/// A row of the runtime's values.
pub fn decode(comptime T: type, values: [*]const Value) T {
    if (comptime !isRow(T)) return valueFrom(T, values[0]);
    var row: T = undefined;
    const info = @typeInfo(T).@"struct";
    inline for (info.field_names, info.field_types, 0..) |name, Field, i| @field(row, name) = valueFrom(Field, values[i]);
    return row;
}

/// The same for a key, which may be void.
pub fn decodeKey(comptime T: type, values: ?[*]const Value) T {
    return if (T == void) {} else decode(T, values.?);
}

/// All of the runtime's rows, until the call ends.
pub fn decodeAll(comptime T: type, from: runtime.Rows) []const T {
    const all = call_allocator.alloc(T, from.num_rows) catch @panic("out of memory");
    for (all, 0..) |*row, i| row.* = decode(T, from.values + i * from.num_columns);
    return all;
}

/// Writes a row to as many values as it has columns.
pub fn encode(comptime T: type, row: T, values: [*]Value) void {
    if (comptime !isRow(T)) {
        values[0] = valueTo(T, row);
    } else {
        const info = @typeInfo(T).@"struct";
        inline for (info.field_names, info.field_types, 0..) |name, Field, i| values[i] = valueTo(Field, @field(row, name));
    }
}

/// Rows that come out.
pub fn Out(comptime Row: type) type {
    return struct {
        /// The type of a row.
        pub const RowType = Row;
        const Self = @This();

        /// The runtime's rows; none in tests.
        out: if (builtin.is_test) void else *runtime.Out = undefined,
        /// In tests: the rows so far.
        rows: if (builtin.is_test) std.ArrayList(Row) else void = if (builtin.is_test) .empty else {},

        /// Puts out a row.
        pub fn emit(self: *Self, row: Row) void {
            if (builtin.is_test) {
                self.rows.append(std.heap.page_allocator, row) catch @panic("out of memory");
            } else {
                var values: [widthOf(Row) + 1]Value = undefined;
                encode(Row, row, &values);
                runtime.td_emit_row(self.out, &values, widthOf(Row));
            }
        }
    };
}

/// The runtime's memory of a call.
pub const call_allocator: std.mem.Allocator = .{
    .ptr = undefined,
    .vtable = &.{ .alloc = alloc, .resize = resize, .remap = remap, .free = free },
};

fn alloc(_: *anyopaque, size: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    // The runtime's memory is aligned for 64 bits.
    const most = alignment.toByteUnits();
    const at = @intFromPtr(runtime.td_alloc(size + if (most > 8) most else 0));
    return @ptrFromInt(std.mem.alignForward(usize, at, most));
}

fn resize(_: *anyopaque, memory: []u8, _: std.mem.Alignment, size: usize, _: usize) bool {
    return size <= memory.len;
}

fn remap(_: *anyopaque, memory: []u8, _: std.mem.Alignment, size: usize, _: usize) ?[*]u8 {
    return if (size <= memory.len) memory.ptr else null;
}

fn free(_: *anyopaque, _: []u8, _: std.mem.Alignment, _: usize) void {}

//! Tidemill plugins in Zig: functions of rows, made operators by public declarations of `plugin.zig`.
//!
//!     const Line = struct { line: []const u8 };
//!     const Word = struct { word: []const u8, n: i64 = 1 };
//!
//!     fn split(in: Line, out: *tidemill.Out(Word)) !void { … out.emit(.{ .word = word }); }
//!
//!     pub const split_words = tidemill.FlatMap(split, .{});
//!
//! A row is a struct whose fields are columns by their names: `bool`, `i64`, `f64`, `[]const u8` for text, `Bytes`,
//! `Timestamp`, each with a `?` where there may be no value. A plain value, such as an `i64`, stands for one column of any
//! name; `void` for a key that is not looked at. What a function is given is there until it returns; what it answers is
//! copied. `return tidemill.reject(…)` refuses a row or fails a key; any other error, `fail`, and a panic fail the call.

const std = @import("std");
const builtin = @import("builtin");

const rows = @import("rows.zig");
/// Not for plugins.
pub const runtime = @import("runtime.zig");
const operators = @import("operators.zig");

pub const Bytes = rows.Bytes;
pub const Timestamp = rows.Timestamp;
pub const Out = rows.Out;
pub const State = operators.State;
pub const Key = operators.Key;

pub const Map = operators.Map;
pub const FlatMap = operators.FlatMap;
pub const Filter = operators.Filter;
pub const Reduce = operators.Reduce;
pub const Aggregate = operators.Aggregate;
pub const UpdateState = operators.UpdateState;
pub const MapWithState = operators.MapWithState;
pub const Cogroup = operators.Cogroup;

/// The error of a row that is refused.
pub const Rejected = error{Rejected};

/// In tests: why the last row was refused.
pub var last_reason: []const u8 = "";

/// Memory until the call of the host ends; in tests, until the program does.
pub const allocator: std.mem.Allocator = if (builtin.is_test) std.heap.page_allocator else rows.call_allocator;

/// A text in that memory.
pub fn print(comptime format: []const u8, values: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, format, values) catch @panic("out of memory");
}

/// Refuses a row, or fails a key: `return tidemill.reject("no amount", .{})`.
pub fn reject(comptime format: []const u8, values: anytype) Rejected {
    const reason = print(format, values);
    if (builtin.is_test) last_reason = reason else runtime.td_reject("%.*s", @as(c_int, @intCast(reason.len)), reason.ptr);
    return error.Rejected;
}

/// Fails the call, with file and line: `tidemill.fail(@src(), "there are no prices", .{})`.
pub fn fail(comptime at: std.builtin.SourceLocation, comptime format: []const u8, values: anytype) noreturn {
    const problem = print(format, values);
    if (builtin.is_test) @panic(problem);
    runtime.td_fail_at(at.file.ptr, @intCast(at.line), "%.*s", @as(c_int, @intCast(problem.len)), problem.ptr);
}

pub const Level = enum(c_int) { trace, debug, info, warn, err };

/// Writes a line to the host's log.
pub fn log(level: Level, comptime format: []const u8, values: anytype) void {
    const line = print(format, values);
    if (builtin.is_test) return std.debug.print("{s}\n", .{line});
    runtime.td_log(@intFromEnum(level), "%.*s", @as(c_int, @intCast(line.len)), line.ptr);
}

/// Adds to a counter of this operator in the host's metrics.
pub fn count(name: [:0]const u8, delta: u64) void {
    if (!builtin.is_test) runtime.td_count(name.ptr, delta);
}

/// The plugin's config: `plugin.zig` declares `pub const Config`, a struct whose fields are options, with their defaults;
/// those without have to be given. In tests it is what the defaults say.
pub fn config(comptime Config: type) Config {
    var given: Config = undefined;
    const info = @typeInfo(Config).@"struct";
    inline for (info.field_names, info.field_types, info.field_attrs) |name, Field, attributes| {
        @field(given, name) = if (builtin.is_test)
            attributes.defaultValue(Field) orelse std.mem.zeroes(Field)
        else switch (@typeInfo(Field)) {
            .bool => runtime.td_config_bool(name),
            .int => @intCast(runtime.td_config_int(name)),
            .float => @floatCast(runtime.td_config_float(name)),
            else => std.mem.span(runtime.td_config_text(name)),
        };
    }
    return given;
}

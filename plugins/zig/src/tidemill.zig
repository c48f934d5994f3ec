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
/// The runtime in C that all of this stands on. Not for plugins.
pub const runtime = @import("runtime.zig");
const operators = @import("operators.zig");

/// Bytes of any kind; `[]const u8` is text.
pub const Bytes = rows.Bytes;
/// Microseconds since 1970, UTC.
pub const Timestamp = rows.Timestamp;
/// Rows that come out.
pub const Out = rows.Out;
/// What is kept of a key, in a function of `MapWithState`, which leaves it as it is unless it says otherwise.
pub const State = operators.State;
/// The key that a function is called for.
pub const Key = operators.Key;

/// What may stand behind the function of a `Map` or `FlatMap`.
pub const Options = operators.Options;
/// One row out for each row in.
pub const Map = operators.Map;
/// Any number of rows out for each row in.
pub const FlatMap = operators.FlatMap;
/// Keeps the rows for which the function answers true, as they are.
pub const Filter = operators.Filter;
/// Combines two values of a key; it has to be associative and commutative.
pub const Reduce = operators.Reduce;
/// Collects the values of a key in an accumulator, of which the row that comes out is made.
pub const Aggregate = operators.Aggregate;
/// Called for each key with its new values and its state; answers the state, null to forget the key.
pub const UpdateState = operators.UpdateState;
/// Called for each value of a key, and once without a value where the key timed out.
pub const MapWithState = operators.MapWithState;
/// Takes over the states of earlier versions, beside one of the two above.
pub const MigrateState = operators.MigrateState;
/// Called for each key with its rows of two streams, either of which may have none.
pub const Cogroup = operators.Cogroup;

/// The error of a row that is refused, or a key that fails.
pub const Rejected = error{Rejected};

/// In tests: why the last row was refused.
pub var last_reason: []const u8 = "";

/// Memory that is there until the call of the host ends; in tests, until the program does.
pub const allocator: std.mem.Allocator = if (builtin.is_test) std.heap.page_allocator else rows.call_allocator;

/// A text as `std.fmt` writes it, in that memory.
pub fn print(comptime format: []const u8, values: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, format, values) catch @panic("out of memory");
}

/// Refuses the row that the function looks at, with the reason for whoever reads the dead letters: `return tidemill.reject("no
/// amount", .{})`. Of an operator on keys it fails the key. What was put out for the row is taken back.
pub fn reject(comptime format: []const u8, values: anytype) Rejected {
    const reason = print(format, values);
    if (builtin.is_test) last_reason = reason else runtime.td_reject("%.*s", @as(c_int, @intCast(reason.len)), reason.ptr);
    return error.Rejected;
}

/// Fails the call, with file and line: `tidemill.fail(@src(), "there are no prices", .{})`. The host finds the rows that it is
/// about.
pub fn fail(comptime at: std.builtin.SourceLocation, comptime format: []const u8, values: anytype) noreturn {
    const problem = print(format, values);
    if (builtin.is_test) @panic(problem);
    runtime.td_fail_at(at.file.ptr, @intCast(at.line), "%.*s", @as(c_int, @intCast(problem.len)), problem.ptr);
}

/// How much a line of the log matters.
pub const Level = enum(c_int) { trace, debug, info, warn, err };

/// Writes a line to the host's log.
pub fn log(level: Level, comptime format: []const u8, values: anytype) void {
    const line = print(format, values);
    if (builtin.is_test) return std.debug.print("{s}\n", .{line});
    runtime.td_log(@intFromEnum(level), "%.*s", @as(c_int, @intCast(line.len)), line.ptr);
}

/// Adds `delta` to the counter `name` of this operator in the host's metrics.
pub fn count(name: [:0]const u8, delta: u64) void {
    if (!builtin.is_test) runtime.td_count(name.ptr, delta);
}

/// What the manifest's `config` says, with the defaults. `plugin.zig` declares `pub const Config`, a struct whose fields are options;
/// those without a default have to be given. In tests it is the defaults alone.
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

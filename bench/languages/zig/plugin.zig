//! The word count of the benchmarks, in Zig: split, as rows, and a sum, also for windows.

const std = @import("std");
const tidemill = @import("tidemill");

const Line = struct { line: []const u8 };
const Word = struct { word: []const u8, n: i64 = 1 };

fn split(in: Line, out: *tidemill.Out(Word)) !void {
    var words = std.mem.tokenizeAny(u8, in.line, &std.ascii.whitespace);
    while (words.next()) |word| out.emit(.{ .word = word });
}

pub const split_words = tidemill.FlatMap(split, .{});

fn add(a: i64, b: i64) i64 {
    return a + b;
}

fn subtract(total: i64, b: i64) i64 {
    return total - b;
}

pub const sum = tidemill.Reduce(add, subtract);

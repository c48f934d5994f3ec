//! The words of a line.

const std = @import("std");
const tidemill = @import("tidemill");

pub const Line = struct { line: []const u8 };
pub const Word = struct { word: []const u8 };

pub fn split(in: Line, out: *tidemill.Out(Word)) !void {
    var words = std.mem.tokenizeAny(u8, in.line, " \t\r\n");
    while (words.next()) |word| {
        if (word.len > 64) return tidemill.reject("a word has {d} bytes, at most 64 are allowed", .{word.len});
        out.emit(.{ .word = try std.ascii.allocLowerString(tidemill.allocator, word) });
    }
}

pub const split_words = tidemill.FlatMap(split, .{});

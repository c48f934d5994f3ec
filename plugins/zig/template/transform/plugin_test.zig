const std = @import("std");
const tidemill = @import("tidemill");
const plugin = @import("plugin.zig");

test "words are lower case" {
    var out: tidemill.Out(plugin.Word) = .{};
    try plugin.split(.{ .line = "To be" }, &out);
    try std.testing.expectEqual(2, out.rows.items.len);
    try std.testing.expectEqualStrings("to", out.rows.items[0].word);
}

test "a line with a long word is refused" {
    const long: [65]u8 = @splat('e');
    var out: tidemill.Out(plugin.Word) = .{};
    try std.testing.expectError(error.Rejected, plugin.split(.{ .line = &long }, &out));
    try std.testing.expectEqualStrings("a word has 65 bytes, at most 64 are allowed", tidemill.last_reason);
}

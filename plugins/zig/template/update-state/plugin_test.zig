const std = @import("std");
const plugin = @import("plugin.zig");

test "a state grows from batch to batch" {
    const first = plugin.addUp(.{ .value = {} }, &.{ 2.5, 3.5 }, null);
    try std.testing.expectEqual(6, first.?);
    try std.testing.expectEqual(7, plugin.addUp(.{ .value = {} }, &.{1}, first).?);
}

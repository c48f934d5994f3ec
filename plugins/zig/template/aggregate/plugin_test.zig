const std = @import("std");
const plugin = @import("plugin.zig");

test "the mean is that of all parts" {
    var left: plugin.Prices = .{};
    var right: plugin.Prices = .{};
    left.add(2.5);
    right.add(3.5);
    left.merge(right);
    try std.testing.expectEqual(3, left.finish().mean);
}

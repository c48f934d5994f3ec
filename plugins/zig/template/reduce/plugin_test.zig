const std = @import("std");
const plugin = @import("plugin.zig");

test "the higher one stays" {
    try std.testing.expectEqual(3.5, plugin.higher(2.5, 3.5));
}

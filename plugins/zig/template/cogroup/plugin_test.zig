const std = @import("std");
const tidemill = @import("tidemill");
const plugin = @import("plugin.zig");

test "what is paid is not open" {
    var out: tidemill.Out(plugin.Open) = .{};
    try plugin.openOf({}, &.{3}, &.{1}, &out);
    try plugin.openOf({}, &.{}, &.{1}, &out);
    try std.testing.expectEqualSlices(plugin.Open, &.{.{ .open = 2 }}, out.rows.items);
}

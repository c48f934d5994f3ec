//! What is open of the prices on one side, less the amounts on the other.

const tidemill = @import("tidemill");

pub const Open = struct { open: f64 };

fn sum(values: []const f64) f64 {
    var total: f64 = 0;
    for (values) |value| total += value;
    return total;
}

pub fn openOf(_: void, prices: []const f64, amounts: []const f64, out: *tidemill.Out(Open)) !void {
    const rest = sum(prices) - sum(amounts);
    if (rest > 0) out.emit(.{ .open = rest });
}

pub const open_orders = tidemill.Cogroup(openOf);

//! The mean of prices, through a sum and a count.

const tidemill = @import("tidemill");

/// What the host keeps while it collects prices.
pub const Prices = struct {
    sum: f64 = 0,
    count: i64 = 0,

    pub fn add(self: *Prices, price: f64) void {
        self.sum += price;
        self.count += 1;
    }

    pub fn merge(self: *Prices, other: Prices) void {
        self.sum += other.sum;
        self.count += other.count;
    }

    pub fn finish(self: Prices) struct { mean: f64 } {
        return .{ .mean = self.sum / @as(f64, @floatFromInt(self.count)) };
    }
};

pub const mean = tidemill.Aggregate(Prices);

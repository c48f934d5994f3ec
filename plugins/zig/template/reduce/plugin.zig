//! The higher of two prices; associative and commutative, as a reducer has to be.

const tidemill = @import("tidemill");

pub fn higher(a: f64, b: f64) f64 {
    return @max(a, b);
}

pub const highest = tidemill.Reduce(higher, null);

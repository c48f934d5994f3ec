//! The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust.

const std = @import("std");
const tidemill = @import("tidemill");

const Timestamp = tidemill.Timestamp;

pub const Config = struct { tag: []const u8 = "" };

const All = struct { b: ?bool, i: ?i64, f: ?f64, s: ?[]const u8, y: ?tidemill.Bytes, t: ?Timestamp };

fn allTypes(in: All, out: *tidemill.Out(All)) !void {
    var answer = in;
    var times: usize = 1;
    if (in.s) |s| {
        if (std.mem.eql(u8, s, "refuse")) return tidemill.reject("the row is refused", .{});
        if (std.mem.eql(u8, s, "fail")) tidemill.fail(@src(), "the function fails", .{});
        if (std.mem.eql(u8, s, "nothing")) times = 0;
        if (std.mem.eql(u8, s, "twice")) times = 2;
        answer.s = tidemill.print("{s}{s}", .{ tidemill.config(Config).tag, s });
    }
    for (0..times) |_| out.emit(answer);
}

pub const all_types = tidemill.FlatMap(allTypes, .{});

const Values = struct { least: i64, total: f64, first: ?[]const u8 };

fn combineTwo(a: Values, b: Values) !Values {
    if (a.least == 13 and b.least == 13) return tidemill.reject("13 twice", .{});
    return .{ .least = @min(a.least, b.least), .total = a.total + b.total, .first = a.first orelse b.first };
}

pub const combine = tidemill.Reduce(combineTwo, null);

const Span = struct {
    first: Timestamp = .{},
    last: Timestamp = .{},
    count: i64 = 0,

    pub fn add(self: *Span, time: Timestamp) void {
        self.merge(.{ .first = time, .last = time, .count = 1 });
    }

    pub fn merge(self: *Span, other: Span) void {
        if (self.count == 0 or other.first.micros < self.first.micros) self.first = other.first;
        if (self.count == 0 or other.last.micros > self.last.micros) self.last = other.last;
        self.count += other.count;
    }

    pub fn finish(self: Span) struct { first: Timestamp, micros: i64, count: i64 } {
        return .{ .first = self.first, .micros = self.last.micros - self.first.micros, .count = self.count };
    }
};

pub const span = tidemill.Aggregate(Span);

const Value = struct { n: i64, note: ?[]const u8 };
const Kept = struct { sum: i64, last: ?[]const u8 };
const Sum = struct { sum: i64, at: Timestamp };

fn addUp(key: tidemill.Key([]const u8), value: ?Value, state: *tidemill.State(Kept), out: *tidemill.Out(Sum)) !void {
    var kept = state.get() orelse Kept{ .sum = 0, .last = null };
    if (value) |new| {
        if (new.n == 0) return state.remove();
        if (new.n == 13) return tidemill.reject("13 at {s}", .{key.value});
        kept = .{ .sum = kept.sum + new.n, .last = new.note orelse kept.last };
        state.update(kept);
    }
    out.emit(.{ .sum = kept.sum, .at = key.now });
}

pub const add_up = tidemill.MapWithState(addUp);

const Total = struct { total: f64, note: ?[]const u8 };

fn fromSum(sum: i64) !Kept {
    if (sum < 0) return tidemill.reject("the sum {d} is negative", .{sum});
    return .{ .sum = sum, .last = null };
}

fn fromTotal(earlier: Total) Kept {
    return .{ .sum = @trunc(earlier.total), .last = earlier.note };
}

pub const migrations = tidemill.MigrateState(.{ fromSum, fromTotal });

const Pair = struct { sum: i64, text: ?[]const u8 };

fn besideEach(_: void, left: []const i64, right: []const []const u8, out: *tidemill.Out(Pair)) !void {
    var sum: i64 = 0;
    for (left) |n| sum += n;
    for (right) |text| out.emit(.{ .sum = sum, .text = text });
    if (right.len == 0) out.emit(.{ .sum = sum, .text = null });
}

pub const beside = tidemill.Cogroup(besideEach);

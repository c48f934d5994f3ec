//! The component: exports what `plugin.zig` declares, by the names that the host looks for.

const std = @import("std");
const plugin = @import("plugin");
const runtime = @import("tidemill").runtime;

const List = runtime.List;
const Batch = runtime.Batch;
const Result = runtime.Result;
const Data = ?*const anyopaque;

/// A panic is told by the host as the last words of the call.
pub const panic = std.debug.FullPanic(struct {
    fn panicked(text: []const u8, _: ?usize) noreturn {
        runtime.td_fail_at("panic", 0, "panic: %.*s", @as(c_int, @intCast(text.len)), text.ptr);
    }
}.panicked);

comptime {
    for (@typeInfo(plugin).@"struct".decl_names) |name| {
        const it = @field(plugin, name);
        if (@TypeOf(it) == type and @typeInfo(it) == .@"struct" and @hasDecl(it, "tidemill_kind")) {
            switch (it.tidemill_kind) {
                .transform => Transform(&it.spec).exports(),
                .reduce => Reduce(&it.spec).exports(),
                .reduce_with_inverse => Reduce(&it.spec).withInverse(),
                .aggregate => Aggregate(&it.spec).exports(),
                .update => Update(&it.spec).exports(),
                .migrate => Migrate(&it.spec).exports(),
                .cogroup => Cogroup(&it.spec).exports(),
                else => unreachable,
            }
        }
    }
    if (@hasDecl(plugin, "Config")) {
        @export(&options, .{ .name = "td_options" });
        @export(&num_options, .{ .name = "td_num_options" });
    }
}

fn give(comptime kind: []const u8, comptime name: []const u8, comptime function: anytype) void {
    @export(function, .{ .name = "tidemill:plugin/" ++ kind ++ "@0.1.0#" ++ name });
    @export(&after, .{ .name = "cabi_post_tidemill:plugin/" ++ kind ++ "@0.1.0#" ++ name });
}

fn after(_: *Result) callconv(.c) void {
    runtime.td_end_call();
}

fn batch(num_rows: u32, data: Data, size: usize) Batch {
    return .{ .num_rows = num_rows, .columns = .{ .data = data, .size = size } };
}

fn list(data: Data, size: usize) List {
    return .{ .data = data, .size = size };
}

fn Transform(comptime spec: *const runtime.Transform) type {
    return struct {
        fn exports() void {
            give("transform", "open", &open);
            give("transform", "process", &process);
        }
        fn open(config: Data, config_size: usize, input: Data, input_size: usize) callconv(.c) *Result {
            return runtime.td_transform_open(spec, list(config, config_size), list(input, input_size));
        }
        fn process(num_rows: u32, columns: Data, size: usize) callconv(.c) *Result {
            return runtime.td_transform_process(spec, batch(num_rows, columns, size));
        }
    };
}

fn Reduce(comptime spec: *const runtime.Reduce) type {
    return struct {
        fn exports() void {
            give("reduce", "open", &open);
            give("reduce", "reduce", &reduce);
        }
        fn withInverse() void {
            exports();
            give("inverse", "subtract", &subtract);
        }
        fn open(config: Data, config_size: usize, value: Data, size: usize) callconv(.c) *Result {
            return runtime.td_reduce_open(spec, list(config, config_size), list(value, size));
        }
        fn reduce(ends: Data, num_ends: usize, num_rows: u32, values: Data, size: usize) callconv(.c) *Result {
            return runtime.td_reduce_reduce(spec, list(ends, num_ends), batch(num_rows, values, size));
        }
        fn subtract(total_rows: u32, totals: Data, num_totals: usize, ends: Data, num_ends: usize, num_rows: u32, values: Data, size: usize) callconv(.c) *Result {
            const from = batch(total_rows, totals, num_totals);
            return runtime.td_reduce_subtract(spec, from, list(ends, num_ends), batch(num_rows, values, size));
        }
    };
}

fn Aggregate(comptime spec: *const runtime.Aggregate) type {
    return struct {
        fn exports() void {
            give("aggregate", "open", &open);
            give("aggregate", "accumulate", &accumulate);
            give("aggregate", "merge", &merge);
            give("aggregate", "finish", &finish);
        }
        fn open(config: Data, config_size: usize, value: Data, size: usize) callconv(.c) *Result {
            return runtime.td_aggregate_open(spec, list(config, config_size), list(value, size));
        }
        fn accumulate(ends: Data, num_ends: usize, num_rows: u32, values: Data, size: usize) callconv(.c) *Result {
            return runtime.td_aggregate_accumulate(spec, list(ends, num_ends), batch(num_rows, values, size));
        }
        fn merge(ends: Data, num_ends: usize, num_rows: u32, values: Data, size: usize) callconv(.c) *Result {
            return runtime.td_aggregate_merge(spec, list(ends, num_ends), batch(num_rows, values, size));
        }
        fn finish(num_rows: u32, values: Data, size: usize) callconv(.c) *Result {
            return runtime.td_aggregate_finish(spec, batch(num_rows, values, size));
        }
    };
}

fn Update(comptime spec: *const runtime.Update) type {
    return struct {
        fn exports() void {
            give("update-state", "open", &open);
            give("update-state", "update", &update);
        }
        fn open(config: Data, config_size: usize, key: Data, key_size: usize, value: Data, size: usize) callconv(.c) *Result {
            return runtime.td_update_open(spec, list(config, config_size), list(key, key_size), list(value, size));
        }
        fn update(key_rows: u32, keys: Data, num_keys: usize, ends: Data, num_ends: usize, value_rows: u32, values: Data, num_values: usize, state_rows: u32, states: Data, num_states: usize, known: Data, num_known: usize, timed_out: Data, num_timed_out: usize, now: i64) callconv(.c) *Result {
            const before = batch(state_rows, states, num_states);
            const of_keys = batch(key_rows, keys, num_keys);
            const new = batch(value_rows, values, num_values);
            return runtime.td_update_update(spec, of_keys, list(ends, num_ends), new, before, list(known, num_known), list(timed_out, num_timed_out), now);
        }
    };
}

fn Migrate(comptime spec: *const runtime.Migrate) type {
    return struct {
        fn exports() void {
            give("migrate-state", "migrate", &migrate);
        }
        fn migrate(from: Data, from_size: usize, num_rows: u32, columns: Data, size: usize) callconv(.c) *Result {
            return runtime.td_migrate_state(spec, list(from, from_size), batch(num_rows, columns, size));
        }
    };
}

fn Cogroup(comptime spec: *const runtime.Cogroup) type {
    return struct {
        fn exports() void {
            give("cogroup", "open", &open);
            give("cogroup", "process", &process);
        }
        fn open(config: Data, config_size: usize, key: Data, key_size: usize, left: Data, left_size: usize, right: Data, right_size: usize) callconv(.c) *Result {
            return runtime.td_cogroup_open(spec, list(config, config_size), list(key, key_size), list(left, left_size), list(right, right_size));
        }
        fn process(key_rows: u32, keys: Data, num_keys: usize, left_ends: Data, num_left_ends: usize, left_rows: u32, left: Data, left_size: usize, right_ends: Data, num_right_ends: usize, right_rows: u32, right: Data, right_size: usize) callconv(.c) *Result {
            const of_left = batch(left_rows, left, left_size);
            const of_right = batch(right_rows, right, right_size);
            return runtime.td_cogroup_process(spec, batch(key_rows, keys, num_keys), list(left_ends, num_left_ends), of_left, list(right_ends, num_right_ends), of_right);
        }
    };
}

const Config = if (@hasDecl(plugin, "Config")) plugin.Config else struct {};

const declared_options = blk: {
    const info = @typeInfo(Config).@"struct";
    var all: [info.field_names.len]runtime.Option = undefined;
    for (info.field_names, info.field_types, info.field_attrs, 0..) |name, T, attributes, i| {
        all[i] = .{ .name = name, .type = switch (@typeInfo(T)) {
            .bool => .boolean,
            .int => .int,
            .float => .float,
            else => .text,
        } };
        if (attributes.defaultValue(T)) |value| switch (@typeInfo(T)) {
            .bool => all[i].boolean = value,
            .int => all[i].integer = value,
            .float => all[i].number = value,
            else => all[i].text = value ++ "",
        } else all[i].is_required = true;
    }
    break :blk all;
};
const options: [*]const runtime.Option = &declared_options;
const num_options: usize = declared_options.len;

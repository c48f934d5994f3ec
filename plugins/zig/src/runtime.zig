//! The runtime in C that the SDK stands on: `plugins/c/include/tidemill.h` and `tidemill_abi.h`, as Zig has them.

pub const Type = enum(c_int) { boolean, int64, float64, utf8, binary, timestamp };

pub const Bytes = extern struct { data: [*]const u8, size: usize };

pub const Value = extern struct {
    type: Type = .boolean,
    is_null: bool = false,
    of: extern union { boolean: bool, int64: i64, float64: f64, bytes: Bytes } = .{ .int64 = 0 },
};

pub const Rows = extern struct { values: [*]const Value, num_rows: usize, num_columns: usize };

pub const Out = opaque {};

pub const Key = extern struct {
    key: ?[*]const Value,
    values: Rows,
    value: ?[*]const Value,
    state: ?[*]const Value,
    is_timing_out: bool,
    now: i64,
};

pub const Pair = extern struct { key: ?[*]const Value, left: Rows, right: Rows };

pub const Option = extern struct {
    name: [*:0]const u8,
    type: enum(c_int) { text = 1, int, float, boolean, json },
    is_required: bool = false,
    text: ?[*:0]const u8 = null,
    integer: i64 = 0,
    number: f64 = 0,
    boolean: bool = false,
};

pub const Transform = extern struct {
    reads: [*:0]const u8,
    produces: ?[*:0]const u8 = null,
    carry: bool = false,
    each: ?*const fn ([*]const Value, *Out) callconv(.c) void = null,
    keep: ?*const fn ([*]const Value) callconv(.c) bool = null,
};

pub const Reduce = extern struct {
    values: [*:0]const u8,
    combine: *const fn ([*]Value, [*]const Value) callconv(.c) void,
    subtract: ?*const fn ([*]Value, [*]const Value) callconv(.c) void = null,
};

pub const Aggregate = extern struct {
    values: [*:0]const u8,
    accumulator: [*:0]const u8,
    produces: [*:0]const u8,
    begin: *const fn ([*]Value) callconv(.c) void,
    add: *const fn ([*]Value, [*]const Value) callconv(.c) void,
    merge: *const fn ([*]Value, [*]const Value) callconv(.c) void,
    finish: *const fn ([*]const Value, [*]Value) callconv(.c) void,
};

pub const Update = extern struct {
    key: ?[*:0]const u8,
    values: [*:0]const u8,
    state: [*:0]const u8,
    produces: ?[*:0]const u8 = null,
    update: ?*const fn (*Key) callconv(.c) void = null,
    each: ?*const fn (*Key, *Out) callconv(.c) void = null,
};

pub const Migration = extern struct {
    from: [*:0]const u8,
    each: *const fn ([*]const Value, [*]Value) callconv(.c) void,
    num_values: usize,
};

pub const Migrate = extern struct { migrations: [*]const Migration, num_migrations: usize };

pub const Cogroup = extern struct {
    key: ?[*:0]const u8,
    left: [*:0]const u8,
    right: [*:0]const u8,
    produces: [*:0]const u8,
    each: *const fn (*const Pair, *Out) callconv(.c) void,
};

pub const List = extern struct { data: ?*const anyopaque, size: usize };
pub const Batch = extern struct { num_rows: u32, columns: List };
pub const Result = opaque {};

pub extern fn td_alloc(size: usize) *anyopaque;
pub extern fn td_reject(format: [*:0]const u8, ...) void;
pub extern fn td_fail_at(file: [*:0]const u8, line: c_int, format: [*:0]const u8, ...) noreturn;
pub extern fn td_log(level: c_int, format: [*:0]const u8, ...) void;
pub extern fn td_count(name: [*:0]const u8, delta: u64) void;
pub extern fn td_emit_row(out: *Out, row: [*]const Value, num_values: usize) void;
pub extern fn td_keep_row(key: *Key, state: [*]const Value, num_values: usize) void;
pub extern fn td_forget(key: *Key) void;
pub extern fn td_config_text(name: [*:0]const u8) [*:0]const u8;
pub extern fn td_config_int(name: [*:0]const u8) i64;
pub extern fn td_config_float(name: [*:0]const u8) f64;
pub extern fn td_config_bool(name: [*:0]const u8) bool;

pub extern fn td_transform_open(spec: *const Transform, config: List, input: List) *Result;
pub extern fn td_transform_process(spec: *const Transform, input: Batch) *Result;
pub extern fn td_reduce_open(spec: *const Reduce, config: List, value: List) *Result;
pub extern fn td_reduce_reduce(spec: *const Reduce, ends: List, values: Batch) *Result;
pub extern fn td_reduce_subtract(spec: *const Reduce, totals: Batch, ends: List, values: Batch) *Result;
pub extern fn td_aggregate_open(spec: *const Aggregate, config: List, value: List) *Result;
pub extern fn td_aggregate_accumulate(spec: *const Aggregate, ends: List, values: Batch) *Result;
pub extern fn td_aggregate_merge(spec: *const Aggregate, ends: List, values: Batch) *Result;
pub extern fn td_aggregate_finish(spec: *const Aggregate, values: Batch) *Result;
pub extern fn td_update_open(spec: *const Update, config: List, key: List, value: List) *Result;
pub extern fn td_update_update(spec: *const Update, keys: Batch, ends: List, values: Batch, states: Batch, known: List, timed_out: List, now: i64) *Result;
pub extern fn td_migrate_state(spec: *const Migrate, from: List, states: Batch) *Result;
pub extern fn td_cogroup_open(spec: *const Cogroup, config: List, key: List, left: List, right: List) *Result;
pub extern fn td_cogroup_process(spec: *const Cogroup, keys: Batch, left_ends: List, left: Batch, right_ends: List, right: Batch) *Result;
pub extern fn td_end_call() void;

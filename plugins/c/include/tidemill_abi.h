/** @file
 * What crosses the sandbox, as it lies in memory: the records of wit/, by the canonical ABI of the component model. A
 * C struct has just that layout. Not for plugins; in goes what the host calls, out go the functions of the SDK. */
#ifndef TIDEMILL_ABI_H
#define TIDEMILL_ABI_H

#ifdef __cplusplus
extern "C" {
#endif

/** `list<T>`, `string`. */
typedef struct {
  const void *data;
  size_t size; /* in elements */
} td_list;

/** `field`. */
typedef struct {
  td_list name;  /**< its name */
  uint8_t type;  /**< a td_type */
  bool nullable; /**< whether a row may have no value there */
} td_field;

/** `column`: offsets and data of utf8 and binary, a list of the others. */
typedef struct {
  uint8_t type;
  union {
    td_list list;
    struct {
      td_list offsets;
      td_list data;
    };
  };
  bool has_valid;
  td_list valid;
} td_column;

/** `batch`. */
typedef struct {
  uint32_t num_rows;
  td_list columns;
} td_batch;

/** `option<list<u32>>`. */
typedef struct {
  bool is_some;
  td_list list;
} td_option_list;

/** `reject`. */
typedef struct {
  uint32_t row;
  td_list reason;
} td_reject_entry;

/** What functions answer: an error, or one of the records of wit/. */
typedef struct {
  bool is_error;
  union {
    td_list error;
    struct {
      td_list reads, carries, produces;
    } transform_plan;
    struct {
      td_batch batch;
      td_option_list origins;
      td_list rejects;
    } transformed;
    td_batch batch;
    struct {
      td_list first, second; /* of aggregate: accumulator, output; of update-state: state, output */
    } plan;
    struct {
      td_batch states;
      td_list kept;
      td_batch batch;
      td_list origins;
    } updated;
    struct {
      td_batch batch;
      td_list origins;
    } cogrouped;
    td_list fields;
  };
} td_result;

td_result *td_transform_open(const td_transform *, td_list config, td_list input);
td_result *td_transform_process(const td_transform *, td_batch input);
td_result *td_reduce_open(const td_reduce *, td_list config, td_list value);
td_result *td_reduce_reduce(const td_reduce *, td_list ends, td_batch values);
td_result *td_reduce_subtract(const td_reduce *, td_batch totals, td_list ends, td_batch values);
td_result *td_aggregate_open(const td_aggregate *, td_list config, td_list value);
td_result *td_aggregate_accumulate(const td_aggregate *, td_list ends, td_batch values);
td_result *td_aggregate_merge(const td_aggregate *, td_list ends, td_batch accumulators);
td_result *td_aggregate_finish(const td_aggregate *, td_batch accumulators);
td_result *td_update_open(const td_update *, td_list config, td_list key, td_list value);
td_result *td_update_update(const td_update *, td_batch keys, td_list ends, td_batch values, td_batch states, td_list known,
                            td_list timed_out, int64_t now);
td_result *td_migrate_state(const td_migrate *, td_list from, td_batch states);
td_result *td_cogroup_open(const td_cogroup *, td_list config, td_list key, td_list left, td_list right);
td_result *td_cogroup_process(const td_cogroup *, td_batch keys, td_list left_ends, td_batch left, td_list right_ends,
                              td_batch right);
/** Takes back the memory of a call, once the host has read its answer. */
void td_end_call(void);

#ifdef __cplusplus
}
#define TD_C extern "C"
#else
#define TD_C
#endif

/* The operator of a kind, which the functions below and tests go by. */
#define TD_THE(kind, ...) \
  TD_C const td_##kind td_the_##kind; \
  const td_##kind td_the_##kind = {__VA_ARGS__};

#ifdef __wasm__
/* Lists and batches come as two and three numbers each. */
#define TD_LIST(name) const void *name##_data, size_t name##_size
#define TD_BATCH(name) uint32_t name##_rows, TD_LIST(name)
#define TD_L(name) (td_list{name##_data, name##_size})
#define TD_B(name) (td_batch{name##_rows, {name##_data, name##_size}})
#ifndef __cplusplus
#undef TD_L
#undef TD_B
#define TD_L(name) ((td_list){name##_data, name##_size})
#define TD_B(name) ((td_batch){name##_rows, {name##_data, name##_size}})
#endif
#define TD_EXPORT(kind, name, call, ...) \
  TD_C __attribute__((export_name("tidemill:plugin/" kind "@0.1.0#" name))) td_result *call##_export(__VA_ARGS__); \
  TD_C __attribute__((export_name("cabi_post_tidemill:plugin/" kind "@0.1.0#" name))) void call##_after(td_result *); \
  TD_C void call##_after(td_result *result) { \
    (void)result; \
    td_end_call(); \
  } \
  TD_C td_result *call##_export(__VA_ARGS__)
#define TD_EXPORT_TRANSFORM \
  TD_EXPORT("transform", "open", td_transform_open, TD_LIST(config), TD_LIST(input)) { \
    return td_transform_open(&td_the_transform, TD_L(config), TD_L(input)); \
  } \
  TD_EXPORT("transform", "process", td_transform_process, TD_BATCH(input)) { \
    return td_transform_process(&td_the_transform, TD_B(input)); \
  }
#define TD_EXPORT_REDUCE \
  TD_EXPORT("reduce", "open", td_reduce_open, TD_LIST(config), TD_LIST(value)) { \
    return td_reduce_open(&td_the_reduce, TD_L(config), TD_L(value)); \
  } \
  TD_EXPORT("reduce", "reduce", td_reduce_reduce, TD_LIST(ends), TD_BATCH(values)) { \
    return td_reduce_reduce(&td_the_reduce, TD_L(ends), TD_B(values)); \
  }
#define TD_EXPORT_INVERSE \
  TD_EXPORT("inverse", "subtract", td_reduce_subtract, TD_BATCH(totals), TD_LIST(ends), TD_BATCH(values)) { \
    return td_reduce_subtract(&td_the_reduce, TD_B(totals), TD_L(ends), TD_B(values)); \
  }
#define TD_EXPORT_AGGREGATE \
  TD_EXPORT("aggregate", "open", td_aggregate_open, TD_LIST(config), TD_LIST(value)) { \
    return td_aggregate_open(&td_the_aggregate, TD_L(config), TD_L(value)); \
  } \
  TD_EXPORT("aggregate", "accumulate", td_aggregate_accumulate, TD_LIST(ends), TD_BATCH(values)) { \
    return td_aggregate_accumulate(&td_the_aggregate, TD_L(ends), TD_B(values)); \
  } \
  TD_EXPORT("aggregate", "merge", td_aggregate_merge, TD_LIST(ends), TD_BATCH(values)) { \
    return td_aggregate_merge(&td_the_aggregate, TD_L(ends), TD_B(values)); \
  } \
  TD_EXPORT("aggregate", "finish", td_aggregate_finish, TD_BATCH(values)) { \
    return td_aggregate_finish(&td_the_aggregate, TD_B(values)); \
  }
#define TD_EXPORT_UPDATE \
  TD_EXPORT("update-state", "open", td_update_open, TD_LIST(config), TD_LIST(key), TD_LIST(value)) { \
    return td_update_open(&td_the_update, TD_L(config), TD_L(key), TD_L(value)); \
  } \
  TD_EXPORT("update-state", "update", td_update_update, TD_BATCH(keys), TD_LIST(ends), TD_BATCH(values), TD_BATCH(states), \
            TD_LIST(known), TD_LIST(timed_out), int64_t now) { \
    return td_update_update(&td_the_update, TD_B(keys), TD_L(ends), TD_B(values), TD_B(states), TD_L(known), \
                            TD_L(timed_out), now); \
  }
#define TD_EXPORT_MIGRATE \
  TD_EXPORT("migrate-state", "migrate", td_migrate_state, TD_LIST(from), TD_BATCH(states)) { \
    return td_migrate_state(&td_the_migrate, TD_L(from), TD_B(states)); \
  }
#define TD_EXPORT_COGROUP \
  TD_EXPORT("cogroup", "open", td_cogroup_open, TD_LIST(config), TD_LIST(key), TD_LIST(left), TD_LIST(right)) { \
    return td_cogroup_open(&td_the_cogroup, TD_L(config), TD_L(key), TD_L(left), TD_L(right)); \
  } \
  TD_EXPORT("cogroup", "process", td_cogroup_process, TD_BATCH(keys), TD_LIST(left_ends), TD_BATCH(left), \
            TD_LIST(right_ends), TD_BATCH(right)) { \
    return td_cogroup_process(&td_the_cogroup, TD_B(keys), TD_L(left_ends), TD_B(left), TD_L(right_ends), TD_B(right)); \
  }
#else
/* A native build has the operators alone: tests call them. */
#define TD_EXPORT_TRANSFORM
#define TD_EXPORT_REDUCE
#define TD_EXPORT_INVERSE
#define TD_EXPORT_AGGREGATE
#define TD_EXPORT_UPDATE
#define TD_EXPORT_MIGRATE
#define TD_EXPORT_COGROUP
#endif

#endif

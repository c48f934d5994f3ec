/* `update_state` and `map_with_state`: what is kept of a key from batch to batch. The host keeps it. */

#include "inside.h"

/* What a function does with the state of a key goes into rows of `states`; a key is what it is given. */
typedef struct {
  td_key given;
  td_value *kept; /* null where there is no state */
  bool is_removed;
} state_of_key;

static td_schema key_schema, values_schema;
static uint32_t *key_order, *value_order;
static td_out states, out;

td_result *td_update_open(const td_update *spec, td_list config, td_list key, td_list value) {
  td_result *result = td_begin_call();
  td_schema keys = td_fields(key), values = td_fields(value), state, produces;
  if (!td_read_config(config) || !td_declare(&key_schema, spec->key) || !td_declare(&values_schema, spec->values) ||
      !td_declare(&state, spec->state) || !td_declare(&produces, spec->produces) ||
      (spec->key && !td_bind(&key_schema, &keys, "the key", &key_order)) ||
      !td_bind(&values_schema, &values, "the value", &value_order))
    return td_answer(result);
  td_out_open(&states, state);
  td_out_open(&out, produces);
  result->plan.first = td_listed(&state);
  result->plan.second = td_listed(&produces);
  return td_answer(result);
}

td_out *td_states(void) { return &states; }

static bool may_change(const td_key *key, const char *act) {
  const state_of_key *state = (const state_of_key *)key;
  if (key->is_timing_out) return td_error("the state is %s while its key times out", act);
  if (state->is_removed) return td_error("the state is %s after it was removed", act);
  return true;
}

/** Copies the bytes of texts as well: what they are of may be gone before the state is written. */
void td_keep_row(td_key *key, const td_value *state, size_t num_values) {
  if (!may_change(key, "updated")) return;
  if (num_values != states.schema.size) {
    td_error("a state has %zu values, but %zu columns are declared", num_values, states.schema.size);
    return;
  }
  td_value *kept = td_alloc((num_values + 1) * sizeof(td_value));
  for (size_t i = 0; i < num_values; i++) {
    kept[i] = state[i];
    if (!kept[i].is_null && (kept[i].type == TD_UTF8 || kept[i].type == TD_BINARY)) {
      td_bytes bytes = kept[i].bytes;
      kept[i].bytes.data = td_copy((td_list){bytes.data, bytes.size});
    }
  }
  ((state_of_key *)key)->kept = kept;
  key->state = kept;
}

void td_forget(td_key *key) {
  if (!may_change(key, "removed")) return;
  state_of_key *state = (state_of_key *)key;
  state->kept = NULL;
  state->is_removed = true;
  key->state = NULL;
}

static void call(const td_update *spec, state_of_key *state) {
  state->is_removed = false;
  if (spec->each) spec->each(&state->given, &out);
  else spec->update(&state->given);
}

td_result *td_update_update(const td_update *spec, td_batch keys, td_list ends, td_batch values, td_batch states_before,
                            td_list known, td_list timed_out, int64_t now) {
  td_result *result = td_begin_call();
  td_rows key_rows = {0}, rows, before;
  const uint8_t *is_known = known.data, *is_timed_out = timed_out.data;
  td_out_begin(&states);
  td_out_begin(&out);
  if ((spec->key && !td_read(keys, &key_schema, key_order, NULL, NULL, &key_rows)) ||
      !td_read(values, &values_schema, value_order, NULL, NULL, &rows) ||
      !td_read(states_before, &states.schema, NULL, is_known, NULL, &before))
    return td_answer(result);
  uint8_t *kept = td_alloc((size_t)keys.num_rows + 1);
  for (uint32_t key = 0; key < keys.num_rows && !td_has_error(); key++) {
    size_t start = td_start(ends, key), end = td_end(ends, key);
    state_of_key state = {.given = {.now = now, .values = {rows.values + start * rows.num_columns, end - start, rows.num_columns}}};
    out.origin = key;
    if (spec->key) state.given.key = td_row(key_rows, key);
    if (is_known[key]) state.given.state = state.kept = (td_value *)td_row(before, key);
    bool times_out = is_timed_out[key] && start == end;
    if (times_out) {
      state.given.is_timing_out = true;
      if (spec->each) call(spec, &state);
      state.kept = NULL;
    } else if (spec->update) {
      call(spec, &state);
    } else {
      for (size_t row = start; row < end && !td_refusal_is_error(); row++) {
        state.given.value = td_row(rows, row);
        call(spec, &state);
      }
    }
    if (td_refusal_is_error()) break;
    kept[key] = state.kept != NULL;
    if (state.kept) td_emit_row(&states, state.kept, states.schema.size);
    else td_out_blank(&states);
  }
  result->updated.states = td_out_batch(&states);
  result->updated.kept = (td_list){kept, keys.num_rows};
  result->updated.batch = td_out_batch(&out);
  result->updated.origins = td_out_origins(&out);
  return td_answer(result);
}

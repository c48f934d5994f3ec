/* `transform`: a function of a row, called for one after the other. */

#include "inside.h"

static td_schema reads;
static uint32_t *order;
static td_out out;

/** The columns that go on: all but those that one of `produced` names. */
static td_list carried(const td_schema *found, const td_schema *produced) {
  uint32_t *indices = td_alloc((found->size + 1) * sizeof(uint32_t));
  size_t size = 0;
  for (size_t i = 0; i < found->size; i++) {
    bool is_replaced = false;
    for (size_t j = 0; j < produced->size; j++) {
      td_list a = found->fields[i].name, b = produced->fields[j].name;
      is_replaced |= a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
    }
    if (!is_replaced) indices[size++] = (uint32_t)i;
  }
  return (td_list){indices, size};
}

td_result *td_transform_open(const td_transform *spec, td_list config, td_list input) {
  td_result *result = td_begin_call();
  td_schema found = td_fields(input), produces;
  if (!td_read_config(config) || !td_declare(&reads, spec->reads) || !td_declare(&produces, spec->produces) ||
      !td_bind(&reads, &found, NULL, &order))
    return td_answer(result);
  if (produces.is_plain && produces.size) td_error("what it produces needs names; write columns such as `n: int64`");
  td_out_open(&out, produces);
  result->transform_plan.reads = (td_list){order, reads.size};
  if (spec->carry || spec->keep) result->transform_plan.carries = carried(&found, &produces);
  result->transform_plan.produces = td_listed(&produces);
  return td_answer(result);
}

static td_list missing_value(int32_t column) {
  static const char before[] = "column `", after[] = "` holds no value";
  td_list name = reads.fields[column].name;
  char *text = td_alloc(name.size + sizeof(before) + sizeof(after)), *to = text;
  memcpy(to, before, sizeof(before) - 1);
  memcpy(to += sizeof(before) - 1, name.data, name.size);
  memcpy(to += name.size, after, sizeof(after) - 1);
  return (td_list){text, (size_t)(to - text) + sizeof(after) - 1};
}

/** Puts out the row as it is, where it goes on. */
static void keep(uint32_t row) {
  out.origin = row;
  td_emit_row(&out, NULL, 0);
}

td_result *td_transform_process(const td_transform *spec, td_batch input) {
  td_result *result = td_begin_call();
  td_rows rows;
  int32_t *missing = td_alloc(((size_t)input.num_rows + 1) * sizeof(int32_t));
  td_out_begin(&out);
  td_read(input, &reads, NULL, NULL, missing, &rows);
  size_t num_rejects = 0, capacity = 0;
  td_reject_entry *rejects = NULL;
  for (uint32_t row = 0; row < input.num_rows && !td_has_error(); row++) {
    td_list reason;
    size_t before = out.num_rows;
    bool is_refused = missing[row] >= 0;
    if (is_refused) {
      reason = missing_value(missing[row]);
    } else {
      out.origin = row;
      if (!spec->keep) spec->each(td_row(rows, row), &out);
      else if (spec->keep(td_row(rows, row))) keep(row);
      is_refused = td_take_refusal(&reason);
    }
    if (!is_refused) continue;
    td_out_cut(&out, before);
    if (num_rejects == capacity) {
      td_reject_entry *old = rejects;
      capacity = capacity ? capacity * 2 : 64;
      rejects = td_alloc(capacity * sizeof(*rejects));
      if (old) memcpy(rejects, old, num_rejects * sizeof(*rejects));
    }
    rejects[num_rejects++] = (td_reject_entry){row, reason};
  }
  result->transformed.batch = td_out_batch(&out);
  result->transformed.origins = (td_option_list){true, td_out_origins(&out)};
  result->transformed.rejects = (td_list){rejects, num_rejects};
  return td_answer(result);
}

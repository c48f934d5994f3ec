/* States of earlier versions: the migration whose columns are those that were kept is called for each. */

#include "inside.h"

/* Whether the columns of a migration are just those that were kept. */
static bool is_of(const td_schema *declared, const td_schema *kept) {
  if (declared->size != kept->size) return false;
  if (declared->is_plain) return declared->fields[0].type == kept->fields[0].type;
  for (size_t i = 0; i < declared->size; i++) {
    const td_field *wanted = &declared->fields[i];
    bool is_there = false;
    for (size_t j = 0; j < kept->size && !is_there; j++) {
      const td_field *field = &kept->fields[j];
      is_there = field->type == wanted->type && field->name.size == wanted->name.size &&
                 memcmp(field->name.data, wanted->name.data, wanted->name.size) == 0;
    }
    if (!is_there) return false;
  }
  return true;
}

static void migrate(const td_migration *migration, td_rows earlier, td_out *states) {
  size_t width = states->schema.size, num_values = migration->num_values;
  if (num_values && num_values != width) {
    td_error("a migration answers %zu values, but the state has %zu columns", num_values, width);
    return;
  }
  td_value *state = td_alloc((width + 1) * sizeof(td_value));
  for (size_t row = 0; row < earlier.num_rows && !td_refusal_is_error(); row++) {
    for (size_t i = 0; i < width; i++) state[i] = (td_value){.type = (td_type)states->schema.fields[i].type};
    migration->each(td_row(earlier, row), state);
    if (!td_refusal_is_error()) td_emit_row(states, state, width);
  }
}

td_result *td_migrate_state(const td_migrate *spec, td_list from, td_batch states) {
  td_result *result = td_begin_call();
  td_schema kept = td_fields(from);
  td_out *out = td_states();
  for (size_t i = 0; i < spec->num_migrations; i++) {
    const td_migration *migration = &spec->migrations[i];
    td_schema earlier;
    uint32_t *order;
    td_rows rows;
    if (!td_declare(&earlier, migration->from)) return td_answer(result);
    if (!is_of(&earlier, &kept)) continue;
    td_out_begin(out);
    if (!td_bind(&earlier, &kept, NULL, &order) || !td_read(states, &earlier, order, NULL, NULL, &rows))
      return td_answer(result);
    migrate(migration, rows, out);
    result->batch = td_out_batch(out);
    return td_answer(result);
  }
  td_error("no earlier version is known with this state; %s", td_tell(&kept));
  return td_answer(result);
}

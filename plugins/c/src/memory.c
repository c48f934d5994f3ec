/* Memory of a call: blocks that are filled one after the other, and emptied together once the host has read the answer. */

#include "inside.h"

typedef struct block {
  _Alignas(8) struct block *next; /* so that what follows the block is aligned as well */
  size_t size, used;
} block;

enum { FIRST_BLOCK = 64 << 10, ALIGNMENT = 8 };

static block *blocks, *current;

void *td_malloc(size_t size) { return td_realloc(NULL, size); }

void *td_realloc(void *memory, size_t size) {
  void *found = realloc(memory, size ? size : 1);
  if (!found) td_fail_at("tidemill", 0, "there is no memory for %zu bytes", size);
  return found;
}

void *td_alloc(size_t size) {
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  while (current && current->size - current->used < size) {
    current = current->next;
    if (current) current->used = 0;
  }
  if (!current) {
    size_t room = FIRST_BLOCK;
    while (room < size) room *= 2;
    current = td_malloc(sizeof(block) + room);
    *current = (block){NULL, room, 0};
    if (!blocks) {
      blocks = current;
    } else {
      block *last = blocks;
      while (last->next) last = last->next;
      last->next = current;
    }
  }
  void *memory = (char *)(current + 1) + current->used;
  current->used += size;
  return memory;
}

void td_end_call(void) {
  current = blocks;
  if (current) current->used = 0;
}

char *td_copy(td_list text) {
  char *copy = td_alloc(text.size + 1);
  memcpy(copy, text.data, text.size);
  copy[text.size] = 0;
  return copy;
}

#ifdef __wasm__
/* Where the host puts the arguments of a call. */
__attribute__((export_name("cabi_realloc"))) void *td_cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)alignment;
  if (size <= old_size) return old;
  void *memory = td_alloc(size);
  if (old_size) memcpy(memory, old, old_size);
  return memory;
}
#endif

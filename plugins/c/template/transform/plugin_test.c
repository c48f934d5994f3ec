#include "plugin.c"

#include <tidemill_testing.h>

int main(void) {
  td_expect(td_try_transform("line: utf8", TD_VALUES(td_text("To be"))), "to\nbe\n");

  const char *long_word = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
  td_expect(td_try_transform("line: utf8", TD_VALUES(td_text(long_word), td_text("be"))),
            "be\nrefused: a word has 65 bytes, at most 64 are allowed\n");
  return 0;
}

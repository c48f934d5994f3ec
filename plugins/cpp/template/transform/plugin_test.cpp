#include "plugin.cpp"

#include <tidemill_testing.h>

#include <cassert>

int main() {
  auto words = tidemill::collect(split_words, Line{"To be"});
  assert(words.size() == 2 && words[0].word == "to" && words[1].word == "be");

  // Through the schema, as the host would.
  const std::string line(65, 'e');
  const td_value rows[] = {td_text(line.c_str()), td_text("be")};
  td_expect(td_try_transform("line: utf8", {rows, 2}), "be\nrefused: a word has 65 bytes, at most 64 are allowed\n");
}

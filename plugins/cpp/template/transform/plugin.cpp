// The words of a line.

#include <tidemill.hpp>

#include <algorithm>
#include <cctype>

struct Line {
  std::string_view line;
};
TIDEMILL_ROW(Line, line)

struct Word {
  std::string word;
};
TIDEMILL_ROW(Word, word)

void split_words(const Line& in, tidemill::Out<Word>& out) {
  auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  for (auto at = in.line.begin(); at != in.line.end();) {
    auto start = std::find_if_not(at, in.line.end(), is_space);
    at = std::find_if(start, in.line.end(), is_space);
    std::string word(start, at);
    if (word.size() > 64) {
      return tidemill::reject("a word has " + std::to_string(word.size()) + " bytes, at most 64 are allowed");
    }
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!word.empty()) out.emit({word});
  }
}
TIDEMILL_FLAT_MAP(split_words)

// The word count of the benchmarks, in C++: split, as rows, and a sum, also for windows.

#include <tidemill.hpp>

struct Line {
  std::string_view line;
};
TIDEMILL_ROW(Line, line)

struct Word {
  std::string_view word;
  std::int64_t n = 1;
};
TIDEMILL_ROW(Word, word, n)

void split_words(const Line& in, tidemill::Out<Word>& out) {
  constexpr std::string_view spaces = " \t\n\v\f\r";
  for (auto start = in.line.find_first_not_of(spaces); start != in.line.npos;) {
    auto end = std::min(in.line.find_first_of(spaces, start), in.line.size());
    out.emit({in.line.substr(start, end - start)});
    start = in.line.find_first_not_of(spaces, end);
  }
}
TIDEMILL_FLAT_MAP(split_words)

std::int64_t add(std::int64_t a, std::int64_t b) { return a + b; }
std::int64_t subtract(std::int64_t total, std::int64_t b) { return total - b; }
TIDEMILL_REDUCE_WITH_INVERSE(add, subtract)

// The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust.

#include <tidemill.hpp>

#include <algorithm>

using tidemill::Bytes, tidemill::Out, tidemill::Timestamp;

struct Config {
  std::string tag;
};
TIDEMILL_CONFIG(Config, tag)

struct All {
  std::optional<bool> b;
  std::optional<std::int64_t> i;
  std::optional<double> f;
  std::optional<std::string> s;
  std::optional<Bytes> y;
  std::optional<Timestamp> t;
};
TIDEMILL_ROW(All, b, i, f, s, y, t)

void all_types(const All& in, Out<All>& out) {
  if (in.s == "refuse") return tidemill::reject("the row is refused");
  if (in.s == "fail") tidemill::fail("the function fails");
  int times = in.s == "nothing" ? 0 : in.s == "twice" ? 2 : 1;
  All answer = in;
  if (answer.s) answer.s = tidemill::config<Config>().tag + *answer.s;
  for (; times > 0; times--) out.emit(answer);
}
TIDEMILL_FLAT_MAP(all_types)

struct Values {
  std::int64_t least = 0;
  double total = 0;
  std::optional<std::string_view> first;
};
TIDEMILL_ROW(Values, least, total, first)

Values combine(const Values& a, const Values& b) {
  if (a.least == 13 && b.least == 13) tidemill::reject("13 twice");
  return {std::min(a.least, b.least), a.total + b.total, a.first ? a.first : b.first};
}
TIDEMILL_REDUCE(combine)

struct Answer {
  Timestamp first;
  std::int64_t micros = 0, count = 0;
};
TIDEMILL_ROW(Answer, first, micros, count)

struct Span {
  Timestamp first, last;
  std::int64_t count = 0;

  void add(Timestamp time) { merge({time, time, 1}); }

  void merge(const Span& other) {
    first = count == 0 ? other.first : std::min(first, other.first);
    last = count == 0 ? other.last : std::max(last, other.last);
    count += other.count;
  }

  Answer finish() const { return {first, last.micros - first.micros, count}; }
};
TIDEMILL_ROW(Span, first, last, count)
TIDEMILL_AGGREGATE(Span)

struct Value {
  std::int64_t n = 0;
  std::optional<std::string> note;
};
TIDEMILL_ROW(Value, n, note)

struct Kept {
  std::int64_t sum = 0;
  std::optional<std::string> last;
};
TIDEMILL_ROW(Kept, sum, last)

struct Sum {
  std::int64_t sum = 0;
  Timestamp at;
};
TIDEMILL_ROW(Sum, sum, at)

void add_up(const std::string_view& key, const std::optional<Value>& value, tidemill::State<Kept>& state, Out<Sum>& out,
            Timestamp now) {
  Kept kept = state.get().value_or(Kept{});
  if (value && value->n == 0) return state.remove();
  if (value) {
    if (value->n == 13) tidemill::reject("13 at " + std::string(key));
    kept.sum += value->n;
    if (value->note) kept.last = value->note;
    state.update(kept);
  }
  out.emit({kept.sum, now});
}
TIDEMILL_MAP_WITH_STATE(add_up)

struct Total {
  double total = 0;
  std::optional<std::string> note;
};
TIDEMILL_ROW(Total, total, note)

Kept from_sum(std::int64_t sum) {
  if (sum < 0) tidemill::reject("the sum " + std::to_string(sum) + " is negative");
  return {sum, std::nullopt};
}

Kept from_total(const Total& earlier) { return {static_cast<std::int64_t>(earlier.total), earlier.note}; }
TIDEMILL_MIGRATE_STATE(from_sum, from_total)

struct Pair {
  std::int64_t sum = 0;
  std::optional<std::string_view> text;
};
TIDEMILL_ROW(Pair, sum, text)

void beside(const std::string_view&, std::span<const std::int64_t> left, std::span<const std::string_view> right,
            Out<Pair>& out) {
  std::int64_t sum = 0;
  for (auto n : left) sum += n;
  for (auto text : right) out.emit({sum, text});
  if (right.empty()) out.emit({sum, std::nullopt});
}
TIDEMILL_COGROUP(beside)

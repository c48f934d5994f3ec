/// @file
/// `map`, `flat_map` and `filter`, as the runtime has them. Plugins use the macros of tidemill.hpp.
#pragma once

namespace tidemill {

/// Behind the function of a TIDEMILL_MAP or TIDEMILL_FLAT_MAP: input columns stand before what is produced, but for those of the
/// same name.
inline constexpr bool carry = true;

/// What TIDEMILL_FLAT_MAP declares.
template <auto f, bool carried = false>
td_transform flat_map_of() {
  using S = Signature<decltype(f)>;
  using In = typename S::template Argument<0>;
  using Row = typename Inner<typename S::template Argument<1>>::Type;
  static_assert(Columns<In>::is_row && Columns<Row>::is_row, "both need names of columns; say them with TIDEMILL_ROW");
  return {schema_of<In>(), schema_of<Row>(), carried,
          [](const td_value* row, td_out* out) {
            Out<Row> rows(out);
            f(decoded<In>(row), rows);
          },
          nullptr};
}

/// What TIDEMILL_MAP declares.
template <auto f, bool carried = false>
td_transform map_of() {
  using S = Signature<decltype(f)>;
  using In = typename S::template Argument<0>;
  using Answer = typename S::Answer;
  static_assert(Columns<In>::is_row, "it needs names of columns; say them with TIDEMILL_ROW");
  if constexpr (is_optional<Answer>) {
    using Row = typename Inner<Answer>::Type;
    return {schema_of<In>(), schema_of<Row>(), carried,
            [](const td_value* row, td_out* out) {
              if (auto answer = f(decoded<In>(row))) Out<Row>(out).emit(*answer);
            },
            nullptr};
  } else {
    return {schema_of<In>(), schema_of<Answer>(), carried,
            [](const td_value* row, td_out* out) { Out<Answer>(out).emit(f(decoded<In>(row))); }, nullptr};
  }
}

/// What TIDEMILL_FILTER declares.
template <auto f>
td_transform filter_of() {
  using In = typename Signature<decltype(f)>::template Argument<0>;
  static_assert(Columns<In>::is_row, "it needs names of columns; say them with TIDEMILL_ROW");
  return {schema_of<In>(), nullptr, true, nullptr, [](const td_value* row) -> bool { return f(decoded<In>(row)); }};
}

/// For tests: the rows that a function of TIDEMILL_FLAT_MAP puts out for a row.
template <class In, class Row>
std::vector<Row> collect(void (*f)(const In&, Out<Row>&), const In& row) {
  std::vector<Row> rows;
  Out<Row> out(rows);
  f(row, out);
  return rows;
}

}  // namespace tidemill

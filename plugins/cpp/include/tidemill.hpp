// Tidemill plugins in C++: functions of rows, and a macro for each that makes an operator of it.
//
//   #include <tidemill.hpp>
//
//   struct Line { std::string_view line; };
//   struct Word { std::string_view word; std::int64_t n = 1; };
//   TIDEMILL_ROW(Line, line)
//   TIDEMILL_ROW(Word, word, n)
//
//   void split_words(const Line& in, tidemill::Out<Word>& out) { … out.emit({word}); }
//   TIDEMILL_FLAT_MAP(split_words)
//
// Members are columns by their names. A plain value, such as `std::int64_t`, stands for one column of any name. Views
// that a function is given are there until it returns; what it answers is copied. There are no exceptions:
// `tidemill::reject` and a return refuse a row, `tidemill::fail` ends the call.
#pragma once

#include "tidemill.h"

#include "tidemill/say.hpp"
#include "tidemill/values.hpp"
#include "tidemill/rows.hpp"
#include "tidemill/config.hpp"
#include "tidemill/transform.hpp"
#include "tidemill/keyed.hpp"

/// Says which members of a struct are columns, in their order. The struct has to have a value without arguments.
#define TIDEMILL_ROW(type, ...) \
  template <> \
  struct tidemill::Columns<type> { \
    static constexpr bool is_row = true; \
    static void each(auto& row, auto&& act) { TIDEMILL_EACH(__VA_ARGS__) } \
  };

/// Says which members of a struct are options of the manifest's `config`; what they are in a new one is their default.
/// Once in a plugin; `tidemill::config<type>()` answers them.
#define TIDEMILL_CONFIG(type, ...) \
  TIDEMILL_ROW(type, __VA_ARGS__) \
  extern "C" const td_option* const td_options = tidemill::Options<type>::list(); \
  extern "C" const std::size_t td_num_options = tidemill::Options<type>::list_size();

/// Rows from a row: `Row f(const In&)` or `std::optional<Row> f(const In&)`. With `tidemill::carry` behind it, input columns
/// stand before what it answers.
#define TIDEMILL_MAP(...) TD_THE(transform, tidemill::map_of<__VA_ARGS__>()) TD_EXPORT_TRANSFORM
/// `void f(const In&, tidemill::Out<Row>&)`.
#define TIDEMILL_FLAT_MAP(...) TD_THE(transform, tidemill::flat_map_of<__VA_ARGS__>()) TD_EXPORT_TRANSFORM
/// `bool f(const In&)`.
#define TIDEMILL_FILTER(function) TD_THE(transform, tidemill::filter_of<function>()) TD_EXPORT_TRANSFORM
/// `T f(const T&, const T&)`, associative and commutative.
#define TIDEMILL_REDUCE(function) TD_THE(reduce, tidemill::reduce_of<function>()) TD_EXPORT_REDUCE
/// The same with `T subtract(const T& total, const T&)`, for windows that slide.
#define TIDEMILL_REDUCE_WITH_INVERSE(function, subtract) \
  TD_THE(reduce, tidemill::reduce_of<function, subtract>()) TD_EXPORT_REDUCE TD_EXPORT_INVERSE
/// A row with `void add(const V&)`, `void merge(const T&)` and `Row finish() const`.
#define TIDEMILL_AGGREGATE(type) TD_THE(aggregate, tidemill::aggregate_of<type>()) TD_EXPORT_AGGREGATE
/// `std::optional<S> f([const K&,] std::span<const V>, std::optional<S>[, tidemill::Timestamp])`.
#define TIDEMILL_UPDATE_STATE(function) TD_THE(update, tidemill::update_of<function>()) TD_EXPORT_UPDATE
/// `void f(const K&, const std::optional<V>&, tidemill::State<S>&, tidemill::Out<Row>&[, tidemill::Timestamp])`.
#define TIDEMILL_MAP_WITH_STATE(function) TD_THE(update, tidemill::mapping_of<function>()) TD_EXPORT_UPDATE
/// `void f(const K&, std::span<const L>, std::span<const R>, tidemill::Out<Row>&)`.
#define TIDEMILL_COGROUP(function) TD_THE(cogroup, tidemill::cogroup_of<function>()) TD_EXPORT_COGROUP

// `act("name", row.name);` for each of up to 256 names.
#define TIDEMILL_PARENS ()
#define TIDEMILL_EXPAND(...) TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(__VA_ARGS__))))
#define TIDEMILL_EXPAND3(...) TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(__VA_ARGS__))))
#define TIDEMILL_EXPAND2(...) TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(__VA_ARGS__))))
#define TIDEMILL_EXPAND1(...) __VA_ARGS__
#define TIDEMILL_EACH(...) __VA_OPT__(TIDEMILL_EXPAND(TIDEMILL_STEP(__VA_ARGS__)))
#define TIDEMILL_STEP(name, ...) act(#name, row.name); __VA_OPT__(TIDEMILL_AGAIN TIDEMILL_PARENS(__VA_ARGS__))
#define TIDEMILL_AGAIN() TIDEMILL_STEP

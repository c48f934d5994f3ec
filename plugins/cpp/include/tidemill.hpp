/// @file
/// Tidemill plugins in C++: functions of rows, and a macro for each that makes an operator of it.
///
///     #include <tidemill.hpp>
///
///     struct Line { std::string_view line; };
///     struct Word { std::string_view word; std::int64_t n = 1; };
///     TIDEMILL_ROW(Line, line)
///     TIDEMILL_ROW(Word, word, n)
///
///     void split_words(const Line& in, tidemill::Out<Word>& out) { … out.emit({word}); }
///     TIDEMILL_FLAT_MAP(split_words)
///
/// Members are columns by their names. A plain value, such as `std::int64_t`, stands for one column of any name. Views
/// that a function is given are there until it returns; what it answers is copied. There are no exceptions:
/// `tidemill::reject` and a return refuse a row, `tidemill::fail` fails the call. A plugin has one operator of each kind at
/// most.
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

/// Declares the options of the manifest's `config`, once in a plugin: members of a struct, whose default is what they are in
/// a new one. `tidemill::config<type>()` answers them.
#define TIDEMILL_CONFIG(type, ...) \
  TIDEMILL_ROW(type, __VA_ARGS__) \
  extern "C" const td_option* const td_options = tidemill::Options<type>::list(); \
  extern "C" const std::size_t td_num_options = tidemill::Options<type>::list_size();

/// One row out for each row in: `Row f(const In&)`, or `std::optional<Row> f(const In&)` for one at most. With `tidemill::carry`
/// behind it, input columns stand before what is produced, but for those of the same name.
#define TIDEMILL_MAP(...) TD_THE(transform, tidemill::map_of<__VA_ARGS__>()) TD_EXPORT_TRANSFORM
/// Any number of rows out for each row in: `void f(const In&, tidemill::Out<Row>&)`. `tidemill::carry` is as of TIDEMILL_MAP.
#define TIDEMILL_FLAT_MAP(...) TD_THE(transform, tidemill::flat_map_of<__VA_ARGS__>()) TD_EXPORT_TRANSFORM
/// Keeps the rows for which the function answers true, as they are: `bool f(const In&)`.
#define TIDEMILL_FILTER(function) TD_THE(transform, tidemill::filter_of<function>()) TD_EXPORT_TRANSFORM
/// Combines two values of a key; it has to be associative and commutative: `T f(const T&, const T&)`.
#define TIDEMILL_REDUCE(function) TD_THE(reduce, tidemill::reduce_of<function>()) TD_EXPORT_REDUCE
/// The same with `T subtract(const T& total, const T&)`, which takes a value out of a total again, so that a window that slides
/// costs what enters and leaves it.
#define TIDEMILL_REDUCE_WITH_INVERSE(function, subtract) \
  TD_THE(reduce, tidemill::reduce_of<function, subtract>()) TD_EXPORT_REDUCE TD_EXPORT_INVERSE
/// Collects the values of a key in an accumulator, of which the row that comes out is made: a row with `void add(const V&)`,
/// `void merge(const T&)` and `Row finish() const`.
#define TIDEMILL_AGGREGATE(type) TD_THE(aggregate, tidemill::aggregate_of<type>()) TD_EXPORT_AGGREGATE
/// Called for each key with its new values and its state; answers the state, nothing to forget the key:
/// `std::optional<S> f([const K&,] std::span<const V>, std::optional<S>[, tidemill::Timestamp now])`.
#define TIDEMILL_UPDATE_STATE(function) TD_THE(update, tidemill::update_of<function>()) TD_EXPORT_UPDATE
/// Called for each value of a key, and once without a value where the key timed out:
/// `void f(const K&, const std::optional<V>&, tidemill::State<S>&, tidemill::Out<Row>&[, tidemill::Timestamp now])`.
#define TIDEMILL_MAP_WITH_STATE(function) TD_THE(update, tidemill::mapping_of<function>()) TD_EXPORT_UPDATE
/// Takes over the states of earlier versions, beside one of the two above: functions `S f(const T&)`, each of a state `T` that
/// an earlier version kept, plain or a row of exactly the columns that were kept. Called for each state when a running pipeline
/// is swapped to this version and its state has other columns; `tidemill::reject` refuses the swap.
#define TIDEMILL_MIGRATE_STATE(...) TD_THE(migrate, tidemill::migrate_of<__VA_ARGS__>()) TD_EXPORT_MIGRATE
/// Called for each key with its rows of two streams, either of which may have none:
/// `void f(const K&, std::span<const L>, std::span<const R>, tidemill::Out<Row>&)`.
#define TIDEMILL_COGROUP(function) TD_THE(cogroup, tidemill::cogroup_of<function>()) TD_EXPORT_COGROUP

/// `act("name", row.name);` for each of up to 256 names. This and what it is made of are not for plugins.
#define TIDEMILL_PARENS ()
#define TIDEMILL_EXPAND(...) TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(TIDEMILL_EXPAND3(__VA_ARGS__))))
#define TIDEMILL_EXPAND3(...) TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(TIDEMILL_EXPAND2(__VA_ARGS__))))
#define TIDEMILL_EXPAND2(...) TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(TIDEMILL_EXPAND1(__VA_ARGS__))))
#define TIDEMILL_EXPAND1(...) __VA_ARGS__
#define TIDEMILL_EACH(...) __VA_OPT__(TIDEMILL_EXPAND(TIDEMILL_STEP(__VA_ARGS__)))
#define TIDEMILL_STEP(name, ...) act(#name, row.name); __VA_OPT__(TIDEMILL_AGAIN TIDEMILL_PARENS(__VA_ARGS__))
#define TIDEMILL_AGAIN() TIDEMILL_STEP

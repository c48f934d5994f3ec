/// @file
/// Operators on keys, as the runtime has them: reduce, aggregate, update_state, map_with_state, cogroup. Plugins use the macros
/// of tidemill.hpp.
#pragma once

namespace tidemill {

/// Calls a function of two values.
template <auto f>
void combine(td_value* total, const td_value* value) {
  using T = typename Signature<decltype(f)>::template Argument<0>;
  encode<T>(f(decoded<T>(total), decoded<T>(value)), total);
}

/// What TIDEMILL_REDUCE declares.
template <auto f>
td_reduce reduce_of() {
  return {schema_of<typename Signature<decltype(f)>::template Argument<0>>(), combine<f>, nullptr};
}

/// What TIDEMILL_REDUCE_WITH_INVERSE declares.
template <auto f, auto subtract>
td_reduce reduce_of() {
  return {schema_of<typename Signature<decltype(f)>::template Argument<0>>(), combine<f>, combine<subtract>};
}

/// What TIDEMILL_AGGREGATE declares.
template <class T>
td_aggregate aggregate_of() {
  using V = typename Signature<decltype(&T::add)>::template Argument<0>;
  using Row = typename Signature<decltype(&T::finish)>::Answer;
  static constexpr auto change = [](td_value* values, auto&& act) {
    T total = decoded<T>(values);
    act(total);
    encode(total, values);
  };
  return {schema_of<V>(), schema_of<T>(), schema_of<Row>(),
          [](td_value* total) { encode(T{}, total); },
          [](td_value* total, const td_value* value) {
            change(total, [&](T& total) { total.add(decoded<V>(value)); });
          },
          [](td_value* total, const td_value* other) {
            change(total, [&](T& total) { total.merge(decoded<T>(other)); });
          },
          [](const td_value* total, td_value* row) { encode<Row>(decoded<T>(total).finish(), row); }};
}

/// What TIDEMILL_UPDATE_STATE declares.
template <auto f>
td_update update_of() {
  using S = Signature<decltype(f)>;
  constexpr bool has_key = S::arity > 2;
  using V = typename Inner<typename S::template Argument<has_key ? 1 : 0>>::Type;
  using Kept = typename Inner<typename S::Answer>::Type;
  const char* key = nullptr;
  if constexpr (has_key) key = schema_of<typename S::template Argument<0>>();
  return {key, schema_of<V>(), schema_of<Kept>(), nullptr,
          [](td_key* key) {
            auto values = decoded<V>(key->values);
            auto before = key->state ? std::optional<Kept>(decoded<Kept>(key->state)) : std::nullopt;
            std::optional<Kept> after;
            std::span<const V> span(values);
            if constexpr (S::arity == 2) after = f(span, before);
            else if constexpr (S::arity == 3) after = f(decoded<typename S::template Argument<0>>(key->key), span, before);
            else after = f(decoded<typename S::template Argument<0>>(key->key), span, before, Timestamp{key->now});
            if (after) td_keep_row(key, encoded(*after), width_of<Kept>());
            else td_forget(key);
          },
          nullptr};
}

/// What is kept of a key, in a function of TIDEMILL_MAP_WITH_STATE, which leaves it as it is unless it says otherwise.
template <class T>
class State {
 public:
  /// That of the runtime's key.
  explicit State(td_key* key) : key_(key) {
    if (key->state) value_ = decoded<T>(key->state);
  }
  /// For tests: that of a key that has this one, or none.
  explicit State(std::optional<T> value) : value_(std::move(value)) {}

  /// What it is, where there is one.
  const std::optional<T>& get() const { return value_; }
  /// Whether the key had no data for too long: its state may not be changed, and is gone afterwards.
  bool is_timing_out() const { return key_ && key_->is_timing_out; }
  /// Makes it `value` from now on.
  void update(const T& value) {
    value_ = value;
    if (key_) td_keep_row(key_, encoded(value), width_of<T>());
  }
  /// Forgets the key.
  void remove() {
    value_.reset();
    if (key_) td_forget(key_);
  }

 private:
  td_key* key_ = nullptr;
  std::optional<T> value_;
};

template <class T>
struct Inner<State<T>> { using Type = T; };

/// What TIDEMILL_MAP_WITH_STATE declares.
template <auto f>
td_update mapping_of() {
  using S = Signature<decltype(f)>;
  using K = typename S::template Argument<0>;
  using V = typename Inner<typename S::template Argument<1>>::Type;
  using Kept = typename Inner<typename S::template Argument<2>>::Type;
  using Row = typename Inner<typename S::template Argument<3>>::Type;
  return {schema_of<K>(), schema_of<V>(), schema_of<Kept>(), schema_of<Row>(), nullptr, [](td_key* key, td_out* out) {
            auto value = key->value ? std::optional<V>(decoded<V>(key->value)) : std::nullopt;
            State<Kept> state(key);
            Out<Row> rows(out);
            if constexpr (S::arity == 4) f(decoded<K>(key->key), value, state, rows);
            else f(decoded<K>(key->key), value, state, rows, Timestamp{key->now});
          }};
}

/// A function of TIDEMILL_MIGRATE_STATE.
template <auto f>
td_migration migration_of() {
  using S = Signature<decltype(f)>;
  using Earlier = typename S::template Argument<0>;
  using Kept = typename S::Answer;
  return {schema_of<Earlier>(),
          [](const td_value* earlier, td_value* state) { encode<Kept>(f(decoded<Earlier>(earlier)), state); },
          width_of<Kept>()};
}

/// What TIDEMILL_MIGRATE_STATE declares.
template <auto... functions>
td_migrate migrate_of() {
  static const td_migration migrations[] = {migration_of<functions>()...};
  return {migrations, sizeof...(functions)};
}

/// What TIDEMILL_COGROUP declares.
template <auto f>
td_cogroup cogroup_of() {
  using S = Signature<decltype(f)>;
  using K = typename S::template Argument<0>;
  using L = typename Inner<typename S::template Argument<1>>::Type;
  using R = typename Inner<typename S::template Argument<2>>::Type;
  using Row = typename Inner<typename S::template Argument<3>>::Type;
  return {schema_of<K>(), schema_of<L>(), schema_of<R>(), schema_of<Row>(), [](const td_pair* pair, td_out* out) {
            auto left = decoded<L>(pair->left);
            auto right = decoded<R>(pair->right);
            Out<Row> rows(out);
            f(decoded<K>(pair->key), std::span<const L>(left), std::span<const R>(right), rows);
          }};
}

}  // namespace tidemill

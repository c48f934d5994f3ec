/// @file
/// Rows: structs whose members are columns, or plain values of one column.
#pragma once

namespace tidemill {

/// What TIDEMILL_ROW says of a struct; other types are plain.
template <class T>
struct Columns {
  /// Whether members of it are columns.
  static constexpr bool is_row = false;
};

/// A key that the function doesn't look at.
struct AnyKey {};

/// The columns as the runtime has them declared: `word: utf8, n: int64?`, or a type alone.
template <class T>
const char* schema_of() {
  if (std::is_same_v<T, AnyKey>) return nullptr;
  static const std::string text = [] {
    std::string text;
    if constexpr (std::is_same_v<T, AnyKey>) {
    } else if constexpr (Columns<T>::is_row) {
      T row{};
      Columns<T>::each(row, [&]<class M>(const char* name, M&) {
        text += (text.empty() ? "" : ", ") + std::string(name) + ": " + Value<M>::name + (is_optional<M> ? "?" : "");
      });
    } else {
      text = std::string(Value<T>::name) + (is_optional<T> ? "?" : "");
    }
    return text;
  }();
  return text.c_str();
}

/// How many columns a row has.
template <class T>
std::size_t width_of() {
  if constexpr (Columns<T>::is_row) {
    static const std::size_t width = [] {
      std::size_t width = 0;
      T row{};
      Columns<T>::each(row, [&](const char*, auto&) { width++; });
      return width;
    }();
    return width;
  }
  return 1;
}

/// A row of the runtime's values.
template <class T>
T decoded(const td_value* values) {
  if constexpr (std::is_same_v<T, AnyKey>) {
    return {};
  } else if constexpr (Columns<T>::is_row) {
    T row{};
    Columns<T>::each(row, [&]<class M>(const char*, M& member) { member = Value<M>::from(*values++); });
    return row;
  } else {
    return Value<T>::from(*values);
  }
}

/// Writes a row to as many values as it has columns.
template <class T>
void encode(const T& row, td_value* values) {
  if constexpr (Columns<T>::is_row) {
    Columns<T>::each(row, [&]<class M>(const char*, const M& member) { *values++ = Value<M>::to(member); });
  } else {
    *values = Value<T>::to(row);
  }
}

/// A row as values that are there until the call ends.
template <class T>
td_value* encoded(const T& row) {
  auto* values = static_cast<td_value*>(td_alloc((width_of<T>() + 1) * sizeof(td_value)));
  encode(row, values);
  return values;
}

/// All rows of the runtime's.
template <class T>
std::vector<T> decoded(td_rows rows) {
  std::vector<T> all;
  all.reserve(rows.num_rows);
  for (std::size_t i = 0; i < rows.num_rows; i++) all.push_back(decoded<T>(td_row(rows, i)));
  return all;
}

/// Rows that come out.
template <class Row>
class Out {
 public:
  /// Those of the runtime.
  explicit Out(td_out* out) : out_(out) {}
  /// For tests: puts rows into `rows`.
  explicit Out(std::vector<Row>& rows) : rows_(&rows) {}

  /// Puts out a row.
  void emit(const Row& row) {
    if (rows_) {
      rows_->push_back(row);
      return;
    }
    td_value values[64];
    std::size_t width = width_of<Row>();
    td_value* to = width <= 64 ? values : static_cast<td_value*>(td_alloc(width * sizeof(td_value)));
    encode(row, to);
    td_emit_row(out_, to, width);
  }

 private:
  td_out* out_ = nullptr;
  std::vector<Row>* rows_ = nullptr;
};

/// What a function is given and answers. Not for plugins.
template <class F>
struct Signature;
template <class R, class... As>
struct Signature<R (*)(As...)> {
  using Answer = R;
  static constexpr std::size_t arity = sizeof...(As);
  template <std::size_t I>
  using Argument = std::remove_cvref_t<std::tuple_element_t<I, std::tuple<As...>>>;
};
template <class R, class T, class... As>
struct Signature<R (T::*)(As...)> : Signature<R (*)(As...)> {};
template <class R, class T, class... As>
struct Signature<R (T::*)(As...) const> : Signature<R (*)(As...)> {};

/// What an `Out`, `std::optional`, `std::span` or `State` is of. Not for plugins.
template <class T>
struct Inner;
template <class T>
struct Inner<Out<T>> { using Type = T; };
template <class T>
struct Inner<std::optional<T>> { using Type = T; };
template <class T, std::size_t N>
struct Inner<std::span<const T, N>> { using Type = T; };

}  // namespace tidemill

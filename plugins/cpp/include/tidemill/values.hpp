/// @file
/// The types that a column may have in C++, and the way between a value and what the host gives.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace tidemill {

/// Microseconds since 1970, UTC.
struct Timestamp {
  /// How many.
  std::int64_t micros = 0;
  /// Earlier ones are smaller.
  friend auto operator<=>(Timestamp, Timestamp) = default;
};

/// Bytes of any kind, which somebody else holds; texts are `std::string_view`.
using Bytes = std::span<const std::uint8_t>;

/// How a type travels: its name, and the way from and to the runtime's values. A type without one is none that a column may have.
template <class T>
struct Value;

template <>
struct Value<bool> {
  static constexpr const char* name = "boolean";
  static bool from(const td_value& value) { return value.boolean; }
  static td_value to(bool value) { return td_bool(value); }
};

template <>
struct Value<std::int64_t> {
  static constexpr const char* name = "int64";
  static std::int64_t from(const td_value& value) { return value.int64; }
  static td_value to(std::int64_t value) { return td_int(value); }
};

template <>
struct Value<double> {
  static constexpr const char* name = "float64";
  static double from(const td_value& value) { return value.float64; }
  static td_value to(double value) { return td_float(value); }
};

template <>
struct Value<Timestamp> {
  static constexpr const char* name = "timestamp";
  static Timestamp from(const td_value& value) { return {value.int64}; }
  static td_value to(Timestamp value) { return td_time(value.micros); }
};

template <>
struct Value<std::string_view> {
  static constexpr const char* name = "utf8";
  static std::string_view from(const td_value& value) { return {value.bytes.data, value.bytes.size}; }
  static td_value to(std::string_view value) { return td_text_n(value.data(), value.size()); }
};

template <>
struct Value<Bytes> {
  static constexpr const char* name = "binary";
  static Bytes from(const td_value& value) {
    return {reinterpret_cast<const std::uint8_t*>(value.bytes.data), value.bytes.size};
  }
  static td_value to(Bytes value) { return td_binary(value.data(), value.size()); }
};

/// Memory until the call of the host ends, with a copy of what goes away before.
inline const void* copied(const void* data, std::size_t size) {
  return size == 0 ? data : std::memcpy(td_alloc(size), data, size);
}

template <>
struct Value<std::string> {
  static constexpr const char* name = "utf8";
  static std::string from(const td_value& value) { return {value.bytes.data, value.bytes.size}; }
  static td_value to(const std::string& value) {
    return td_text_n(static_cast<const char*>(copied(value.data(), value.size())), value.size());
  }
};

template <>
struct Value<std::vector<std::uint8_t>> {
  static constexpr const char* name = "binary";
  static std::vector<std::uint8_t> from(const td_value& value) {
    Bytes bytes = Value<Bytes>::from(value);
    return {bytes.begin(), bytes.end()};
  }
  static td_value to(const std::vector<std::uint8_t>& value) {
    return td_binary(copied(value.data(), value.size()), value.size());
  }
};

/// A column where there may be no value.
template <class T>
struct Value<std::optional<T>> {
  static constexpr const char* name = Value<T>::name;
  static std::optional<T> from(const td_value& value) {
    return value.is_null ? std::nullopt : std::optional<T>(Value<T>::from(value));
  }
  static td_value to(const std::optional<T>& value) { return value ? Value<T>::to(*value) : td_null(); }
};

/// Whether a type is a `std::optional`.
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace tidemill

/// @file
/// Configs: a struct whose members are options; what they are in a new one is their default.
#pragma once

namespace tidemill {

/// An option that the manifest has to give.
template <class T>
struct Required {
  /// What the manifest says.
  T value{};
  /// The same.
  operator const T&() const { return value; }
};

/// How a member of a config is declared and read. Not for plugins.
template <class T>
struct Option {
  /// Says its type and default.
  static void describe(td_option& option, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      option.type = TD_OPTION_BOOL;
      option.boolean = value;
    } else if constexpr (std::is_integral_v<T>) {
      option.type = TD_OPTION_INT;
      option.integer = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      option.type = TD_OPTION_FLOAT;
      option.number = value;
    } else {
      // The runtime keeps the place of a text, so it has to stay.
      option.type = TD_OPTION_TEXT;
      option.text = (new std::string(value))->c_str();
    }
  }

  /// What the manifest says of it.
  static T given(const char* name) {
    if constexpr (std::is_same_v<T, bool>) return td_config_bool(name);
    else if constexpr (std::is_integral_v<T>) return static_cast<T>(td_config_int(name));
    else if constexpr (std::is_floating_point_v<T>) return static_cast<T>(td_config_float(name));
    else return T(td_config_text(name));
  }
};

template <class T>
struct Option<Required<T>> {
  static void describe(td_option& option, const Required<T>& value) {
    Option<T>::describe(option, value.value);
    option.is_required = true;
  }
  static Required<T> given(const char* name) { return {Option<T>::given(name)}; }
};

/// The options of a config, as the runtime has them declared. Not for plugins.
template <class T>
struct Options {
  /// The first of them.
  static const td_option* list() { return all().data(); }
  /// How many they are.
  static std::size_t list_size() { return all().size(); }

 private:
  static const std::vector<td_option>& all() {
    static const std::vector<td_option> options = [] {
      std::vector<td_option> options;
      T defaults{};
      Columns<T>::each(defaults, [&]<class M>(const char* name, M& member) {
        td_option option{};
        option.name = name;
        Option<M>::describe(option, member);
        options.push_back(option);
      });
      return options;
    }();
    return options;
  }
};

/// What the manifest's `config` says, with the defaults; TIDEMILL_CONFIG has to declare it. In tests it is the defaults alone.
template <class T>
const T& config() {
  static const T given = [] {
    T given{};
#ifdef __wasm__
    Columns<T>::each(given, [&]<class M>(const char* name, M& member) { member = Option<M>::given(name); });
#endif
    return given;
  }();
  return given;
}

}  // namespace tidemill

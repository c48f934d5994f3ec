/// @file
/// What a plugin says: refusals, failures, lines of the log, counts.
#pragma once

#include <source_location>
#include <string_view>

namespace tidemill {

/// Refuses the row that the function looks at, with the reason for whoever reads the dead letters. Of an operator on keys it
/// fails the key. The function should return afterwards; what it put out for the row is taken back.
inline void reject(std::string_view reason) { td_reject("%.*s", static_cast<int>(reason.size()), reason.data()); }

/// Fails the call, with file and line; does not return. The host finds the rows that it is about.
[[noreturn]] inline void fail(std::string_view problem, std::source_location at = std::source_location::current()) {
  td_fail_at(at.file_name(), static_cast<int>(at.line()), "%.*s", static_cast<int>(problem.size()), problem.data());
}

/// Writes a line to the host's log; `printf` does so as well.
inline void log(td_level level, std::string_view line) { td_log(level, "%.*s", static_cast<int>(line.size()), line.data()); }

/// Adds `delta` to the counter `name` of this operator in the host's metrics.
inline void count(const char* name, std::uint64_t delta = 1) { td_count(name, delta); }

}  // namespace tidemill

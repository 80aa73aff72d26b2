// MOLDAU_ASSERT: a check of our own logic, on in every build. Never on bytes from a peer or a disk: those are Results.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace moldau {

// Prints the expression, its place and the ids to stderr, then aborts.
[[noreturn]] void assert_failed(const char* expression, const char* file, int line,
                                std::initializer_list<std::int64_t> ids) noexcept;

}  // namespace moldau

// MOLDAU_ASSERT(cond) or MOLDAU_ASSERT(cond, id, ...): the ids (integers) are printed to make the report useful.
#define MOLDAU_ASSERT(condition, ...)                                         \
  do {                                                                        \
    if (!(condition)) [[unlikely]] {                                          \
      ::moldau::assert_failed(#condition, __FILE__, __LINE__, {__VA_ARGS__}); \
    }                                                                         \
  } while (false)

// Expected failures are values: Result<T> is a value or an Error.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace moldau {

// What went wrong, coarse enough to decide on. Wire error codes are mapped from it at the handlers.
enum class ErrorKind : std::uint8_t {
  kCorrupt,      // bytes that contradict their checksum or format
  kTruncated,    // fewer bytes than the format needs
  kTooLarge,     // beyond a named maximum
  kUnsupported,  // a version, codec or feature we do not have
  kInvalid,      // a value outside its domain
  kNotFound,
  kExists,
  kLocked,  // held by another process
  kIo,      // the operating system refused; os_error() says why
  kNoSpace,
  kOffline,  // the log directory failed earlier; nothing is written to it again
  kClosed,
  kTimedOut,
  kOutOfRange,
  kFenced,       // an older epoch
  kOutOfMemory,  // a memory budget is spent
};

[[nodiscard]] std::string_view to_string(ErrorKind kind) noexcept;

// A kind plus static context; copying it allocates nothing. `context` must be a string literal.
class Error {
 public:
  constexpr Error(ErrorKind kind, const char* context, int os_error = 0, std::int64_t detail = 0) noexcept
      : context_(context), detail_(detail), os_error_(os_error), kind_(kind) {}

  [[nodiscard]] constexpr ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] constexpr const char* context() const noexcept { return context_; }
  [[nodiscard]] constexpr int os_error() const noexcept { return os_error_; }
  // A number that helps: a position, an offset, a version. 0 if none.
  [[nodiscard]] constexpr std::int64_t detail() const noexcept { return detail_; }

  // "corrupt: batch checksum (at 1234)" for logs and tools.
  [[nodiscard]] std::string message() const;

  friend constexpr bool operator==(const Error& a, const Error& b) noexcept {
    return a.kind_ == b.kind_ && a.os_error_ == b.os_error_ && a.detail_ == b.detail_;
  }

 private:
  const char* context_;
  std::int64_t detail_;
  int os_error_;
  ErrorKind kind_;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] constexpr std::unexpected<Error> fail(ErrorKind kind, const char* context, int os_error = 0,
                                                    std::int64_t detail = 0) noexcept {
  return std::unexpected<Error>(Error(kind, context, os_error, detail));
}

}  // namespace moldau

#define MOLDAU_CONCAT_INNER(a, b) a##b
#define MOLDAU_CONCAT(a, b) MOLDAU_CONCAT_INNER(a, b)

// MOLDAU_TRY(name, expression): declares `name` with the value, or returns the error. Not in coroutines.
#define MOLDAU_TRY(name, expression)                                                 \
  auto MOLDAU_CONCAT(moldau_try_, __LINE__) = (expression);                          \
  if (!MOLDAU_CONCAT(moldau_try_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(MOLDAU_CONCAT(moldau_try_, __LINE__)).error()); \
  auto name = *std::move(MOLDAU_CONCAT(moldau_try_, __LINE__))

// MOLDAU_CHECK(expression): for Result<void> and for values that are not needed.
#define MOLDAU_CHECK(expression)                                                                           \
  if (auto MOLDAU_CONCAT(moldau_check_, __LINE__) = (expression); !MOLDAU_CONCAT(moldau_check_, __LINE__)) \
      [[unlikely]]                                                                                         \
  return std::unexpected(std::move(MOLDAU_CONCAT(moldau_check_, __LINE__)).error())

// The same inside Tasks.
#define MOLDAU_CO_TRY(name, expression)                                                 \
  auto MOLDAU_CONCAT(moldau_try_, __LINE__) = (expression);                             \
  if (!MOLDAU_CONCAT(moldau_try_, __LINE__)) [[unlikely]]                               \
    co_return std::unexpected(std::move(MOLDAU_CONCAT(moldau_try_, __LINE__)).error()); \
  auto name = *std::move(MOLDAU_CONCAT(moldau_try_, __LINE__))

#define MOLDAU_CO_CHECK(expression)                                                                        \
  if (auto MOLDAU_CONCAT(moldau_check_, __LINE__) = (expression); !MOLDAU_CONCAT(moldau_check_, __LINE__)) \
      [[unlikely]]                                                                                         \
  co_return std::unexpected(std::move(MOLDAU_CONCAT(moldau_check_, __LINE__)).error())

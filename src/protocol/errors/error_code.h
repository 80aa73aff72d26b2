// The error codes of Kafka's protocol, with name, our default message, and how a client may react.
// Source: Kafka's Errors enumeration, by way of schema/errors. Difference: the messages are our own.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/errors/error_codes.h"

namespace moldau::protocol {

namespace detail {
struct ErrorEntry {
  const char* name;
  const char* message;
  bool retriable;
  bool refresh;
};
extern const ErrorEntry kErrors[kErrorCodeMax + 2];
}  // namespace detail

[[nodiscard]] constexpr std::int16_t to_wire(ErrorCode code) noexcept {
  return static_cast<std::int16_t>(code);
}

// A code from a peer; one that we do not know is kUnknownServerError, as in Kafka.
[[nodiscard]] constexpr ErrorCode error_from_wire(std::int16_t code) noexcept {
  return code >= -1 && code <= kErrorCodeMax ? static_cast<ErrorCode>(code) : ErrorCode::kUnknownServerError;
}

// `code` must be one of the enumerators.
[[nodiscard]] std::string_view name(ErrorCode code) noexcept;             // "NOT_LEADER_OR_FOLLOWER"
[[nodiscard]] std::string_view default_message(ErrorCode code) noexcept;  // "" never
[[nodiscard]] bool is_retriable(ErrorCode code) noexcept;                 // the same request may succeed later
[[nodiscard]] bool needs_metadata_refresh(ErrorCode code) noexcept;       // … after the client has fetched metadata

}  // namespace moldau::protocol

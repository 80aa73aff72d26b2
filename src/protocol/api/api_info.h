// The APIs of Kafka 4.3: name, versions, listeners, and which header goes with which version.
// Source: KIP-482 (flexible headers), KIP-511 (ApiVersions' header), KIP-590 (listeners). The table is generated
// from schema/messages. What this broker advertises is decided elsewhere: here is all that the protocol knows.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "protocol/api/api_key.h"
#include "protocol/api/request_header.h"
#include "protocol/wire/reader.h"

namespace moldau::protocol {

inline constexpr std::uint8_t kOnBroker = 1;
inline constexpr std::uint8_t kOnController = 2;

struct ApiInfo {
  ApiKey key{};
  const char* name = "";
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;     // the latest stable one
  std::int16_t latest_version = 0;  // above max_version if Kafka marks it as unstable
  std::int16_t flexible_version = kNeverFlexible;
  std::uint8_t listeners = 0;  // kOnBroker | kOnController

  [[nodiscard]] constexpr bool supports(std::int16_t version) const noexcept {
    return version >= min_version && version <= max_version;
  }
  [[nodiscard]] constexpr bool is_flexible(std::int16_t version) const noexcept { return version >= flexible_version; }
  [[nodiscard]] constexpr std::int16_t request_header_version(std::int16_t version) const noexcept {
    return is_flexible(version) ? 2 : 1;
  }
  // ApiVersions is always answered with the oldest header, because the client does not know our versions yet.
  [[nodiscard]] constexpr std::int16_t response_header_version(std::int16_t version) const noexcept {
    return is_flexible(version) && key != ApiKey::kApiVersions ? 1 : 0;
  }
};

// All live APIs, by ascending key.
[[nodiscard]] std::span<const ApiInfo> api_table() noexcept;

// nullptr for a key that does not exist or is retired.
[[nodiscard]] const ApiInfo* find_api(std::int16_t key) noexcept;
[[nodiscard]] const ApiInfo& api_info(ApiKey key) noexcept;

// Reads the header at the start of a request frame; the reader then stands at the body. The API's version is not
// judged: ApiVersions answers versions that it does not have.
// kUnsupported: a key that we do not know (the connection is to be closed); else the reader's error.
[[nodiscard]] Result<RequestHeader> decode_request_header(wire::Reader& reader);

}  // namespace moldau::protocol

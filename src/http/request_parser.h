// Parses the head of one HTTP/1.1 request. Pure; Boost.Beast does the work behind one source file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace moldau::http {

enum class ParseStatus : std::uint8_t { kComplete, kNeedBytes, kBad };

struct HttpRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // after '?', as sent
  bool keep_alive = false;
};

struct ParsedRequest {
  ParseStatus status = ParseStatus::kNeedBytes;
  std::size_t consumed_bytes = 0;  // when complete
  HttpRequest request;
};

inline constexpr std::size_t kRequestHeadBytesMax = 8 << 10;

// kBad: not HTTP/1.x, a head above kRequestHeadBytesMax, or a body, which none of our endpoints takes.
[[nodiscard]] ParsedRequest parse_request(Bytes received);

}  // namespace moldau::http

#include "protocol/api/api_info.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::protocol {

const ApiInfo* find_api(std::int16_t key) noexcept {
  const auto table = api_table();
  const auto at = std::ranges::lower_bound(table, static_cast<ApiKey>(key), {}, &ApiInfo::key);
  return at != table.end() && at->key == static_cast<ApiKey>(key) ? &*at : nullptr;
}

const ApiInfo& api_info(ApiKey key) noexcept {
  const ApiInfo* const info = find_api(static_cast<std::int16_t>(key));
  MOLDAU_ASSERT(info != nullptr, static_cast<std::int16_t>(key));
  return *info;
}

Result<RequestHeader> decode_request_header(wire::Reader& reader) {
  wire::Reader ahead = reader;
  const std::int16_t key = ahead.int16();
  const std::int16_t version = ahead.int16();
  if (!ahead.ok()) {
    return std::unexpected(ahead.error());
  }
  const ApiInfo* const info = find_api(key);
  if (info == nullptr) {
    return fail(ErrorKind::kUnsupported, "API key", 0, key);
  }
  return RequestHeader::decode(reader, info->request_header_version(version));
}

}  // namespace moldau::protocol

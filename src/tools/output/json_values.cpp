#include "tools/output/json_values.h"

#include <string>

namespace moldau::tools {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::size_t count = bytes.size() < 3 ? bytes.size() : 3;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= count ? kBase64[bits >> (18 - 6 * i) & 63U] : '=';
    }
    bytes = bytes.subspan(count);
  }
  return text;
}

}  // namespace

void write_json_value(JsonWriter& json, Bytes value) {
  json.value(base64(value));
}

}  // namespace moldau::tools

#include "base/uuid.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace moldau {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTextSize = 22;

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

std::string Uuid::to_string() const {
  std::array<std::byte, 16> raw;
  store_be(raw.data(), high);
  store_be(raw.data() + 8, low);
  std::string text;
  text.reserve(kTextSize);
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : raw) {
    bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
    count += 8;
    while (count >= 6) {
      count -= 6;
      text.push_back(kAlphabet[bits >> count & 63]);
    }
  }
  text.push_back(kAlphabet[bits << (6 - count) & 63]);
  return text;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextSize) {
    return fail(ErrorKind::kInvalid, "a uuid has 22 base64 characters", 0, static_cast<std::int64_t>(text.size()));
  }
  std::array<std::byte, 16> raw{};
  std::size_t filled = 0;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) {
      return fail(ErrorKind::kInvalid, "a uuid has URL-safe base64 characters only");
    }
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8 && filled < raw.size()) {
      count -= 8;
      raw[filled++] = static_cast<std::byte>(bits >> count & 0xFF);
    }
  }
  return Uuid{load_be<std::uint64_t>(raw.data()), load_be<std::uint64_t>(raw.data() + 8)};
}

}  // namespace moldau

#include "protocol/testing/codec.h"

#include <vector>

namespace moldau::testing {

void check_stable(std::string_view kind, Bytes input) {
  static const std::vector<const Codec*> chosen = [kind] {
    std::vector<const Codec*> out;
    for (const Codec* const codec : all_codecs()) {
      const bool is_message = codec->kind == "request" || codec->kind == "response";
      if (kind == "record" ? !is_message : codec->kind == kind) {
        out.push_back(codec);
      }
    }
    return out;
  }();
  if (input.size() < 3) {
    return;
  }
  const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(input[at]); };
  const Codec& codec = *chosen[(byte(0) * 256 + byte(1)) % chosen.size()];
  const unsigned versions = static_cast<unsigned>(codec.max_version - codec.min_version + 1);
  const auto version = static_cast<std::int16_t>(codec.min_version + static_cast<int>(byte(2) % versions));
  const auto once = codec.recode(input.subspan(3), version);
  if (!once.has_value()) {
    return;
  }
  const auto twice = codec.recode(once->bytes, version);
  MOLDAU_ASSERT(twice.has_value(), codec.key, version);
  MOLDAU_ASSERT(twice->left_over == 0, codec.key, version);
  MOLDAU_ASSERT(equal(once->bytes, twice->bytes), codec.key, version);
}

}  // namespace moldau::testing

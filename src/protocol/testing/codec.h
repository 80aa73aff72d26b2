// One structure of schema/ behind plain functions, so that a test can walk all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "protocol/testing/filler.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace moldau::testing {

// What became of a frame that was decoded and encoded again.
struct Recoded {
  ByteVector bytes;
  std::size_t left_over = 0;  // bytes of the frame that the structure did not take
};

struct Codec {
  const char* name;
  std::string_view kind;  // "request", "response", "metadata-record", …
  std::int16_t key;       // API key or type id; -1 if it has none
  std::int16_t min_version;
  std::int16_t max_version;
  std::int16_t flexible_version;
  // One function each way, because each is compiled for every structure.
  ByteVector (*make_frame)(Filler* filler, std::int16_t version);  // default values without a filler
  Result<Recoded> (*take_frame)(Bytes frame, std::int16_t version, bool and_encode);

  // All fields at their defaults: no tagged field.
  [[nodiscard]] ByteVector default_frame(std::int16_t version) const { return make_frame(nullptr, version); }
  [[nodiscard]] ByteVector random_frame(Filler& filler, std::int16_t version) const {
    return make_frame(&filler, version);
  }
  [[nodiscard]] Result<void> decode(Bytes frame, std::int16_t version) const {
    MOLDAU_CHECK(take_frame(frame, version, false));
    return {};
  }
  [[nodiscard]] Result<Recoded> recode(Bytes frame, std::int16_t version) const {
    return take_frame(frame, version, true);
  }
  [[nodiscard]] bool is_flexible(std::int16_t version) const noexcept { return version >= flexible_version; }
};

// All of them, by name.
[[nodiscard]] std::span<const Codec* const> all_codecs() noexcept;

// For fuzzers: the first three bytes choose a structure of this kind ("record" for all that is no request or response)
// and its version, the rest is the frame. What decodes must encode, and what was encoded must be stable.
void check_stable(std::string_view kind, Bytes input);

template <class T>
ByteVector make_frame(Filler* filler, std::int16_t version) {
  T message;
  if (filler != nullptr) {
    fill(*filler, version, message);
  }
  wire::Writer writer;
  message.encode(writer, version);
  MOLDAU_ASSERT(writer.ok());
  return writer.take();
}

template <class T>
Result<Recoded> take_frame(Bytes frame, std::int16_t version, bool and_encode) {
  wire::Reader reader(frame);
  const Result<T> message = T::decode(reader, version);
  if (!message) {
    return std::unexpected(message.error());
  }
  wire::Writer writer;
  if (and_encode) {
    message->encode(writer, version);
    MOLDAU_ASSERT(writer.ok());
  }
  return Recoded{writer.take(), reader.remaining()};
}

}  // namespace moldau::testing

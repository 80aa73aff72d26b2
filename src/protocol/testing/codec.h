// One structure of schema/ behind plain functions, so that a test can walk all of them.
#pragma once

#include <cstddef>
#include <cstdint>
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
  ByteVector (*default_frame)(std::int16_t version);  // all fields at their defaults: no tagged field
  ByteVector (*random_frame)(Filler&, std::int16_t version);
  Result<void> (*decode)(Bytes frame, std::int16_t version);
  Result<Recoded> (*recode)(Bytes frame, std::int16_t version);

  [[nodiscard]] bool is_flexible(std::int16_t version) const noexcept { return version >= flexible_version; }
};

// All of them, by name.
[[nodiscard]] std::span<const Codec* const> all_codecs() noexcept;

// For fuzzers: the first three bytes choose a structure of this kind ("record" for all that is no request or response)
// and its version, the rest is the frame. What decodes must encode, and what was encoded must be stable.
void check_stable(std::string_view kind, Bytes input);

template <class T>
ByteVector encoded(const T& message, std::int16_t version) {
  wire::Writer writer;
  message.encode(writer, version);
  MOLDAU_ASSERT(writer.ok());
  return writer.take();
}

template <class T>
ByteVector default_frame(std::int16_t version) {
  return encoded(T(), version);
}

template <class T>
ByteVector random_frame(Filler& filler, std::int16_t version) {
  T message;
  fill(filler, version, message);
  return encoded(message, version);
}

template <class T>
Result<void> decode(Bytes frame, std::int16_t version) {
  wire::Reader reader(frame);
  MOLDAU_CHECK(T::decode(reader, version));
  return {};
}

template <class T>
Result<Recoded> recode(Bytes frame, std::int16_t version) {
  wire::Reader reader(frame);
  MOLDAU_TRY(message, T::decode(reader, version));
  return Recoded{encoded(message, version), reader.remaining()};
}

}  // namespace moldau::testing

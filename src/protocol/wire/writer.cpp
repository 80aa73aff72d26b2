#include "protocol/wire/writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "protocol/wire/reader.h"

namespace moldau::wire {

void Writer::grow(std::size_t count) {
  buffer_.resize(std::max(buffer_.size() * 2, size_ + count));
}

ByteVector Writer::take() {
  buffer_.resize(size_);
  ByteVector out = std::move(buffer_);
  buffer_ = ByteVector();
  clear();
  return out;
}

void Writer::clear() noexcept {
  size_ = 0;
  splices_.clear();
  spliced_bytes_ = 0;
  ok_ = true;
}

void Writer::uuid(Uuid value) {
  std::byte* const at = extend(16);
  store_be(at, value.high);
  store_be(at + 8, value.low);
}

void Writer::uvarint(std::uint32_t value) {
  uvarlong(value);
}

void Writer::uvarlong(std::uint64_t value) {
  while (value >= 0x80) {
    fixed(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  fixed(static_cast<std::uint8_t>(value));
}

void Writer::varint(std::int32_t value) {
  uvarint((static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31));
}

void Writer::varlong(std::int64_t value) {
  uvarlong((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void Writer::raw(Bytes bytes) {
  if (!bytes.empty()) {
    std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }
}

void Writer::patch_int32(std::size_t position, std::int32_t value) {
  MOLDAU_ASSERT(position + sizeof value <= size_, static_cast<std::int64_t>(position));
  store_be(buffer_.data() + position, value);
}

// The length of a bytes, records or array field; Kafka's are signed 32 bits.
void Writer::length(std::size_t value, bool compact) {
  if (value >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) [[unlikely]] {
    ok_ = false;
    value = 0;
  }
  if (compact) {
    uvarint(static_cast<std::uint32_t>(value + 1));
  } else {
    int32(static_cast<std::int32_t>(value));
  }
}

void Writer::string(std::string_view value, bool compact) {
  if (value.size() > kStringBytesMax) [[unlikely]] {
    ok_ = false;
    value = {};
  }
  if (compact) {
    uvarint(static_cast<std::uint32_t>(value.size() + 1));
  } else {
    int16(static_cast<std::int16_t>(value.size()));
  }
  raw(as_bytes(value));
}

void Writer::nullable_string(const std::optional<std::string_view>& value, bool compact, bool null_allowed) {
  if (value) {
    string(*value, compact);
    return;
  }
  MOLDAU_ASSERT(null_allowed);
  if (compact) {
    uvarint(0);
  } else {
    int16(-1);
  }
}

void Writer::nullable_string(const std::optional<std::string>& value, bool compact, bool null_allowed) {
  nullable_string(value ? std::optional<std::string_view>(*value) : std::nullopt, compact, null_allowed);
}

void Writer::bytes(Bytes value, bool compact) {
  length(value.size(), compact);
  raw(value);
}

void Writer::nullable_bytes(const std::optional<Bytes>& value, bool compact, bool null_allowed) {
  if (value) {
    bytes(*value, compact);
  } else {
    null_array(compact, null_allowed);
  }
}

void Writer::nullable_bytes(const std::optional<ByteVector>& value, bool compact, bool null_allowed) {
  nullable_bytes(value ? std::optional<Bytes>(*value) : std::nullopt, compact, null_allowed);
}

void Writer::records(const Records& value, bool compact) {
  if (!value.is_spliced()) {
    bytes(value.bytes(), compact);
    return;
  }
  length(value.size_bytes(), compact);
  const auto size_bytes = static_cast<std::uint32_t>(value.size_bytes());
  splices_.push_back({.position = size_, .size_bytes = size_bytes, .index = value.splice_index()});
  spliced_bytes_ += size_bytes;
}

void Writer::nullable_records(const std::optional<Records>& value, bool compact, bool null_allowed) {
  if (value) {
    records(*value, compact);
  } else {
    null_array(compact, null_allowed);
  }
}

void Writer::present(bool is_present, bool null_allowed) {
  MOLDAU_ASSERT(is_present || null_allowed);
  int8(is_present ? 1 : -1);
}

void Writer::array_count(std::size_t count, bool compact) {
  length(count, compact);
}

void Writer::null_array(bool compact, bool null_allowed) {
  MOLDAU_ASSERT(null_allowed);
  if (compact) {
    uvarint(0);
  } else {
    int32(-1);
  }
}

template <class T>
void Writer::element(const T& value, bool compact) {
  if constexpr (std::is_integral_v<T>) {
    fixed(value);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    uuid(value);
  } else {
    string(value, compact);
  }
}

template <class T>
void Writer::array_of(const std::vector<T>& values, bool compact) {
  array_count(values.size(), compact);
  for (const T& value : values) {
    element(value, compact);
  }
}

template <class T>
void Writer::nullable_array_of(const std::optional<std::vector<T>>& values, bool compact, bool null_allowed) {
  if (values) {
    array_of(*values, compact);
  } else {
    null_array(compact, null_allowed);
  }
}

#define MOLDAU_ARRAY_OF(T)                                     \
  template void Writer::array_of(const std::vector<T>&, bool); \
  template void Writer::nullable_array_of(const std::optional<std::vector<T>>&, bool, bool)
MOLDAU_ARRAY_OF(std::int8_t);
MOLDAU_ARRAY_OF(std::int16_t);
MOLDAU_ARRAY_OF(std::int32_t);
MOLDAU_ARRAY_OF(std::int64_t);
MOLDAU_ARRAY_OF(Uuid);
MOLDAU_ARRAY_OF(std::string_view);
MOLDAU_ARRAY_OF(std::string);
#undef MOLDAU_ARRAY_OF

std::size_t Writer::begin_tagged_field(std::uint32_t tag) {
  uvarint(tag);
  (void)extend(1);  // room for a length below 128, by far the most common
  return size_;
}

void Writer::end_tagged_field(std::size_t begin) {
  MOLDAU_ASSERT(begin > 0 && begin <= size_);
  MOLDAU_ASSERT(splices_.empty() || splices_.back().position <= begin);  // the schema forbids tagged records
  const std::size_t content = size_ - begin;
  std::size_t length_bytes = 1;
  for (std::size_t rest = content >> 7; rest != 0; rest >>= 7) {
    ++length_bytes;
  }
  if (length_bytes > 1) {
    (void)extend(length_bytes - 1);
    std::byte* const from = buffer_.data() + begin;
    std::memmove(from + (length_bytes - 1), from, content);
  }
  std::byte* at = buffer_.data() + begin - 1;
  std::size_t value = content;
  for (std::size_t i = 0; i + 1 < length_bytes; ++i, value >>= 7) {
    *at++ = static_cast<std::byte>((value & 0x7F) | 0x80);
  }
  *at = static_cast<std::byte>(value);
}

template <class Tags>
void Writer::write_unknown(const Tags& tags, std::uint32_t from, std::uint64_t to) {
  for (std::uint32_t i = 0; i < tags.size(); ++i) {
    const auto& field = tags[i];
    if (field.tag >= from && field.tag < to) {
      uvarint(field.tag);
      uvarint(static_cast<std::uint32_t>(field.data.size()));
      raw(field.data);
    }
  }
}

void Writer::unknown_tags(const UnknownTags& tags, std::uint32_t from, std::uint64_t to) {
  write_unknown(tags, from, to);
}

void Writer::unknown_tags(const OwnedUnknownTags& tags, std::uint32_t from, std::uint64_t to) {
  write_unknown(tags, from, to);
}

}  // namespace moldau::wire

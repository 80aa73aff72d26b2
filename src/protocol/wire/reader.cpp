#include "protocol/wire/reader.h"

#include <algorithm>
#include <limits>

namespace moldau::wire {
namespace {

// What a kept tag costs beside its own entry: the list and the allocations.
constexpr std::size_t kUnknownTagsOverhead = 64;

}  // namespace

Reader::Reader(Bytes frame) noexcept
    : begin_(frame.data()),
      at_(frame.data()),
      end_(frame.data() + frame.size()),
      budget_(std::min(kBudgetMax, std::min(kBudgetMax, frame.size()) * kBudgetFactor + kBudgetBase)) {}

void Reader::fail(ErrorKind kind, const char* context) noexcept {
  if (ok_) {
    error_ = Error(kind, context, 0, static_cast<std::int64_t>(position()));
    ok_ = false;
  }
  at_ = end_;
}

bool Reader::charge(std::size_t bytes) noexcept {
  if (bytes > budget_) [[unlikely]] {
    fail(ErrorKind::kTooLarge, "element budget of the frame");
    return false;
  }
  budget_ -= bytes;
  return true;
}

Uuid Reader::uuid() noexcept {
  if (remaining() < 16) [[unlikely]] {
    fail(ErrorKind::kTruncated, "frame ends inside a uuid");
    return {};
  }
  const Uuid value{load_be<std::uint64_t>(at_), load_be<std::uint64_t>(at_ + 8)};
  at_ += 16;
  return value;
}

std::uint32_t Reader::uvarint() noexcept {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(fixed<std::int8_t>());
    value |= static_cast<std::uint32_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  fail(ErrorKind::kInvalid, "varint longer than 5 bytes");
  return 0;
}

std::uint64_t Reader::uvarlong() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(fixed<std::int8_t>());
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  fail(ErrorKind::kInvalid, "varlong longer than 10 bytes");
  return 0;
}

std::int32_t Reader::varint() noexcept {
  const std::uint32_t raw = uvarint();
  return static_cast<std::int32_t>((raw >> 1) ^ (~(raw & 1) + 1));
}

std::int64_t Reader::varlong() noexcept {
  const std::uint64_t raw = uvarlong();
  return static_cast<std::int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
}

Bytes Reader::raw(std::size_t size) noexcept {
  if (remaining() < size) [[unlikely]] {
    fail(ErrorKind::kTruncated, "frame ends inside a field");
    return {};
  }
  const Bytes view(at_, size);
  at_ += size;
  return view;
}

std::int64_t Reader::compact_length() noexcept {
  return static_cast<std::int64_t>(uvarint()) - 1;
}

std::optional<std::string_view> Reader::nullable_string(bool compact, bool null_allowed) noexcept {
  const std::int64_t length = compact ? compact_length() : int16();
  if (length < 0) {
    if (!null_allowed) {
      fail(ErrorKind::kInvalid, "null where a string must be");
    }
    return ok_ && null_allowed ? std::nullopt : std::optional<std::string_view>("");
  }
  if (static_cast<std::uint64_t>(length) > kStringBytesMax) [[unlikely]] {
    fail(ErrorKind::kTooLarge, "string longer than 32767 bytes");
    return "";
  }
  return as_text(raw(static_cast<std::size_t>(length)));
}

std::string_view Reader::string(bool compact) noexcept {
  return *nullable_string(compact, false);
}

std::optional<Bytes> Reader::nullable_bytes(bool compact, bool null_allowed) noexcept {
  const std::int64_t length = compact ? compact_length() : int32();
  if (length < 0) {
    if (!null_allowed) {
      fail(ErrorKind::kInvalid, "null where bytes must be");
    }
    return ok_ && null_allowed ? std::nullopt : std::optional<Bytes>(Bytes{});
  }
  return raw(static_cast<std::size_t>(length));
}

Bytes Reader::bytes(bool compact) noexcept {
  return *nullable_bytes(compact, false);
}

std::optional<Records> Reader::nullable_records(bool compact, bool null_allowed) noexcept {
  const std::optional<Bytes> view = nullable_bytes(compact, null_allowed);
  return view ? std::optional<Records>(*view) : std::nullopt;
}

bool Reader::present(bool null_allowed) noexcept {
  if (int8() >= 0) {
    return ok_;
  }
  if (!null_allowed) {
    fail(ErrorKind::kInvalid, "null where a structure must be");
  }
  return false;
}

std::int32_t Reader::array_count(bool compact, bool null_allowed, std::size_t element_size) noexcept {
  const std::int64_t count = compact ? compact_length() : int32();
  if (!ok_) [[unlikely]] {
    return 0;
  }
  if (count < 0) {
    if (!null_allowed) {
      fail(ErrorKind::kInvalid, "null where an array must be");
      return 0;
    }
    return -1;
  }
  // An element takes at least one byte, in every version of every schema.
  if (static_cast<std::uint64_t>(count) > remaining()) [[unlikely]] {
    fail(ErrorKind::kTruncated, "array count beyond the frame");
    return 0;
  }
  if (!charge(static_cast<std::size_t>(count) * element_size)) {
    return 0;
  }
  return static_cast<std::int32_t>(count);
}

template <>
std::int8_t Reader::element() noexcept {
  return int8();
}
template <>
std::int16_t Reader::element() noexcept {
  return int16();
}
template <>
std::int32_t Reader::element() noexcept {
  return int32();
}
template <>
std::int64_t Reader::element() noexcept {
  return int64();
}
template <>
Uuid Reader::element() noexcept {
  return uuid();
}

template <class T>
std::optional<std::vector<T>> Reader::nullable_array_of(bool compact, bool null_allowed) {
  std::optional<std::vector<T>> out;
  for (T& value : array(out, compact, null_allowed)) {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
      value = string(compact);
    } else {
      value = element<T>();
    }
    if (!ok_) [[unlikely]] {
      break;
    }
  }
  return out;
}

template <class T>
std::vector<T> Reader::array_of(bool compact) {
  std::optional<std::vector<T>> out = nullable_array_of<T>(compact, false);
  return out ? std::move(*out) : std::vector<T>();
}

#define MOLDAU_ARRAY_OF(T)                           \
  template std::vector<T> Reader::array_of<T>(bool); \
  template std::optional<std::vector<T>> Reader::nullable_array_of<T>(bool, bool)
MOLDAU_ARRAY_OF(std::int8_t);
MOLDAU_ARRAY_OF(std::int16_t);
MOLDAU_ARRAY_OF(std::int32_t);
MOLDAU_ARRAY_OF(std::int64_t);
MOLDAU_ARRAY_OF(Uuid);
MOLDAU_ARRAY_OF(std::string_view);
MOLDAU_ARRAY_OF(std::string);
#undef MOLDAU_ARRAY_OF

void Reader::unknown_tags(UnknownTags& out) {
  for (TaggedFields tags(*this); tags.next();) {
    tags.keep(out);
  }
}

void Reader::unknown_tags(OwnedUnknownTags& out) {
  for (TaggedFields tags(*this); tags.next();) {
    tags.keep(out);
  }
}

TaggedFields::TaggedFields(Reader& reader) noexcept : reader_(reader), outer_end_(reader.end_) {
  left_ = reader_.uvarint();
  if (left_ > kTaggedFieldsMax) [[unlikely]] {
    reader_.fail(ErrorKind::kTooLarge, "more than 1000 tagged fields in a structure");
  }
}

bool TaggedFields::next() noexcept {
  if (in_field_ && reader_.at_ != reader_.end_) [[unlikely]] {
    reader_.fail(ErrorKind::kInvalid, "tagged field longer than its content");
  }
  in_field_ = false;
  reader_.end_ = outer_end_;
  if (!reader_.ok_) {
    reader_.at_ = outer_end_;
    return false;
  }
  if (left_ == 0) {
    return false;
  }
  --left_;
  tag_ = reader_.uvarint();
  const std::uint32_t size = reader_.uvarint();
  if (size > reader_.remaining()) [[unlikely]] {
    reader_.fail(ErrorKind::kTruncated, "tagged field beyond the frame");
  }
  if (!reader_.ok_) {
    return false;
  }
  reader_.end_ = reader_.at_ + size;
  in_field_ = true;
  return true;
}

void TaggedFields::keep(UnknownTags& unknown) {
  const std::size_t list = unknown.empty() ? kUnknownTagsOverhead : 0;
  if (reader_.charge(list + sizeof(UnknownTags::Field))) {
    unknown.add(tag_, reader_.raw(reader_.remaining()));
  }
}

void TaggedFields::keep(OwnedUnknownTags& unknown) {
  const std::size_t list = unknown.empty() ? kUnknownTagsOverhead : 0;
  if (reader_.charge(list + sizeof(OwnedUnknownTags::Field))) {
    unknown.add(tag_, reader_.raw(reader_.remaining()));
  }
}

}  // namespace moldau::wire

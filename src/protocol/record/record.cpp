#include "protocol/record/record.h"

#include "protocol/record/varint.h"

namespace moldau::record {
namespace {

// A varint size and so many bytes; any negative size is null. nullptr: beyond the end.
const std::byte* read_field(const std::byte* at, const std::byte* end, std::int32_t& size,
                            const std::byte*& data) noexcept {
  at = read_varint(at, end, size);
  if (at == nullptr) [[unlikely]] {
    return nullptr;
  }
  data = at;
  if (size <= 0) {
    return at;
  }
  return end - at < size ? nullptr : at + size;
}

std::optional<Bytes> to_field(const std::byte* data, std::int32_t size) noexcept {
  return size < 0 ? std::nullopt : std::optional<Bytes>(std::in_place, data, static_cast<std::size_t>(size));
}

}  // namespace

bool headers_fill(const std::byte* at, const std::byte* end, std::int32_t count) noexcept {
  if (count < 0 || end - at < count) {  // each takes two bytes at least: the bytes bound the loop
    return false;
  }
  for (; count > 0; --count) {
    std::int32_t size;
    const std::byte* data;
    at = read_field(at, end, size, data);
    if (at == nullptr || size < 0) {  // a header's key is never null
      return false;
    }
    at = read_field(at, end, size, data);
    if (at == nullptr) {
      return false;
    }
  }
  return at == end;
}

std::optional<HeaderView> HeaderIterator::next() noexcept {
  if (left_ <= 0) {
    return std::nullopt;
  }
  const std::byte* const end = rest_.data() + rest_.size();
  std::int32_t key_size = 0;
  std::int32_t value_size = 0;
  const std::byte* key = nullptr;
  const std::byte* value = nullptr;
  const std::byte* at = read_field(rest_.data(), end, key_size, key);
  if (at != nullptr && key_size >= 0) {
    at = read_field(at, end, value_size, value);
  }
  if (at == nullptr || key_size < 0) {
    left_ = 0;
    return std::nullopt;
  }
  --left_;
  rest_ = Bytes(at, end);
  return HeaderView{as_text(Bytes(key, static_cast<std::size_t>(key_size))), to_field(value, value_size)};
}

bool read_record_body(const std::byte* at, const std::byte* end, RecordView& record) noexcept {
  if (at == end) {
    return false;
  }
  ++at;  // attributes: no bit has a meaning
  std::int32_t key_size = 0;
  std::int32_t value_size = 0;
  const std::byte* key = nullptr;
  const std::byte* value = nullptr;
  if ((at = read_varlong(at, end, record.timestamp_delta)) == nullptr ||
      (at = read_varint(at, end, record.offset_delta)) == nullptr ||
      (at = read_field(at, end, key_size, key)) == nullptr ||
      (at = read_field(at, end, value_size, value)) == nullptr ||
      (at = read_varint(at, end, record.header_count)) == nullptr) [[unlikely]] {
    return false;
  }
  record.key = to_field(key, key_size);
  record.value = to_field(value, value_size);
  record.header_bytes = Bytes(at, end);
  return headers_fill(at, end, record.header_count);
}

}  // namespace moldau::record

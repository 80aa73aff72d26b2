// Writes the primitives of Kafka's protocol into one growing buffer.
//
// What cannot be written as asked (a string above 32,767 bytes, a frame above 2 GiB) is kept as a sticky failure:
// the owner asks ok() before it sends, because such a value can come from a peer by way of a configuration.
// A null in a field that is not nullable in this version is our own bug and asserts.
// Splices: a `records` field may name bytes that are not in the buffer; see `splices()`.
// Bound: the buffer grows with what is written; nothing here comes from an unchecked count.
// Source: the Kafka protocol guide; KIP-482.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "protocol/wire/records.h"
#include "protocol/wire/unknown_tags.h"

namespace moldau::wire {

// `size_bytes` foreign bytes belong between bytes()[0, position) and bytes()[position, …).
struct Splice {
  std::size_t position = 0;
  std::uint32_t size_bytes = 0;
  std::uint32_t index = 0;  // the caller's name for the region, from Records::spliced
};

class Writer {
 public:
  explicit Writer(std::size_t reserve_bytes = 256) { buffer_.resize(reserve_bytes); }
  // Reuses the memory of an earlier buffer.
  explicit Writer(ByteVector&& recycled) noexcept : buffer_(std::move(recycled)) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t position() const noexcept { return size_; }
  [[nodiscard]] Bytes bytes() const noexcept { return {buffer_.data(), size_}; }          // without the splices
  [[nodiscard]] const std::vector<Splice>& splices() const noexcept { return splices_; }  // ordered by position
  [[nodiscard]] std::size_t total_bytes() const noexcept { return size_ + spliced_bytes_; }
  // The buffer, moved out; the writer is empty afterwards.
  [[nodiscard]] ByteVector take();
  void clear() noexcept;

  void boolean(bool value) { fixed<std::int8_t>(value ? 1 : 0); }
  void int8(std::int8_t value) { fixed(value); }
  void int16(std::int16_t value) { fixed(value); }
  void uint16(std::uint16_t value) { fixed(value); }
  void int32(std::int32_t value) { fixed(value); }
  void uint32(std::uint32_t value) { fixed(value); }
  void int64(std::int64_t value) { fixed(value); }
  void float64(double value) { fixed(std::bit_cast<std::uint64_t>(value)); }
  void uuid(Uuid value);
  void uvarint(std::uint32_t value);
  void uvarlong(std::uint64_t value);
  void varint(std::int32_t value);  // zig-zag
  void varlong(std::int64_t value);
  void raw(Bytes bytes);

  // Overwrites four bytes at `position`, written before: a frame's length.
  void patch_int32(std::size_t position, std::int32_t value);

  // `compact` is true in flexible versions; `null_allowed` is for fields that are nullable in some versions only.
  void string(std::string_view value, bool compact);
  void nullable_string(const std::optional<std::string_view>& value, bool compact, bool null_allowed = true);
  void nullable_string(const std::optional<std::string>& value, bool compact, bool null_allowed = true);
  void bytes(Bytes value, bool compact);
  void nullable_bytes(const std::optional<Bytes>& value, bool compact, bool null_allowed = true);
  void nullable_bytes(const std::optional<ByteVector>& value, bool compact, bool null_allowed = true);
  void records(const Records& value, bool compact);
  void nullable_records(const std::optional<Records>& value, bool compact, bool null_allowed = true);
  void present(bool is_present, bool null_allowed = true);  // the marker before a nullable structure

  void array_count(std::size_t count, bool compact);
  void null_array(bool compact, bool null_allowed = true);
  // A whole array of T, one of int8_t, int16_t, int32_t, int64_t, Uuid, string_view, std::string.
  template <class T>
  void array_of(const std::vector<T>& values, bool compact);
  template <class T>
  void nullable_array_of(const std::optional<std::vector<T>>& values, bool compact, bool null_allowed = true);

  // A tagged field: what is written between begin and end is its content; its length is put before it at the end.
  [[nodiscard]] std::size_t begin_tagged_field(std::uint32_t tag);
  void end_tagged_field(std::size_t begin);
  // The unknown fields with tags in [from, to), in order; the count of all was written before.
  void unknown_tags(const UnknownTags& tags, std::uint32_t from = 0, std::uint64_t to = std::uint64_t{1} << 32);
  void unknown_tags(const OwnedUnknownTags& tags, std::uint32_t from = 0, std::uint64_t to = std::uint64_t{1} << 32);

 private:
  [[nodiscard]] std::byte* extend(std::size_t count) {
    if (buffer_.size() - size_ < count) [[unlikely]] {
      grow(count);
    }
    std::byte* const at = buffer_.data() + size_;
    size_ += count;
    return at;
  }
  void grow(std::size_t count);
  template <class T>
  void fixed(T value) {
    store_be(extend(sizeof(T)), value);
  }
  void length(std::size_t value, bool compact);
  template <class T>
  void element(const T& value, bool compact);
  template <class Tags>
  void write_unknown(const Tags& tags, std::uint32_t from, std::uint64_t to);

  ByteVector buffer_;  // its size is what was made room for; size_ is what was written
  std::size_t size_ = 0;
  std::vector<Splice> splices_;
  std::size_t spliced_bytes_ = 0;
  bool ok_ = true;
};

}  // namespace moldau::wire

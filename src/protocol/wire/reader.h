// Reads the primitives of Kafka's protocol from one frame.
//
// Errors are sticky: the first failure is kept, the reader stands at its end from then on, and every later read
// gives zero, "" or null. So straight-line code reads a whole structure and asks ok() once.
//   kTruncated: fewer bytes than announced.   kInvalid: null, or a length or value, that the type forbids.
//   kTooLarge:  a string above kStringBytesMax, too many tagged fields, or the element budget is spent.
// Bounds: a count is checked against the bytes that remain and charged to the element budget (kBudgetFactor x frame
//   + kBudgetBase, at most kBudgetMax) before it sizes an allocation, so memory follows the frame, not the count.
// Views (string_view, Bytes) point into the frame, which must outlive them.
// Source: the Kafka protocol guide; KIP-482 (compact types, tagged fields). Difference: Kafka has no budget and no
//   limit on tagged fields.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "protocol/wire/records.h"
#include "protocol/wire/unknown_tags.h"

namespace moldau::wire {

inline constexpr std::size_t kStringBytesMax = 32'767;
inline constexpr std::size_t kBudgetFactor = 32;
inline constexpr std::size_t kBudgetBase = std::size_t{1} << 20;
inline constexpr std::size_t kBudgetMax = std::size_t{256} << 20;

class Reader {
 public:
  explicit Reader(Bytes frame) noexcept;

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] const Error& error() const noexcept { return error_; }  // only if !ok()
  [[nodiscard]] std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] std::size_t budget() const noexcept { return budget_; }

  // Keeps the first error; for decoders built on this one too. `context` must be a string literal.
  void fail(ErrorKind kind, const char* context) noexcept;

  [[nodiscard]] bool boolean() noexcept { return fixed<std::int8_t>() != 0; }
  [[nodiscard]] std::int8_t int8() noexcept { return fixed<std::int8_t>(); }
  [[nodiscard]] std::int16_t int16() noexcept { return fixed<std::int16_t>(); }
  [[nodiscard]] std::uint16_t uint16() noexcept { return fixed<std::uint16_t>(); }
  [[nodiscard]] std::int32_t int32() noexcept { return fixed<std::int32_t>(); }
  [[nodiscard]] std::uint32_t uint32() noexcept { return fixed<std::uint32_t>(); }
  [[nodiscard]] std::int64_t int64() noexcept { return fixed<std::int64_t>(); }
  [[nodiscard]] double float64() noexcept { return std::bit_cast<double>(fixed<std::uint64_t>()); }
  [[nodiscard]] Uuid uuid() noexcept;

  // At most 5 bytes (32 bits) and 10 bytes (64 bits); a longer one is kInvalid.
  [[nodiscard]] std::uint32_t uvarint() noexcept;
  [[nodiscard]] std::uint64_t uvarlong() noexcept;
  [[nodiscard]] std::int32_t varint() noexcept;  // zig-zag
  [[nodiscard]] std::int64_t varlong() noexcept;

  [[nodiscard]] Bytes raw(std::size_t size) noexcept;  // the next `size` bytes

  // `compact` is true in flexible versions. `null_allowed` is for fields that are nullable in some versions only.
  [[nodiscard]] std::string_view string(bool compact) noexcept;
  [[nodiscard]] std::optional<std::string_view> nullable_string(bool compact, bool null_allowed = true) noexcept;
  [[nodiscard]] Bytes bytes(bool compact) noexcept;
  [[nodiscard]] std::optional<Bytes> nullable_bytes(bool compact, bool null_allowed = true) noexcept;
  [[nodiscard]] Records records(bool compact) noexcept { return Records(bytes(compact)); }
  [[nodiscard]] std::optional<Records> nullable_records(bool compact, bool null_allowed = true) noexcept;
  // The marker before a nullable structure: true if the structure follows.
  [[nodiscard]] bool present(bool null_allowed = true) noexcept;

  // Makes the elements of an array, in their default state, for the caller to read one by one as long as ok(). None
  // for null, which the second form keeps as nullopt.
  template <class T>
  [[nodiscard]] std::span<T> array(std::vector<T>& out, bool compact) {
    out = std::vector<T>(static_cast<std::size_t>(array_count(compact, false, sizeof(T))));
    return out;
  }
  template <class T>
  [[nodiscard]] std::span<T> array(std::optional<std::vector<T>>& out, bool compact, bool null_allowed = true) {
    const std::int32_t count = array_count(compact, null_allowed, sizeof(T));
    if (count < 0) {
      out.reset();
      return {};
    }
    return out.emplace(static_cast<std::size_t>(count));
  }

  // A whole array of T, one of int8_t, int16_t, int32_t, int64_t, Uuid, string_view, std::string.
  template <class T>
  [[nodiscard]] std::vector<T> array_of(bool compact);
  template <class T>
  [[nodiscard]] std::optional<std::vector<T>> nullable_array_of(bool compact, bool null_allowed = true);

  // The tagged fields of a structure of which we know none.
  void unknown_tags(UnknownTags& out);
  void unknown_tags(OwnedUnknownTags& out);

 private:
  friend class TaggedFields;

  template <class T>
  [[nodiscard]] T fixed() noexcept {
    if (remaining() < sizeof(T)) [[unlikely]] {
      fail(ErrorKind::kTruncated, "frame ends inside a number");
      return T{};
    }
    const T value = load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  template <class T>
  [[nodiscard]] T element() noexcept;

  // The count of an array, -1 for an allowed null; 0 after an error.
  [[nodiscard]] std::int32_t array_count(bool compact, bool null_allowed, std::size_t element_size) noexcept;
  // The length of a string (16 bits if classic) or bytes field, -1 for null.
  [[nodiscard]] std::int64_t compact_length() noexcept;
  [[nodiscard]] bool charge(std::size_t bytes) noexcept;

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;  // of the frame, or of the tagged field being read
  std::size_t budget_;
  Error error_{ErrorKind::kInvalid, "no error"};
  bool ok_ = true;
};

// Walks the tagged fields of one structure:
//   for (TaggedFields tags(reader); tags.next();) switch (tags.tag()) { case 0: …; default: tags.keep(unknown); }
// While a field is read, the reader ends where the field ends; a field that is longer than what was read is kInvalid.
class TaggedFields {
 public:
  explicit TaggedFields(Reader& reader) noexcept;
  TaggedFields(const TaggedFields&) = delete;
  TaggedFields& operator=(const TaggedFields&) = delete;

  [[nodiscard]] bool next() noexcept;  // false at the end and after an error
  [[nodiscard]] std::uint32_t tag() const noexcept { return tag_; }

  void keep(UnknownTags& unknown);
  void keep(OwnedUnknownTags& unknown);
  // The tag is a known one, but not of this version: kInvalid, as in Kafka.
  void refuse() noexcept { reader_.fail(ErrorKind::kInvalid, "tagged field of another version"); }

 private:
  Reader& reader_;
  const std::byte* outer_end_;
  std::uint32_t left_ = 0;
  std::uint32_t tag_ = 0;
  bool in_field_ = false;
};

// Copies of what was read, for structures that outlive the frame.
[[nodiscard]] inline std::optional<std::string> to_owned(std::optional<std::string_view> view) {
  return view ? std::optional<std::string>(std::in_place, *view) : std::nullopt;
}
[[nodiscard]] inline std::optional<ByteVector> to_owned(std::optional<Bytes> view) {
  return view ? std::optional<ByteVector>(to_vector(*view)) : std::nullopt;
}

}  // namespace moldau::wire

// The value of a `records` field: record batches that this layer never looks into.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace moldau::wire {

// Either inline bytes (a view: of the received frame, or of a buffer that outlives the encoding), or a splice: so
// many bytes that the sender puts in later, by sendfile or from a cache, named by an index of the caller's choice.
// A decoded field is always inline. A default one is inline and empty.
class Records {
 public:
  Records() noexcept = default;
  explicit Records(Bytes bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] static Records spliced(std::uint32_t index, std::uint32_t size_bytes) noexcept {
    Records records;
    records.is_spliced_ = true;
    records.index_ = index;
    records.size_bytes_ = size_bytes;
    return records;
  }

  [[nodiscard]] bool is_spliced() const noexcept { return is_spliced_; }
  [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }  // empty if spliced
  [[nodiscard]] std::uint32_t splice_index() const noexcept { return index_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return is_spliced_ ? size_bytes_ : bytes_.size(); }

 private:
  Bytes bytes_;
  std::uint32_t index_ = 0;
  std::uint32_t size_bytes_ = 0;
  bool is_spliced_ = false;
};

}  // namespace moldau::wire

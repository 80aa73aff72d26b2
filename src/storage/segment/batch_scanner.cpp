#include "storage/segment/batch_scanner.h"

#include <algorithm>

#include "base/assert.h"

namespace moldau::storage {
namespace {

constexpr std::size_t kOldHeaderBytes = 26;  // magic 0: offset, size, CRC, magic, attributes, key and value size
constexpr std::size_t kOldCrcAt = 12;
constexpr std::size_t kOldMagicAt = 16;

// CRC-32 of zlib, as message formats 0 and 1 have it. Rarely called.
std::uint32_t crc32_ieee(Bytes bytes) noexcept {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (0xEDB8'8320U & (0U - (crc & 1U)));
    }
  }
  return ~crc;
}

}  // namespace

BatchScanner::BatchScanner(const runtime::File& file, std::uint64_t position, std::uint64_t end, ByteVector& buffer,
                           std::size_t chunk)
    : file_(file), position_(position), end_(end), buffer_(buffer), chunk_(chunk) {
  MOLDAU_ASSERT(chunk >= record::kBatchHeaderBytes);
}

Result<Bytes> BatchScanner::load(std::uint64_t at, std::size_t size) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - at));
  if (at < loaded_from_ || at + wanted > loaded_from_ + loaded_) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(wanted, chunk_), end_ - at));
    if (buffer_.size() < count) {
      buffer_.resize(count);
    }
    MOLDAU_TRY(read, file_.read_at(at, MutableBytes(buffer_).first(count)));
    loaded_from_ = at;
    loaded_ = read;
    if (read < wanted) {
      return fail(ErrorKind::kTruncated, "segment file is shorter than it was", 0,
                  static_cast<std::int64_t>(at + read));
    }
  }
  return Bytes(buffer_).subspan(static_cast<std::size_t>(at - loaded_from_),
                                loaded_ - static_cast<std::size_t>(at - loaded_from_));
}

Result<std::optional<FoundBatch>> BatchScanner::next() {
  if (position_ >= end_) {
    return std::nullopt;
  }
  MOLDAU_TRY(bytes, load(position_, record::kBatchHeaderBytes));
  const auto header = record::BatchHeader::parse(bytes);
  if (!header) {
    return std::unexpected(judge_old_format(header.error()));
  }
  if (header->size_bytes() > end_ - position_) {
    return fail(ErrorKind::kTruncated, "segment file ends inside a batch", 0, static_cast<std::int64_t>(position_));
  }
  last_ = {position_, *header};
  position_ = last_.end();
  return last_;
}

// A torn header can look like an old message set; one whose checksum is right is no accident.
Error BatchScanner::judge_old_format(Error error) {
  const auto at = static_cast<std::int64_t>(position_);
  if (error.kind() != ErrorKind::kUnsupported) {
    return {error.kind(), error.context(), 0, at};
  }
  auto head = load(position_, kOldHeaderBytes);
  if (!head || head->size() < kOldHeaderBytes) {
    return {ErrorKind::kCorrupt, "batch of an old message format is cut off", 0, at};
  }
  const auto length = load_be<std::int32_t>(head->data() + record::kLengthAt);
  const std::uint64_t size = record::kLogOverheadBytes + static_cast<std::uint64_t>(std::max(length, 0));
  if (length < record::kLengthMin || size > end_ - position_) {
    return {ErrorKind::kCorrupt, "batch of an old message format is cut off", 0, at};
  }
  const auto whole = load(position_, static_cast<std::size_t>(size));
  if (!whole) {
    return whole.error();
  }
  const Bytes message = whole->subspan(kOldMagicAt, static_cast<std::size_t>(size) - kOldMagicAt);
  if (crc32_ieee(message) != load_be<std::uint32_t>(whole->data() + kOldCrcAt)) {
    return {ErrorKind::kCorrupt, "neither a batch nor an old message set", 0, at};
  }
  return {ErrorKind::kUnsupported, "message format before Kafka 0.11", 0, at};
}

Result<Bytes> BatchScanner::bytes() {
  MOLDAU_ASSERT(last_.header.length > 0);
  const std::size_t size = last_.header.size_bytes();
  MOLDAU_TRY(loaded, load(last_.position, size));
  return loaded.first(size);
}

}  // namespace moldau::storage

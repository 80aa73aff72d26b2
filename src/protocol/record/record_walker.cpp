#include "protocol/record/record_walker.h"

#include "protocol/record/varint.h"

namespace moldau::record {
namespace {

// Codec ids without meaning are refused by the constructor; until then they read as uncompressed.
bool is_codec(const BatchHeader& header) noexcept {
  return header.is_compressed() && header.codec().has_value();
}

}  // namespace

RecordWalker::RecordWalker(const BatchView& batch, Scratch& scratch, std::size_t bytes_max)
    : source_(is_codec(batch.header) ? RecordSource(*batch.header.codec(), batch.body(), scratch, bytes_max)
                                     : RecordSource(batch.body())),
      left_(batch.header.record_count) {
  if (!batch.header.codec()) {
    (void)stop(ErrorKind::kUnsupported, "compression codec");
  } else if (left_ < 0) {
    (void)stop(ErrorKind::kCorrupt, "record count");
  }
}

const RecordView* RecordWalker::stop(ErrorKind kind, const char* context) noexcept {
  left_ = 0;
  ok_ = false;
  error_ = Error(kind, context, 0, index_);
  return nullptr;
}

const RecordView* RecordWalker::stop_with_source(const char* context) noexcept {
  if (!source_.ok()) {
    left_ = 0;
    ok_ = false;
    error_ = source_.error();
    return nullptr;
  }
  return stop(ErrorKind::kCorrupt, context);
}

const RecordView* RecordWalker::next() {
  if (left_ <= 0) {
    return check_end();
  }
  (void)source_.fill(kVarintBytesMax);  // fewer bytes may do
  std::int32_t size = 0;
  const std::byte* body = read_varint(source_.at, source_.end, size);
  if (body == nullptr) {
    return stop_with_source("record size");
  }
  const auto prefix = static_cast<std::size_t>(body - source_.at);
  if (size <= 0 || !source_.fill(prefix + static_cast<std::size_t>(size))) {
    return stop_with_source("record size beyond the batch");
  }
  body = source_.at + prefix;
  if (!read_record_body(body, body + size, record_)) {
    return stop(ErrorKind::kCorrupt, "record structure");
  }
  record_.size_bytes = static_cast<std::int32_t>(prefix) + size;
  source_.at = body + size;
  ++index_;
  --left_;
  return &record_;
}

// Behind the last record nothing may follow, and a codec's checksum must be right. An empty batch is not looked into.
const RecordView* RecordWalker::check_end() {
  if (ok_ && index_ > 0 && !source_.at_end()) {
    return stop_with_source("bytes behind the last record");
  }
  return nullptr;
}

}  // namespace moldau::record

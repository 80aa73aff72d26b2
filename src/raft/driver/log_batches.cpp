#include "raft/driver/log_batches.h"

namespace moldau::raft {

Result<std::optional<record::BatchView>> LogBatches::next() {
  if (next_ >= upto_) {
    return std::nullopt;
  }
  auto batch = record::BatchView::parse(Bytes(buffer_).subspan(at_));
  if (!batch) {
    MOLDAU_CHECK(fill());
    batch = record::BatchView::parse(buffer_);
    if (!batch) {
      return std::unexpected(batch.error());
    }
  }
  if (batch->header.base_offset != next_ || batch->header.last_offset() < next_ ||
      batch->header.next_offset() > upto_) {
    return fail(ErrorKind::kCorrupt, "the metadata log has a gap", 0, next_.value());
  }
  at_ += batch->bytes.size();
  next_ = batch->header.next_offset();
  return *batch;
}

Result<> LogBatches::fill() {
  MOLDAU_TRY(slice, log_.read(next_, upto_, kReadBytes, true));
  if (slice.empty()) {
    return fail(ErrorKind::kCorrupt, "the metadata log ends too early", 0, next_.value());
  }
  if (slice.size > kReadBytes + kMetadataBatchBytesMax) {
    return fail(ErrorKind::kTooLarge, "a batch of the metadata log", 0, next_.value());
  }
  buffer_.resize(slice.size);
  at_ = 0;
  MOLDAU_TRY(read, slice.file->read_at(slice.position, buffer_));
  buffer_.resize(read);
  return {};
}

}  // namespace moldau::raft

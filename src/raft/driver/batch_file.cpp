#include "raft/driver/batch_file.h"

#include "protocol/record/batch_format.h"

namespace moldau::raft {

Result<std::unique_ptr<BatchFileReader>> BatchFileReader::open(runtime::FileSystem& fs, const std::string& path) {
  MOLDAU_TRY(file, fs.open(path, runtime::OpenMode::kRead));
  return over(std::move(file));
}

Result<std::unique_ptr<BatchFileReader>> BatchFileReader::over(std::shared_ptr<runtime::File> file) {
  MOLDAU_TRY(size, file->size());
  return std::unique_ptr<BatchFileReader>(new BatchFileReader(std::move(file), size));
}

Result<std::optional<MetadataBatch>> BatchFileReader::next() {
  if (position_ == size_) {
    if (!footer_seen_) {
      return fail(ErrorKind::kTruncated, "a snapshot ends before its footer", 0, static_cast<std::int64_t>(size_));
    }
    return std::nullopt;
  }
  if (footer_seen_) {
    return fail(ErrorKind::kCorrupt, "bytes behind the footer of a snapshot", 0, static_cast<std::int64_t>(position_));
  }
  buffer_.resize(record::kBatchHeaderBytes);
  MOLDAU_TRY(header_bytes, file_->read_at(position_, buffer_));
  if (header_bytes < buffer_.size()) {
    return fail(ErrorKind::kTruncated, "a snapshot ends inside a batch", 0, static_cast<std::int64_t>(position_));
  }
  MOLDAU_TRY(header, record::BatchHeader::parse(buffer_));
  if (header.size_bytes() > kMetadataBatchBytesMax) {
    return fail(ErrorKind::kTooLarge, "a batch of a snapshot", 0, static_cast<std::int64_t>(header.size_bytes()));
  }
  if (header.size_bytes() > size_ - position_) {
    return fail(ErrorKind::kTruncated, "a snapshot ends inside a batch", 0, static_cast<std::int64_t>(position_));
  }
  buffer_.resize(header.size_bytes());
  MOLDAU_TRY(read, file_->read_at(position_, buffer_));
  if (read < buffer_.size()) {
    return fail(ErrorKind::kTruncated, "a snapshot ends inside a batch", 0, static_cast<std::int64_t>(position_));
  }
  MOLDAU_TRY(view, record::BatchView::parse(buffer_));
  MOLDAU_TRY(batch, decode_metadata_batch(view, scratch_));
  if (batch.base != next_offset_) {
    return fail(ErrorKind::kCorrupt, "offsets of a snapshot", 0, batch.base.value());
  }
  MOLDAU_CHECK(note_control(batch, position_ == 0));
  position_ += buffer_.size();
  next_offset_ = batch.last + 1;
  return batch;
}

Result<> BatchFileReader::note_control(const MetadataBatch& batch, bool first) {
  bool has_header = false;
  for (const auto& [offset, control] : batch.control_records) {
    if (const auto* header = std::get_if<SnapshotHeader>(&control)) {
      has_header = offset == batch.base;
      last_contained_log_timestamp_ = header->last_contained_log_timestamp;
    }
    footer_seen_ = footer_seen_ || std::holds_alternative<SnapshotFooter>(control);
  }
  if (first != has_header) {
    return fail(ErrorKind::kCorrupt, "a snapshot must begin with its header, and only begin with it", 0,
                static_cast<std::int64_t>(position_));
  }
  return {};
}

Result<> BatchFileReader::verify(VoterChange& voters) {
  for (;;) {
    MOLDAU_TRY(batch, next());
    if (!batch) {
      return {};
    }
    for (auto& [offset, control] : batch->control_records) {
      if (auto* change = std::get_if<VoterChange>(&control)) {
        if (change->kraft_version) {
          voters.kraft_version = change->kraft_version;
        }
        if (change->voters) {
          voters.voters = std::move(change->voters);
        }
      }
    }
  }
}

BatchFileWriter::BatchFileWriter(std::shared_ptr<runtime::File> file, const Header& header)
    : file_(std::move(file)), epoch_(header.epoch), now_ms_(header.now_ms) {
  start_batch(MetadataBatchWriter::Kind::kControl);
  batch_->add_snapshot_header(header.last_contained_log_timestamp);
  batch_->add_voter_change(header.voters);
  write_batch();
}

void BatchFileWriter::start_batch(MetadataBatchWriter::Kind kind) {
  batch_.emplace(next_offset_, epoch_, now_ms_, kind);
}

void BatchFileWriter::append(const MetadataRecordAndVersion& record) {
  if (!result_) {
    return;
  }
  if (!batch_) {
    start_batch(MetadataBatchWriter::Kind::kData);
  }
  if (batch_->try_add(record, kMetadataBatchBytesWritten)) {
    return;
  }
  if (batch_->record_count() > 0) {
    write_batch();
    start_batch(MetadataBatchWriter::Kind::kData);
    if (batch_->try_add(record, kMetadataBatchBytesWritten)) {
      return;
    }
  }
  result_ = fail(ErrorKind::kTooLarge, "a metadata record of a snapshot");
}

void BatchFileWriter::write_batch() {
  if (batch_ && batch_->record_count() > 0 && result_) {
    next_offset_ = next_offset_ + batch_->record_count();
    const ByteVector bytes = batch_->finish();
    const Bytes pieces[] = {Bytes(bytes)};
    result_ = file_->write_at(position_, pieces);
    position_ += bytes.size();
  }
  batch_.reset();
}

Result<> BatchFileWriter::finish() {
  write_batch();
  start_batch(MetadataBatchWriter::Kind::kControl);
  batch_->add_snapshot_footer();
  write_batch();
  return result_;
}

}  // namespace moldau::raft

#include "broker/node/metadata_check.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "metadata/image/metadata_version.h"
#include "protocol/record/batch.h"
#include "protocol/record/scratch.h"
#include "raft/driver/batch_file.h"
#include "raft/driver/format.h"
#include "raft/driver/metadata_batch.h"
#include "raft/driver/snapshot_path.h"
#include "storage/segment/segment_files.h"

namespace moldau::broker {
namespace {

using metadata::records::FeatureLevelRecord;
using metadata::records::MetadataRecordAndVersion;

class MetadataCheck {
 public:
  MetadataCheck(runtime::FileSystem& fs, const std::string& log_directory)
      : fs_(fs),
        log_directory_(log_directory),
        directory_(runtime::join_path(log_directory, raft::kMetadataPartitionName)) {}

  std::optional<std::string> run(const metadata::RecordBatch& bootstrap) {
    note(bootstrap);
    if (const auto entries = fs_.list(directory_)) {
      sort_out(*entries);
      if (snapshot_) {
        levels_.clear();
        read_snapshot();
      }
      read_segments();
    }
    return fault_ ? std::move(fault_) : judge_levels();
  }

 private:
  void sort_out(const std::vector<runtime::DirEntry>& entries) {
    for (const runtime::DirEntry& entry : entries) {
      if (const auto name = raft::parse_snapshot_file_name(entry.name)) {
        if (name->state == raft::SnapshotFileState::kComplete && (!snapshot_ || name->id.offset > snapshot_->offset)) {
          snapshot_ = name->id;
        }
      } else if (const auto file = storage::parse_log_file_name(entry.name);
                 file && file->role == storage::FileRole::kLog && file->stage == storage::FileStage::kLive) {
        segments_.push_back(file->base);
      }
    }
    std::sort(segments_.begin(), segments_.end());
  }

  void note(const std::vector<MetadataRecordAndVersion>& records) {
    for (const MetadataRecordAndVersion& entry : records) {
      if (const auto* level = std::get_if<FeatureLevelRecord>(&entry.record)) {
        levels_[level->name] = level->feature_level;
      }
    }
  }

  // False: nothing further of this file is of interest.
  bool take(const std::string& file, const Result<std::optional<raft::MetadataBatch>>& batch) {
    if (batch && *batch) {
      note((*batch)->records);
      return true;
    }
    if (!batch && batch.error().kind() == ErrorKind::kUnsupported) {
      fault_ = file + ": a later release wrote this: " + batch.error().message();
    }
    return false;
  }

  void read_snapshot() {
    const std::string path = runtime::join_path(directory_, raft::snapshot_file_name(*snapshot_));
    auto reader = raft::BatchFileReader::open(fs_, path);
    while (reader && !fault_ && take(path, (*reader)->next())) {
    }
  }

  void read_segments() {
    // The snapshot speaks for all below its end: the segment that holds the end is the first of interest.
    const Offset from = snapshot_ ? snapshot_->offset : Offset(0);
    auto first = std::upper_bound(segments_.begin(), segments_.end(), from);
    first = first == segments_.begin() ? first : first - 1;
    for (; first != segments_.end() && !fault_; ++first) {
      read_segment(storage::log_file_path(directory_, *first, storage::FileRole::kLog));
    }
  }

  void read_segment(const std::string& path) {
    const auto file = fs_.open(path, runtime::OpenMode::kRead);
    for (std::uint64_t position = 0; file;) {
      const auto batch = read_batch(**file, position);
      if (!take(path, batch)) {
        return;
      }
      position += (*batch)->size_bytes;
    }
  }

  // Nothing at the end, and where the bytes are no whole batch.
  Result<std::optional<raft::MetadataBatch>> read_batch(const runtime::File& file, std::uint64_t position) {
    buffer_.resize(record::kBatchHeaderBytes);
    MOLDAU_TRY(header_bytes, file.read_at(position, buffer_));
    if (header_bytes < buffer_.size()) {
      return std::nullopt;
    }
    const auto length = load_be<std::int32_t>(buffer_.data() + record::kLengthAt);
    if (length < 0 || static_cast<std::size_t>(length) > raft::kMetadataBatchBytesMax) {
      return std::nullopt;
    }
    buffer_.resize(record::kLogOverheadBytes + static_cast<std::size_t>(length));
    MOLDAU_TRY(bytes, file.read_at(position, buffer_));
    if (bytes < buffer_.size()) {
      return std::nullopt;
    }
    // Whatever a power cut left of a batch is the recovery's to judge: only one that is whole can be of a later
    // release.
    record::BatchIterator batches(buffer_);
    const auto view = batches.next();
    if (!view || !*view || !(*view)->crc_matches()) {
      return std::nullopt;
    }
    MOLDAU_TRY(decoded, raft::decode_metadata_batch(**view, scratch_));
    decoded.size_bytes = buffer_.size();
    return std::optional(std::move(decoded));
  }

  std::optional<std::string> judge_levels() const {
    for (const auto& [name, level] : levels_) {
      const metadata::SupportedFeature* known = metadata::find_supported_feature(name);
      const bool fits = known != nullptr && level >= known->min && level <= known->max;
      if (fits || (level == 0 && name != metadata::kMetadataVersionFeature)) {
        continue;
      }
      return log_directory_ + ": " + name + " is at level " + std::to_string(level) + ", and this release " +
             (known == nullptr ? "does not know the feature"
                               : "knows " + std::to_string(known->min) + " to " + std::to_string(known->max)) +
             ": start the release that wrote the directory; nothing was changed";
    }
    return std::nullopt;
  }

  runtime::FileSystem& fs_;
  const std::string& log_directory_;
  std::string directory_;
  std::optional<OffsetAndEpoch> snapshot_;
  std::vector<Offset> segments_;
  std::map<std::string, std::int16_t> levels_;  // bounded by the records
  std::optional<std::string> fault_;
  ByteVector buffer_;
  record::Scratch scratch_;
};

}  // namespace

std::optional<std::string> refuse_metadata(runtime::FileSystem& fs, const std::string& log_directory,
                                           const metadata::RecordBatch& bootstrap) {
  return MetadataCheck(fs, log_directory).run(bootstrap);
}

}  // namespace moldau::broker

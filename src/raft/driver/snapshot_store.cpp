#include "raft/driver/snapshot_store.h"

#include <algorithm>

namespace moldau::raft {

SnapshotStore::SnapshotStore(runtime::FileSystem& fs, std::string partition_directory, Logger& logger)
    : fs_(fs), directory_(std::move(partition_directory)), logger_(logger) {}

std::string SnapshotStore::path_of(OffsetAndEpoch id) const {
  return runtime::join_path(directory_, snapshot_file_name(id));
}

Result<std::vector<SnapshotInfo>> SnapshotStore::recover(Offset log_start) {
  std::vector<SnapshotInfo> good;
  MOLDAU_TRY(entries, fs_.list(directory_));
  bool removed = false;
  for (const runtime::DirEntry& entry : entries) {
    const auto name = parse_snapshot_file_name(entry.name);
    if (!name || entry.kind != runtime::EntryKind::kFile) {
      continue;
    }
    if (name->state != SnapshotFileState::kComplete || name->id.offset < log_start) {
      log(logger_, LogLevel::kInfo, "raft", "removing {} from {}: not needed", entry.name, directory_);
      MOLDAU_CHECK(fs_.remove_file(runtime::join_path(directory_, entry.name)));
      removed = true;
      continue;
    }
    MOLDAU_TRY(reader, open(name->id));
    SnapshotInfo info{
        .id = name->id, .size_bytes = reader->size_bytes(), .last_contained_log_timestamp = 0, .voters = {}};
    if (const auto whole = reader->verify(info.voters); !whole) {
      if (whole.error().kind() == ErrorKind::kIo) {
        return std::unexpected(whole.error());
      }
      log(logger_, LogLevel::kError, "raft", "snapshot {} in {} is damaged and not used: {}", entry.name, directory_,
          whole.error().message());
      continue;
    }
    info.last_contained_log_timestamp = reader->last_contained_log_timestamp();
    good.push_back(std::move(info));
  }
  if (removed) {
    MOLDAU_CHECK(fs_.sync_dir(directory_));
  }
  std::ranges::sort(good, {}, &SnapshotInfo::id);
  return good;
}

Result<std::unique_ptr<BatchFileReader>> SnapshotStore::open(OffsetAndEpoch id) const {
  return BatchFileReader::open(fs_, path_of(id));
}

Result<SnapshotInfo> SnapshotStore::write(OffsetAndEpoch id, const BatchFileWriter::Header& header, Fill fill) {
  MOLDAU_CHECK(fs_.make_dirs(directory_));
  const std::string path = path_of(id);
  const std::string part = path + ".part";
  SnapshotInfo info{.id = id,
                    .size_bytes = 0,
                    .last_contained_log_timestamp = header.last_contained_log_timestamp,
                    .voters = header.voters};
  const auto write_part = [&]() -> Result<> {
    MOLDAU_TRY(file, fs_.open(part, runtime::OpenMode::kCreate));
    MOLDAU_CHECK(file->truncate(0));
    BatchFileWriter writer(file, header);
    if (fill) {
      fill(writer);
    }
    MOLDAU_CHECK(writer.finish());
    info.size_bytes = writer.size_bytes();
    return file->sync();
  };
  if (const auto written = write_part(); !written) {
    // The first error is the one worth telling; a leftover is removed at the next start.
    (void)fs_.remove_file(part);
    return std::unexpected(written.error());
  }
  MOLDAU_CHECK(fs_.rename(part, path));
  MOLDAU_CHECK(fs_.sync_dir(directory_));
  return info;
}

Result<> SnapshotStore::remove(const std::vector<OffsetAndEpoch>& ids) {
  std::vector<std::string> doomed;
  for (const OffsetAndEpoch id : ids) {
    const std::string path = path_of(id);
    const auto renamed = fs_.rename(path, path + ".deleted");
    if (!renamed && renamed.error().kind() != ErrorKind::kNotFound) {
      return renamed;
    }
    if (renamed) {
      doomed.push_back(path + ".deleted");
    }
  }
  if (doomed.empty()) {
    return {};
  }
  MOLDAU_CHECK(fs_.sync_dir(directory_));
  for (const std::string& path : doomed) {
    MOLDAU_CHECK(fs_.remove_file(path));
  }
  return fs_.sync_dir(directory_);
}

}  // namespace moldau::raft

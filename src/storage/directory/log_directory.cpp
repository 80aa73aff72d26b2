#include "storage/directory/log_directory.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "runtime/fs_refusal.h"
#include "storage/checkpoint/partition_metadata.h"

namespace moldau::storage {
namespace {

constexpr const char* kArea = "storage";
constexpr std::string_view kFirstSegment = "00000000000000000000.log";

// Directories of others that belong beside partitions: the file system's, and Kafka's index cache of tiered storage.
bool is_known_foreign(std::string_view name) {
  return name == "lost+found" || name == "remote-log-index-cache";
}

}  // namespace

std::expected<std::unique_ptr<LogDirectory>, DirectoryFault> LogDirectory::open(runtime::FileSystem& fs, Logger& logger,
                                                                                std::string path) {
  std::unique_ptr<LogDirectory> directory(new LogDirectory(fs, logger, std::move(path)));
  const std::string& at = directory->path_;
  const auto fault = [&at](const Error& error, const char* what, bool refuse) {
    return std::unexpected(DirectoryFault{
        error, fmt::format("log directory {}: {}: {}", at, what, runtime::fs_refusal(error)), refuse, at});
  };
  const auto there = fs.exists(at);
  if (!there) {
    return fault(there.error(), "cannot be looked at", false);
  }
  if (!*there) {
    log(logger, LogLevel::kInfo, kArea, "log directory {} is missing and is made", at);
    if (const auto made = fs.make_dirs(at); !made) {
      return fault(made.error(), "cannot be made", false);
    }
    if (const auto synced = fs.sync_dir(runtime::parent_path(at)); !synced) {
      return fault(synced.error(), "cannot be made durable", false);
    }
  }
  auto lock = fs.lock(directory->path_of(kLockFile));
  if (!lock) {
    if (lock.error().kind() == ErrorKind::kLocked) {
      return std::unexpected(DirectoryFault{
          lock.error(),
          fmt::format("log directory {}: another process uses it; stop that one, or set log.dirs to another", at), true,
          at});
    }
    return fault(lock.error(), "cannot be locked", false);
  }
  directory->lock_ = *std::move(lock);
  if (auto found = directory->read_files()) {
    return std::unexpected(*std::move(found));
  }
  if (auto found = directory->scan()) {
    return std::unexpected(*std::move(found));
  }
  return directory;
}

std::optional<DirectoryFault> LogDirectory::read_files() {
  const auto fault = [this](const Error& error, const char* file, bool refuse) {
    return DirectoryFault{error, fmt::format("{}: {}", path_of(file), error.message()), refuse, path_};
  };
  if (auto identity = read_meta_properties(fs_, path_)) {
    identity_ = *std::move(identity);
  } else if (identity.error().kind() != ErrorKind::kNotFound) {
    const ErrorKind kind = identity.error().kind();
    return fault(identity.error(), kMetaPropertiesFile, kind != ErrorKind::kIo);
  }
  const auto shutdown = read_clean_shutdown(fs_, path_);
  if (!shutdown) {
    return fault(shutdown.error(), kCleanShutdownFile, false);
  }
  contents_.shutdown = *shutdown;
  contents_.recovery_points = read_offsets(kRecoveryPointCheckpoint);
  contents_.high_watermarks = read_offsets(kHighWatermarkCheckpoint);
  contents_.log_starts = read_offsets(kLogStartCheckpoint);
  contents_.cleaned = read_offsets(kCleanerCheckpoint);
  if (auto ends = read_durable_ends(fs_, path_of(kDurableEndFile))) {
    contents_.durable_ends = *std::move(ends);
  } else {
    log(logger_, LogLevel::kWarn, kArea, "{}: {}; the recovery points bound recovery instead", path_of(kDurableEndFile),
        ends.error().message());
  }
  if (auto heirs = read_durable_end_heirs(fs_, path_of(kDurableEndHeirsFile))) {
    contents_.heirs = *std::move(heirs);
  } else {
    log(logger_, LogLevel::kWarn, kArea, "{}: {}; it counts as empty", path_of(kDurableEndHeirsFile),
        heirs.error().message());
  }
  return std::nullopt;
}

Result<Uuid> LogDirectory::topic_id_of(const std::string& partition) {
  const auto metadata = read_partition_metadata(fs_, partition);
  if (metadata) {
    return metadata->topic_id;
  }
  if (metadata.error().kind() != ErrorKind::kNotFound) {
    return std::unexpected(metadata.error());
  }
  MOLDAU_TRY(entries, fs_.list(partition));
  for (const runtime::DirEntry& entry : entries) {
    if (!entry.name.ends_with(".log")) {
      continue;
    }
    const auto info = entry.kind == runtime::EntryKind::kFile
                          ? fs_.file_size(runtime::join_path(partition, entry.name))
                          : Result<std::uint64_t>(moldau::fail(ErrorKind::kInvalid, "not a file"));
    if (!info || *info > 0) {
      return moldau::fail(ErrorKind::kCorrupt, "partition.metadata is missing, and there are records");
    }
  }
  return std::unexpected(metadata.error());
}

PartitionOffsets LogDirectory::read_offsets(const char* file) {
  auto offsets = read_offset_checkpoint(fs_, path_of(file));
  if (!offsets) {
    log(logger_, LogLevel::kWarn, kArea, "{}: {}; it counts as empty", path_of(file), offsets.error().message());
    return {};
  }
  return *std::move(offsets);
}

std::optional<DirectoryFault> LogDirectory::scan() {
  auto entries = fs_.list(path_);
  if (!entries) {
    return DirectoryFault{entries.error(), fmt::format("log directory {}: {}", path_, entries.error().message()), false,
                          path_};
  }
  std::ranges::sort(*entries, {}, &runtime::DirEntry::name);
  for (const runtime::DirEntry& entry : *entries) {
    const auto refuse = [&](const char* why) {
      return DirectoryFault{Error(ErrorKind::kInvalid, why),
                            fmt::format("log directory {}: {} {}", path_, entry.name, why), true, path_};
    };
    if (entry.kind == runtime::EntryKind::kFile || is_known_foreign(entry.name)) {
      continue;
    }
    const auto name = parse_partition_directory(entry.name);
    if (entry.kind == runtime::EntryKind::kOther) {
      if (name) {
        return refuse("is named like a partition but is not a directory");
      }
      continue;
    }
    if (!name) {
      return refuse("is not named like a partition; move it away if it is not Kafka's");
    }
    if (name->partition.topic == kClusterMetadataTopic) {
      continue;
    }
    const std::string path = runtime::join_path(path_, entry.name);
    switch (name->kind) {
      case DirectoryKind::kDelete: contents_.deleting.push_back(path); break;
      case DirectoryKind::kFuture: contents_.futures.push_back({path, name->partition, topic_id_of(path)}); break;
      case DirectoryKind::kStray: contents_.strays.push_back(path); break;
      case DirectoryKind::kPartition: contents_.partitions.push_back({path, name->partition, topic_id_of(path)}); break;
    }
  }
  return std::nullopt;
}

bool LogDirectory::never_used(const FoundPartition& found) const {
  const auto begun = [&](const PartitionOffsets& offsets) {
    const auto offset = offsets.find(found.name);
    return offset != offsets.end() && offset->second > Offset(0);
  };
  const auto durable = contents_.durable_ends.find(found.name);
  if (begun(contents_.recovery_points) || begun(contents_.high_watermarks) || begun(contents_.log_starts) ||
      (durable != contents_.durable_ends.end() && durable->second.topic_id == found.topic_id &&
       durable->second.end > Offset(0))) {
    return false;
  }
  const auto entries = fs_.list(found.directory);
  return entries && std::ranges::all_of(*entries, [&](const runtime::DirEntry& entry) {
           if (entry.name.find(".log") == std::string::npos) {
             return true;
           }
           const auto size = fs_.file_size(runtime::join_path(found.directory, entry.name));
           return entry.name == kFirstSegment && size && *size == 0;
         });
}

void LogDirectory::drop(const std::string& partition) {
  const auto removed =
      std::erase_if(contents_.partitions, [&](const FoundPartition& found) { return found.directory == partition; });
  MOLDAU_ASSERT(removed == 1);
  dropped_.push_back(partition);
}

Result<> LogDirectory::claim() {
  if (const auto taken = take_clean_shutdown(fs_, path_); !taken) {
    return std::unexpected(taken.error());
  }
  for (const std::string& partition : dropped_) {
    log(logger_, LogLevel::kWarn, kArea,
        "{} is removed: it never had a record, and its partition is in another directory", partition);
    MOLDAU_CHECK(fs_.remove_tree(partition));
  }
  // Names that a process before made and could not sync are seen, and not yet kept: meta.properties above all.
  return fs_.sync_dir(path_);
}

Result<> LogDirectory::write_identity(const MetaProperties& identity) {
  MOLDAU_CHECK(write_meta_properties(fs_, path_, identity));
  identity_ = identity;
  return {};
}

bool LogDirectory::holds(std::string_view partition_path) const noexcept {
  return partition_path.size() > path_.size() + 1 && partition_path.starts_with(path_) &&
         partition_path[path_.size()] == '/' && partition_path.find('/', path_.size() + 1) == std::string_view::npos;
}

Uuid LogDirectory::id() const noexcept {
  return identity_ && identity_->directory_id ? *identity_->directory_id : kZeroUuid;
}

void LogDirectory::fail(const Error& error) {
  if (failure_) {
    return;
  }
  failure_ = error;
  log(logger_, LogLevel::kError, kArea, "log directory {} is offline: {}", path_, error.message());
  if (failed_callback_) {
    failed_callback_(*this, error);
  }
}

}  // namespace moldau::storage

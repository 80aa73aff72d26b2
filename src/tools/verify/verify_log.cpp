#include "tools/verify/verify_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "protocol/record/batch.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/format.h"
#include "raft/driver/quorum_state_file.h"
#include "raft/driver/snapshot_path.h"
#include "storage/checkpoint/clean_shutdown.h"
#include "storage/checkpoint/durable_end_file.h"
#include "storage/checkpoint/meta_properties.h"
#include "storage/checkpoint/offset_checkpoint.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/directory/partition_directory.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/segment_files.h"
#include "tools/verify/verify_partition.h"
#include "tools/verify/verify_report.h"

namespace moldau::tools {
namespace {

using storage::PartitionOffsets;

class DirectoryCheck {
 public:
  DirectoryCheck(VerifyReport& report, std::string directory) : report_(report), directory_(std::move(directory)) {}

  void run() {
    const auto listed = report_.fs().list(directory_);
    if (!listed) {
      return report_.refuse(directory_, listed.error().message());
    }
    const auto has = [&](std::string_view name) {
      return std::ranges::any_of(*listed, [&](const runtime::DirEntry& entry) { return entry.name == name; });
    };
    const bool is_partition = std::ranges::any_of(
        *listed, [](const runtime::DirEntry& entry) { return storage::parse_log_file_name(entry.name).has_value(); });
    if (!has(storage::kMetaPropertiesFile) && is_partition) {
      (void)verify_partition(report_, directory_, {});
      return;
    }
    if (!has(storage::kMetaPropertiesFile)) {
      return report_.refuse(directory_,
                            "is neither a log directory (meta.properties is missing) nor that of a partition");
    }
    read_files();
    for (const runtime::DirEntry& entry : *listed) {
      look_at(entry);
    }
    judge_checkpoints();
  }

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return runtime::join_path(directory_, name); }

  // The value, or a fault and what an absent file would have given.
  template <class T>
  T readable(std::string_view name, Result<T> read) {
    if (!read) {
      report_.fault(path(name), read.error());
      return {};
    }
    return *std::move(read);
  }

  void read_files() {
    const auto properties = storage::read_meta_properties(report_.fs(), directory_);
    if (!properties) {
      report_.fault(path(storage::kMetaPropertiesFile), properties.error());
    } else if (!properties->directory_id) {
      report_.note(path(storage::kMetaPropertiesFile), "has no directory.id; a start gives it one");
    }
    clean_ = readable(storage::kCleanShutdownFile, storage::read_clean_shutdown(report_.fs(), directory_)).clean;
    for (const char* name : {storage::kRecoveryPointCheckpoint, storage::kHighWatermarkCheckpoint,
                             storage::kLogStartCheckpoint, storage::kCleanerCheckpoint}) {
      offsets_[name] = readable(name, storage::read_offset_checkpoint(report_.fs(), path(name)));
    }
    durable_ends_ =
        readable(storage::kDurableEndFile, storage::read_durable_ends(report_.fs(), path(storage::kDurableEndFile)));
    (void)readable(storage::kDurableEndHeirsFile,
                   storage::read_durable_end_heirs(report_.fs(), path(storage::kDurableEndHeirsFile)));
    for (const auto& [partition, end] : durable_ends_) {
      newest_epoch_ = std::max(newest_epoch_, end.broker_epoch);
    }
  }

  void look_at(const runtime::DirEntry& entry) {
    if (entry.kind != runtime::EntryKind::kDirectory) {
      if (entry.name == raft::kBootstrapFile) {
        check_snapshot(path(entry.name));
      }
      return;
    }
    if (entry.name == raft::kMetadataPartitionName) {
      return check_metadata_log(path(entry.name));
    }
    const auto name = storage::parse_partition_directory(entry.name);
    if (!name) {
      return report_.note(path(entry.name), "is no directory of a partition");
    }
    if (name->kind != storage::DirectoryKind::kPartition) {
      return report_.note(path(entry.name), "is set aside, and not looked into");
    }
    const TopicPartition& partition = name->partition;
    if (const auto extent = verify_partition(report_, path(entry.name), claims_of(partition, path(entry.name)))) {
      extents_.emplace(partition, *extent);
    }
  }

  [[nodiscard]] std::optional<Offset> offset_in(const char* file, const TopicPartition& partition) const {
    const PartitionOffsets& offsets = offsets_.at(file);
    const auto found = offsets.find(partition);
    return found == offsets.end() ? std::nullopt : std::optional(found->second);
  }

  PartitionClaims claims_of(const TopicPartition& partition, const std::string& directory) {
    PartitionClaims claims{.durable = offset_in(storage::kRecoveryPointCheckpoint, partition),
                           .cleanly_stopped = clean_};
    claims.cleaned = offset_in(storage::kCleanerCheckpoint, partition).has_value();
    const auto metadata = storage::read_partition_metadata(report_.fs(), directory);
    if (const auto durable =
            metadata ? storage::trusted_durable_end(durable_ends_, partition, metadata->topic_id, newest_epoch_)
                     : std::nullopt) {
      claims.durable = std::max(claims.durable.value_or(Offset(0)), *durable);
    }
    return claims;
  }

  void check_metadata_log(const std::string& directory) {
    const TopicPartition partition = storage::parse_partition_directory(raft::kMetadataPartitionName)->partition;
    (void)verify_partition(report_, directory,
                           {.durable = offset_in(storage::kRecoveryPointCheckpoint, partition),
                            .cleanly_stopped = clean_,
                            .cleaned = true,  // the log of a node may begin behind its snapshots
                            .needs_metadata_file = false});
    const auto listed = report_.fs().list(directory);
    if (!listed) {
      return report_.fault(directory, listed.error());
    }
    for (const runtime::DirEntry& entry : *listed) {
      const auto name = raft::parse_snapshot_file_name(entry.name);
      if (name && name->state == raft::SnapshotFileState::kComplete) {
        check_snapshot(runtime::join_path(directory, entry.name));
      } else if (name) {
        report_.note(runtime::join_path(directory, entry.name), "left by an operation that was not finished");
      } else if (entry.name == raft::kQuorumStateFile) {
        check_quorum_state(runtime::join_path(directory, entry.name));
      }
    }
  }

  void check_quorum_state(const std::string& file) {
    const auto content = runtime::read_file(report_.fs(), file, raft::kQuorumStateBytesMax);
    if (!content) {
      return report_.fault(file, content.error());
    }
    if (const auto state = raft::parse_quorum_state(*content); !state) {
      report_.fault(file, state.error());
    }
  }

  // A snapshot is written whole before it has its name: whole batches, nothing else.
  void check_snapshot(const std::string& file) {
    const auto snapshot = report_.fs().open(file, runtime::OpenMode::kRead);
    if (!snapshot) {
      return report_.fault(file, snapshot.error());
    }
    const auto size = (*snapshot)->size();
    if (!size) {
      return report_.fault(file, size.error());
    }
    ByteVector buffer;
    storage::BatchScanner scanner(**snapshot, 0, *size, buffer, storage::BatchScanner::kRecoveryChunk);
    for (;;) {
      const auto found = scanner.next();
      if (!found) {
        return report_.fault(file, "no whole batch", scanner.position());
      }
      if (!*found) {
        return;
      }
      const auto bytes = scanner.bytes();
      if (!bytes) {
        return report_.fault(file, bytes.error().message(), (*found)->position);
      }
      const record::BatchView batch{.header = (*found)->header, .bytes = *bytes};
      if (!batch.crc_matches()) {
        return report_.fault(
            file, fmt::format("the batch's checksum is {}, computed {}", batch.header.crc, batch.computed_crc()),
            (*found)->position);
      }
      ++report_.counts.batches;
    }
  }

  // What the files say of logs that were read to their ends.
  void judge_checkpoints() {
    for (const auto& [name, offsets] : offsets_) {
      for (const auto& [partition, offset] : offsets) {
        if (partition.topic + "-" + std::to_string(partition.partition.value()) == raft::kMetadataPartitionName) {
          continue;
        }
        const auto extent = extents_.find(partition);
        if (extent == extents_.end()) {
          report_.note(path(name), fmt::format("speaks of {}-{}, which has no directory", partition.topic,
                                               partition.partition.value()));
        } else if (extent->second.sound) {
          judge(name, partition, offset, extent->second);
        }
      }
    }
  }

  void judge(const std::string& name, const TopicPartition& partition, Offset offset, const LogExtent& extent) {
    // A recovery point beyond the end was named beside the log.
    if (offset <= extent.end || name == storage::kRecoveryPointCheckpoint) {
      return;
    }
    const std::string what = fmt::format("{}-{}: offset {} is behind the log's end, {}", partition.topic,
                                         partition.partition.value(), offset.value(), extent.end.value());
    // A high watermark and a cleaner's offset are written without a sync of the log.
    if (clean_ || name == storage::kLogStartCheckpoint) {
      report_.fault(path(name), what);
    } else {
      report_.note(path(name), what);
    }
  }

  VerifyReport& report_;
  std::string directory_;
  bool clean_ = false;
  std::map<std::string, PartitionOffsets> offsets_;
  storage::DurableEnds durable_ends_;
  BrokerEpoch newest_epoch_ = kNoBrokerEpoch;
  std::map<TopicPartition, LogExtent> extents_;
};

}  // namespace

int verify_logs(runtime::FileSystem& fs, const VerifyOptions& options, VerifySinks sinks) {
  VerifyReport report(fs, options.json, std::move(sinks));
  for (const std::string& directory : options.directories) {
    DirectoryCheck(report, directory).run();
  }
  report.summarise();
  return report.exit_code();
}

}  // namespace moldau::tools

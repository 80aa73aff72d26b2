#include "raft/driver/recovery.h"

#include <fmt/format.h>

#include "raft/driver/durable_end.h"
#include "raft/driver/log_batches.h"
#include "raft/driver/quorum_state_file.h"
#include "runtime/fs_refusal.h"
#include "storage/checkpoint/partition_metadata.h"

namespace moldau::raft {
namespace {

using Refusal = std::unexpected<std::string>;

Refusal refuse(const std::string& directory, const std::string& what, const Error& error) {
  return Refusal(fmt::format("metadata log {}: {}: {}", directory, what, runtime::fs_refusal(error)));
}

storage::LogConfig log_config(const MetadataLogConfig& config) {
  storage::LogConfig log;
  log.segment_bytes = config.segment_bytes;
  log.segment_ms = config.segment_ms;
  // The prefix is deleted behind snapshots alone.
  log.retention_ms = -1;
  log.retention_bytes = -1;
  return log;
}

// The partition's directory with its topic id. `made`: it was not there.
Result<> prepare_directory(runtime::FileSystem& fs, const std::string& directory, bool& made) {
  MOLDAU_TRY(exists, fs.exists(directory));
  made = !exists;
  MOLDAU_CHECK(fs.make_dirs(directory));
  auto metadata = storage::read_partition_metadata(fs, directory);
  if (!metadata && metadata.error().kind() == ErrorKind::kNotFound) {
    return storage::write_partition_metadata(fs, directory, kMetadataTopicId);
  }
  if (!metadata) {
    return std::unexpected(metadata.error());
  }
  if (metadata->topic_id != kMetadataTopicId) {
    return fail(ErrorKind::kCorrupt, "partition.metadata names another topic");
  }
  return {};
}

std::vector<EpochStart> epochs_of(const storage::Log& metadata) {
  std::vector<EpochStart> epochs;
  for (Offset at = metadata.log_start(); at < metadata.log_end();) {
    const auto epoch = metadata.epoch_for_offset(at);
    if (!epoch) {
      break;  // LogSummary::restore judges
    }
    epochs.push_back({*epoch, at});
    const auto end = metadata.end_offset_for_epoch(*epoch);
    if (!end || end->offset <= at) {
      break;
    }
    at = end->offset;
  }
  return epochs;
}

Result<> read_voters(storage::Log& metadata, Offset from, VoterHistory& history) {
  LogBatches batches(metadata, from, metadata.log_end());
  record::Scratch scratch;
  for (;;) {
    MOLDAU_TRY(view, batches.next());
    if (!view) {
      return {};
    }
    if (!view->header.is_control()) {
      continue;
    }
    MOLDAU_TRY(batch, decode_metadata_batch(*view, scratch));
    for (const auto& [offset, control] : batch.control_records) {
      if (const auto* change = std::get_if<VoterChange>(&control)) {
        history.add(offset, *change);
      }
    }
  }
}

}  // namespace

std::expected<RecoveredMetadata, std::string> recover_metadata(storage::LogEnvironment environment,
                                                               const std::string& directory,
                                                               const MetadataLogConfig& config, NodeId self,
                                                               VoterSet fixed_voters, std::int64_t now_ms) {
  // First of all: whoever cannot tell its vote must not touch anything.
  auto election = read_quorum_state(environment.fs, directory);
  if (!election) {
    return refuse(directory,
                  "cannot read quorum-state (restore it from a backup; a node that forgot its vote could "
                  "elect a second leader)",
                  election.error());
  }

  bool new_directory = false;
  if (const auto prepared = prepare_directory(environment.fs, directory, new_directory); !prepared) {
    return refuse(directory, "cannot prepare the directory", prepared.error());
  }
  auto durable_end = read_trusted_durable_end(environment.fs, directory, *election, self);
  if (!durable_end && durable_end.error().kind() == ErrorKind::kIo) {
    return refuse(directory, "cannot read its durable end", durable_end.error());
  }
  if (!durable_end) {
    log(environment.logger, LogLevel::kWarn, "raft",
        "metadata log {}: the file with its durable end is damaged and not "
        "used: {}",
        directory, durable_end.error().message());
  }
  storage::OpenHints hints;
  hints.durable_end = durable_end.value_or(std::nullopt);
  hints.new_directory = new_directory;
  hints.now_ms = now_ms;
  auto opened =
      storage::Log::open(environment, directory, {"__cluster_metadata", PartitionIndex{0}}, log_config(config), hints);
  if (!opened) {
    return refuse(directory, "cannot open the log", opened.error());
  }
  std::unique_ptr<storage::Log> metadata = *std::move(opened);
  if (metadata->fenced()) {
    return refuse(directory, "it is damaged where it was durable; restore it from a backup",
                  metadata->open_report().fence->error);
  }

  SnapshotStore store(environment.fs, directory, environment.logger);
  auto snapshots = store.recover(metadata->log_start());
  if (!snapshots) {
    return refuse(directory, "cannot read the snapshots", snapshots.error());
  }
  if (metadata->log_start() > Offset{0} && snapshots->empty()) {
    return Refusal(
        fmt::format("metadata log {}: it begins at offset {} and there is no whole snapshot that reaches so far; "
                    "restore one from a "
                    "backup",
                    directory, metadata->log_start().value()));
  }

  VoterHistory history(std::move(fixed_voters));
  Offset read_from = metadata->log_start();
  if (!snapshots->empty()) {
    const SnapshotInfo newest = snapshots->back();
    const LeaderEpoch last_epoch = metadata->latest_epoch().value_or(LeaderEpoch{0});
    // A follower that stopped between loading a snapshot and restarting its log behind it, or a lost tail.
    if (newest.id.epoch > last_epoch || (newest.id.epoch == last_epoch && newest.id.offset > metadata->log_end())) {
      if (const auto restarted = metadata->truncate_fully_and_start_at(newest.id.offset, now_ms); !restarted) {
        return refuse(directory, "cannot restart the log behind its snapshot", restarted.error());
      }
      snapshots->erase(snapshots->begin(), snapshots->end() - 1);
    }
    history.add(newest.id.offset - 1, newest.voters);
    read_from = newest.id.offset;
  }
  if (const auto read = read_voters(*metadata, read_from, history); !read) {
    return refuse(directory, "cannot read the log", read.error());
  }

  const auto id_of = [](const SnapshotInfo& info) { return std::optional(info.id); };
  auto summary = LogSummary::restore(metadata->log_start(), metadata->log_end(), epochs_of(*metadata),
                                     snapshots->empty() ? std::nullopt : id_of(snapshots->front()),
                                     snapshots->empty() ? std::nullopt : id_of(snapshots->back()));
  if (!summary) {
    return Refusal(fmt::format("metadata log {}: its epochs, ends and snapshots contradict each other", directory));
  }
  return RecoveredMetadata{std::move(metadata), *std::move(snapshots),
                           Quorum::Restored{*election, *std::move(summary), std::move(history)}};
}

}  // namespace moldau::raft

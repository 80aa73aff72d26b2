#include "raft/driver/recovery.h"

#include <fmt/format.h>

#include "raft/driver/format.h"
#include "raft/driver/log_batches.h"
#include "raft/driver/quorum_state_file.h"
#include "storage/checkpoint/partition_metadata.h"

namespace moldau::raft {
namespace {

using Refusal = std::unexpected<std::string>;

Refusal refuse(const std::string& directory, const std::string& what, const Error& error) {
  return Refusal(fmt::format("metadata log {}: {}: {}", directory, what, error.message()));
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

std::vector<EpochStart> epochs_of(const storage::Log& log) {
  std::vector<EpochStart> epochs;
  for (Offset at = log.log_start(); at < log.log_end();) {
    const auto epoch = log.epoch_for_offset(at);
    if (!epoch) {
      break;  // LogSummary::restore judges
    }
    epochs.push_back({*epoch, at});
    const auto end = log.end_offset_for_epoch(*epoch);
    if (!end || end->offset <= at) {
      break;
    }
    at = end->offset;
  }
  return epochs;
}

Result<> read_voters(storage::Log& log, Offset from, VoterHistory& history) {
  LogBatches batches(log, from, log.log_end());
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
                                                               const MetadataLogConfig& config, VoterSet fixed_voters,
                                                               std::int64_t now_ms) {
  // First of all: whoever cannot tell its vote must not touch anything.
  auto election = read_quorum_state(environment.fs, directory);
  if (!election) {
    return refuse(directory, "cannot read quorum-state (restore it from a backup; a node that forgot its vote could "
                             "elect a second leader)", election.error());
  }

  bool new_directory = false;
  if (const auto prepared = prepare_directory(environment.fs, directory, new_directory); !prepared) {
    return refuse(directory, "cannot prepare the directory", prepared.error());
  }
  storage::OpenHints hints;
  hints.new_directory = new_directory;
  hints.now_ms = now_ms;
  auto log = storage::Log::open(environment, directory, {"__cluster_metadata", PartitionIndex{0}}, log_config(config), hints);
  if (!log) {
    return refuse(directory, "cannot open the log", log.error());
  }
  if ((*log)->fenced()) {
    return refuse(directory, "the log is damaged", (*log)->open_report().fence->error);
  }

  SnapshotStore store(environment.fs, directory, environment.logger);
  auto snapshots = store.recover((*log)->log_start());
  if (!snapshots) {
    return refuse(directory, "cannot read the snapshots", snapshots.error());
  }
  if ((*log)->log_start() > Offset{0} && snapshots->empty()) {
    return Refusal(fmt::format(
        "metadata log {}: it begins at offset {} and there is no whole snapshot that reaches so far; restore one from a "
        "backup", directory, (*log)->log_start().value()));
  }

  VoterHistory history(std::move(fixed_voters));
  Offset read_from = (*log)->log_start();
  if (!snapshots->empty()) {
    const SnapshotInfo newest = snapshots->back();
    const LeaderEpoch last_epoch = (*log)->latest_epoch().value_or(LeaderEpoch{0});
    // A follower that stopped between loading a snapshot and restarting its log behind it, or a lost tail.
    if (newest.id.epoch > last_epoch || (newest.id.epoch == last_epoch && newest.id.offset > (*log)->log_end())) {
      if (const auto restarted = (*log)->truncate_fully_and_start_at(newest.id.offset, now_ms); !restarted) {
        return refuse(directory, "cannot restart the log behind its snapshot", restarted.error());
      }
      snapshots->erase(snapshots->begin(), snapshots->end() - 1);
    }
    history.add(newest.id.offset - 1, newest.voters);
    read_from = newest.id.offset;
  }
  if (const auto read = read_voters(**log, read_from, history); !read) {
    return refuse(directory, "cannot read the log", read.error());
  }

  const auto id_of = [](const SnapshotInfo& info) { return std::optional(info.id); };
  auto summary = LogSummary::restore((*log)->log_start(), (*log)->log_end(), epochs_of(**log),
                                     snapshots->empty() ? std::nullopt : id_of(snapshots->front()),
                                     snapshots->empty() ? std::nullopt : id_of(snapshots->back()));
  if (!summary) {
    return Refusal(fmt::format("metadata log {}: its epochs, ends and snapshots contradict each other", directory));
  }
  return RecoveredMetadata{*std::move(log), *std::move(snapshots),
                           Quorum::Restored{*election, *std::move(summary), std::move(history)}};
}

}  // namespace moldau::raft

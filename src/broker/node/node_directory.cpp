#include "broker/node/node_directory.h"

#include <utility>

#include "broker/node/metadata_check.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/format.h"
#include "storage/checkpoint/meta_properties.h"
#include "storage/directory/open_directories.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kBootstrapPrefix = "bootstrap.checkpoint";  // and its unfinished form
constexpr std::string_view kUnfinishedPropertiesPrefix = "meta.properties.";
constexpr std::string_view kFirstSnapshotPrefix = "00000000000000000000-0000000000.checkpoint";

// True if the directory is missing, empty, or holds nothing but what a format leaves behind when it is interrupted
// before meta.properties, its last file, is on the disk, and the lock of a start that a crash ended there: nothing was
// ever stored.
Result<bool> is_unused(runtime::FileSystem& fs, const std::string& path) {
  MOLDAU_TRY(exists, fs.exists(path));
  if (!exists) {
    return true;
  }
  MOLDAU_TRY(entries, fs.list(path));
  for (const runtime::DirEntry& entry : entries) {
    if (entry.name == raft::kMetadataPartitionName) {
      MOLDAU_TRY(files, fs.list(runtime::join_path(path, entry.name)));
      for (const runtime::DirEntry& file : files) {
        if (!file.name.starts_with(kFirstSnapshotPrefix)) {
          return false;
        }
      }
    } else if (!entry.name.starts_with(kBootstrapPrefix) && !entry.name.starts_with(kUnfinishedPropertiesPrefix) &&
               entry.name != storage::kLockFile) {
      return false;
    }
  }
  return true;
}

// Makes a new cluster's directory out of an unused one; anything else is left to the checks that follow.
std::optional<std::string> format_empty(const runtime::World& world, const NodeConfig& config) {
  const std::string& path = config.log_dirs.front();
  if (const Result<bool> unused = is_unused(world.fs, path); !unused || !*unused) {
    return std::nullopt;
  }
  const ListenerConfig& controller = config.controller_listener();
  raft::FormatOptions options;
  options.cluster_id = world.random.uuid().to_string();
  options.node_id = config.node_id;
  options.log_directories = config.log_dirs;
  options.metadata_log_directory = config.metadata_log_dir;
  const runtime::Endpoint endpoint = controller.told();
  options.controller = raft::ListenerEndpoint{controller.name, endpoint.host, endpoint.port};
  const auto formatted = raft::format_directories(world.fs, options, world.random, world.shard(0).clock().wall_ms());
  if (!formatted) {
    return formatted.error();
  }
  log(world.logger, LogLevel::kInfo, "node", "formatted {} for a new cluster, {}", path, options.cluster_id);
  return std::nullopt;
}

}  // namespace

std::expected<std::unique_ptr<raft::RaftClient>, std::string> NodeDirectory::open_raft(
    const runtime::World& world, storage::SyncGroup& sync, const NodeConfig& config,
    std::vector<raft::ListenerEndpoint> controller_endpoints) const {
  raft::RaftClient::Options options;
  options.log_directory = log_directory->path();
  options.self.key = {.id = config.node_id, .directory_id = log_directory->id()};
  options.self.listeners = std::move(controller_endpoints);
  options.log = {.segment_bytes = config.metadata_segment_bytes,
                 .segment_ms = config.metadata_segment_ms,
                 .retention_bytes = config.metadata_retention_bytes,
                 .retention_ms = config.metadata_retention_ms,
                 .snapshot_record_bytes = config.snapshot_bytes_interval,
                 .snapshot_interval_ms = config.snapshot_time_interval.count()};
  return raft::RaftClient::open(
      {.shard = world.shard(0), .workers = world.workers, .sync = sync, .fs = world.fs, .logger = world.logger},
      std::move(options));
}

std::expected<NodeDirectory, std::string> open_node_directory(const runtime::World& world, const NodeConfig& config,
                                                              bool format_if_empty) {
  if (format_if_empty) {
    if (auto fault = format_empty(world, config)) {
      return std::unexpected(*std::move(fault));
    }
  }
  // Before anything is made there: a name that was mistyped leaves no directory behind.
  for (const std::string& path : config.log_dirs) {
    const Result<bool> formatted = world.fs.exists(runtime::join_path(path, storage::kMetaPropertiesFile));
    if (formatted && !*formatted) {
      return std::unexpected(path +
                             " was never formatted: it has no meta.properties; if its name is right, run "
                             "'moldau format' with the same configuration first");
    }
  }
  auto opened = storage::open_log_directories(world.fs, world.logger, config.log_dirs,
                                              {.cluster_id = std::nullopt, .node_id = config.node_id});
  if (!opened) {
    return std::unexpected(opened.error());
  }
  if (opened->online.empty()) {
    return std::unexpected(opened->offline.empty() ? "no log directory could be opened" : opened->offline.front().text);
  }
  NodeDirectory directory;
  directory.log_directory = std::move(opened->online.front());
  if (!opened->identity.cluster_id || directory.log_directory->id().is_zero()) {
    return std::unexpected(directory.log_directory->path() +
                           " was never formatted: run 'moldau format' with the same configuration first");
  }
  directory.cluster_id = *opened->identity.cluster_id;
  directory.previous_epoch = directory.log_directory->contents().shutdown.broker_epoch;
  auto bootstrap = raft::read_bootstrap_file(world.fs, directory.log_directory->path());
  if (bootstrap) {
    directory.bootstrap = *std::move(bootstrap);
  } else if (bootstrap.error().kind() != ErrorKind::kNotFound) {
    return std::unexpected(directory.log_directory->path() + ": bootstrap.checkpoint: " + bootstrap.error().message());
  }
  if (auto refused = refuse_metadata(world.fs, directory.log_directory->path(), directory.bootstrap)) {
    return std::unexpected(*std::move(refused));
  }
  return directory;
}

}  // namespace moldau::broker

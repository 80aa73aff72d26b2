#include "broker/node/node_directories.h"

#include <algorithm>
#include <utility>

#include "broker/node/metadata_check.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/format.h"
#include "storage/checkpoint/meta_properties.h"
#include "storage/directory/open_directories.h"

namespace moldau::broker {
namespace {

constexpr std::string_view kBootstrapPrefix = "bootstrap.checkpoint";  // and its unfinished form
constexpr std::string_view kPropertiesPrefix = "meta.properties";      // and its unfinished form
constexpr std::string_view kFirstSnapshotPrefix = "00000000000000000000-0000000000.checkpoint";

// True if the directory is missing, empty, or holds nothing but what a format leaves behind, interrupted or done, and
// the lock of a start that a crash ended there: nothing was ever stored.
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
    } else if (!entry.name.starts_with(kBootstrapPrefix) && !entry.name.starts_with(kPropertiesPrefix) &&
               entry.name != storage::kLockFile) {
      return false;
    }
  }
  return true;
}

// The cluster id for a format of directories in which nothing was ever stored: a new one if none is formatted; that of
// those which are, if a crash interrupted their format, of which each other one has the first file. Else "".
std::string id_to_format_with(const runtime::World& world, const std::vector<std::string>& paths) {
  std::optional<std::string> found;
  std::size_t begun = 0;
  std::size_t missing = 0;
  for (const std::string& path : paths) {
    if (const Result<bool> unused = is_unused(world.fs, path); !unused || !*unused) {
      return {};
    }
    const auto properties = storage::read_meta_properties(world.fs, path);
    if (properties && properties->cluster_id) {
      found = properties->cluster_id;
      continue;
    }
    const Result<bool> has_first = world.fs.exists(runtime::join_path(path, raft::kBootstrapFile));
    if (properties || properties.error().kind() != ErrorKind::kNotFound || !has_first) {
      return {};
    }
    ++missing;
    begun += *has_first ? 1 : 0;
  }
  if (!found) {
    return world.random.uuid().to_string();
  }
  return missing > 0 && begun == missing ? *found : std::string();
}

// Makes a new cluster's directories out of unused ones; anything else is left to the checks that follow.
std::optional<std::string> format_empty(const runtime::World& world, const NodeConfig& config) {
  const std::vector<std::string> paths = directories_of(config);
  raft::FormatOptions options;
  options.cluster_id = id_to_format_with(world, paths);
  if (options.cluster_id.empty()) {
    return std::nullopt;
  }
  options.ignore_formatted = true;
  const ListenerConfig& controller = config.controller_listener();
  options.node_id = config.node_id;
  options.log_directories = paths;
  options.metadata_log_directory = config.metadata_log_dir;
  const runtime::Endpoint endpoint = controller.told();
  options.controller = raft::ListenerEndpoint{controller.name, endpoint.host, endpoint.port};
  const auto formatted = raft::format_directories(world.fs, options, world.random, world.shard(0).clock().wall_ms());
  if (!formatted) {
    return formatted.error();
  }
  for (const raft::FormattedDirectory& directory : *formatted) {
    log(world.logger, LogLevel::kInfo, "node", "formatted {} for a new cluster, {}", directory.path,
        options.cluster_id);
  }
  return std::nullopt;
}

std::string never_formatted(const std::string& path) {
  return path +
         " was never formatted: it has no meta.properties; if its name is right, run "
         "'moldau format' with the same configuration first";
}

// Kafka keeps the metadata log in one place, and so do we: elsewhere it would be a forgotten one.
std::optional<std::string> find_second_metadata_log(runtime::FileSystem& fs, const NodeDirectories& directories) {
  for (const storage::LogDirectory* directory : directories.all()) {
    if (directory == directories.metadata) {
      continue;
    }
    const std::string path = directory->path_of(raft::kMetadataPartitionName);
    if (const Result<bool> there = fs.exists(path); there && *there) {
      return path + " is not in metadata.log.dir, which is " + directories.metadata->path() +
             ": set metadata.log.dir to the directory that has the newer one";
    }
  }
  return std::nullopt;
}

// As the last clean stop left it in every directory; a missing directory, or one that says otherwise, makes it unclean.
BrokerEpoch epoch_of_clean_stop(const NodeDirectories& directories) {
  const BrokerEpoch first = directories.logs.front()->contents().shutdown.broker_epoch;
  const bool agreed = directories.lost.empty() && std::ranges::all_of(directories.logs, [first](const auto& directory) {
                        return directory->contents().shutdown.broker_epoch == first;
                      });
  return agreed ? first : kNoBrokerEpoch;
}

// Sorts what was opened. The metadata directory has to be there.
std::expected<NodeDirectories, std::string> sort_out(storage::OpenedDirectories opened, const NodeConfig& config) {
  NodeDirectories directories;
  for (const storage::DirectoryFault& fault : opened.offline) {
    if (fault.path == storage::plain_path(config.metadata_log_dir)) {
      return std::unexpected("the metadata log cannot be read: " + fault.text);
    }
    directories.lost.push_back(fault.path);
  }
  for (auto& directory : opened.online) {
    const bool has_logs = std::ranges::any_of(
        config.log_dirs, [&](const std::string& path) { return storage::plain_path(path) == directory->path(); });
    if (directory->path() == storage::plain_path(config.metadata_log_dir)) {
      directories.metadata = directory.get();
    }
    if (has_logs) {
      directories.logs.push_back(std::move(directory));
    } else {
      directories.metadata_only = std::move(directory);
    }
  }
  if (directories.logs.empty()) {
    return std::unexpected("no log directory works: " + opened.offline.front().text);
  }
  return directories;
}

}  // namespace

std::vector<std::string> directories_of(const NodeConfig& config) {
  std::vector<std::string> paths = config.log_dirs;
  if (std::ranges::find(paths, config.metadata_log_dir) == paths.end()) {
    paths.push_back(config.metadata_log_dir);
  }
  return paths;
}

std::vector<storage::LogDirectory*> NodeDirectories::of_logs() const {
  std::vector<storage::LogDirectory*> directories;
  for (const auto& directory : logs) {
    directories.push_back(directory.get());
  }
  return directories;
}

std::vector<Uuid> NodeDirectories::ids_of_logs() const {
  std::vector<Uuid> ids;
  for (const auto& directory : logs) {
    ids.push_back(directory->id());
  }
  return ids;
}

std::vector<storage::LogDirectory*> NodeDirectories::all() const {
  std::vector<storage::LogDirectory*> directories = of_logs();
  if (metadata_only) {
    directories.push_back(metadata_only.get());
  }
  return directories;
}

std::expected<void, std::string> NodeDirectories::claim() const {
  for (storage::LogDirectory* directory : all()) {
    if (const Result<> claimed = directory->claim(); !claimed) {
      return std::unexpected(directory->path() + ": " + claimed.error().message());
    }
  }
  return {};
}

std::expected<std::unique_ptr<raft::RaftClient>, std::string> NodeDirectories::open_raft(
    const runtime::World& world, storage::SyncGroup& sync, const NodeConfig& config,
    std::vector<raft::ListenerEndpoint> controller_endpoints) const {
  raft::RaftClient::Options options;
  options.log_directory = metadata->path();
  options.self.key = {.id = config.node_id, .directory_id = metadata->id()};
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

std::expected<NodeDirectories, std::string> open_node_directories(const runtime::World& world, const NodeConfig& config,
                                                                  bool format_if_empty) {
  if (format_if_empty) {
    if (auto fault = format_empty(world, config)) {
      return std::unexpected(*std::move(fault));
    }
  }
  const std::vector<std::string> paths = directories_of(config);
  // Before anything is made there: a name that was mistyped leaves no directory behind.
  for (const std::string& path : paths) {
    const Result<bool> formatted = world.fs.exists(runtime::join_path(path, storage::kMetaPropertiesFile));
    if (formatted && !*formatted) {
      return std::unexpected(never_formatted(path));
    }
  }
  auto opened = storage::open_log_directories(world.fs, world.logger, paths,
                                              {.cluster_id = std::nullopt, .node_id = config.node_id});
  if (!opened) {
    return std::unexpected(opened.error());
  }
  const std::optional<std::string> cluster_id = opened->identity.cluster_id;
  auto directories = sort_out(*std::move(opened), config);
  if (!directories) {
    return directories;
  }
  for (const storage::LogDirectory* directory : directories->all()) {
    if (!cluster_id || !directory->identity()) {
      return std::unexpected(never_formatted(directory->path()));
    }
  }
  directories->cluster_id = *cluster_id;
  directories->previous_epoch = epoch_of_clean_stop(*directories);
  const std::string& path = directories->metadata->path();
  if (auto second = find_second_metadata_log(world.fs, *directories)) {
    return std::unexpected(*std::move(second));
  }
  auto bootstrap = raft::read_bootstrap_file(world.fs, path);
  if (bootstrap) {
    directories->bootstrap = *std::move(bootstrap);
  } else if (bootstrap.error().kind() != ErrorKind::kNotFound) {
    return std::unexpected(path + ": bootstrap.checkpoint: " + bootstrap.error().message());
  }
  if (auto refused = refuse_metadata(world.fs, path, directories->bootstrap)) {
    return std::unexpected(*std::move(refused));
  }
  for (storage::LogDirectory* directory : directories->all()) {
    if (const Result<> named = storage::assign_directory_id(*directory, world.random); !named) {
      return std::unexpected(directory->path_of(storage::kMetaPropertiesFile) + ": " + named.error().message());
    }
  }
  return directories;
}

}  // namespace moldau::broker

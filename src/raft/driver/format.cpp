#include "raft/driver/format.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "metadata/image/metadata_version.h"
#include "raft/driver/bootstrap_file.h"
#include "raft/driver/snapshot_store.h"
#include "runtime/fs_refusal.h"
#include "storage/checkpoint/meta_properties.h"

namespace moldau::raft {
namespace {

using metadata::records::FeatureLevelRecord;
using FeatureLevels = std::map<std::string, std::int16_t, std::less<>>;

class NoLogger final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// The first metadata.version for which a feature is on by default (Feature.bootstrapMetadataVersion).
std::int16_t on_by_default_from(std::string_view feature) {
  if (feature == metadata::kGroupVersionFeature) return 22;
  if (feature == metadata::kTransactionVersionFeature) return 24;
  if (feature == metadata::kElrVersionFeature) return 26;
  if (feature == metadata::kShareVersionFeature) return 28;
  if (feature == metadata::kStreamsVersionFeature) return 29;
  return INT16_MAX;
}

constexpr std::int16_t kElrNeedsMetadataVersion = 23;
constexpr std::int16_t kDynamicQuorumNeedsMetadataVersion = 21;

std::expected<FeatureLevels, std::string> effective_levels(
    const std::vector<std::pair<std::string, std::int16_t>>& asked) {
  FeatureLevels levels;
  for (const auto& [name, level] : asked) {
    const auto* feature = metadata::find_supported_feature(name);
    if (feature == nullptr) {
      return std::unexpected(fmt::format("unknown feature {}", name));
    }
    if (level < feature->min || level > feature->max) {
      return std::unexpected(
          fmt::format("feature {} has no level {}: it has {} to {}", name, level, feature->min, feature->max));
    }
    if (!levels.emplace(name, level).second) {
      return std::unexpected(fmt::format("feature {} is given twice", name));
    }
  }
  const std::int16_t metadata_version =
      levels.try_emplace(std::string(metadata::kMetadataVersionFeature), metadata::kMetadataVersionMax.value())
          .first->second;
  for (const auto& feature : metadata::supported_features()) {
    if (feature.name != metadata::kKRaftVersionFeature) {
      levels.try_emplace(std::string(feature.name),
                         metadata_version >= on_by_default_from(feature.name) ? feature.max : std::int16_t{0});
    }
  }
  if (levels.find(metadata::kElrVersionFeature)->second > 0 && metadata_version < kElrNeedsMetadataVersion) {
    return std::unexpected(fmt::format("{} 1 needs metadata.version {}, not {}", metadata::kElrVersionFeature,
                                       kElrNeedsMetadataVersion, metadata_version));
  }
  return levels;
}

std::string explain(const std::string& what, const std::string& path, const Error& error) {
  return fmt::format("{} {}: {}", what, path, runtime::fs_refusal(error));
}

std::expected<std::int16_t, std::string> kraft_version_of(const FormatOptions& options, const FeatureLevels& levels) {
  const bool dynamic = options.initial_voters != InitialVoters::kStatic;
  const auto asked = levels.find(metadata::kKRaftVersionFeature);
  const std::int16_t version = asked != levels.end() ? asked->second
                               : dynamic             ? kKraftVersionDynamic
                                                     : kKraftVersionStatic;
  if (dynamic != (version >= kKraftVersionDynamic)) {
    return std::unexpected(dynamic ? "kraft.version 0 is for controller.quorum.voters; this is a dynamic quorum"
                                   : "kraft.version 1 needs a dynamic quorum: leave controller.quorum.voters away");
  }
  if (dynamic && levels.find(metadata::kMetadataVersionFeature)->second < kDynamicQuorumNeedsMetadataVersion) {
    return std::unexpected(
        fmt::format("a dynamic quorum needs metadata.version {}", kDynamicQuorumNeedsMetadataVersion));
  }
  return version;
}

std::expected<void, std::string> check(const FormatOptions& options) {
  const auto& directories = options.log_directories;
  if (options.cluster_id.empty()) {
    return std::unexpected("the cluster id is missing");
  }
  if (options.node_id < NodeId{0}) {
    return std::unexpected("node.id is missing or negative");
  }
  if (directories.empty()) {
    return std::unexpected("no log directory to format");
  }
  if (std::ranges::find(directories, options.metadata_log_directory) == directories.end()) {
    return std::unexpected(
        fmt::format("the metadata log directory {} is not among the log directories", options.metadata_log_directory));
  }
  if (options.initial_voters == InitialVoters::kStandalone && !options.controller) {
    return std::unexpected("the controller endpoint of the only voter is missing");
  }
  return {};
}

// The directory, and those above it that are missing: each name is durable.
Result<> make_durable(runtime::FileSystem& fs, const std::string& directory) {
  std::vector<std::string> above{runtime::parent_path(directory)};
  for (;;) {
    MOLDAU_TRY(exists, fs.exists(above.back()));
    std::string next = runtime::parent_path(above.back());
    if (exists || next == above.back()) {
      break;
    }
    above.push_back(std::move(next));
  }
  MOLDAU_CHECK(fs.make_dirs(directory));
  for (const std::string& one : above) {
    MOLDAU_CHECK(fs.sync_dir(one));
  }
  return {};
}

// The snapshot that tells a dynamic quorum its first voter.
Result<> write_first_snapshot(runtime::FileSystem& fs, const FormatOptions& options, const Uuid& directory_id,
                              std::int16_t kraft_version, std::int64_t now_ms) {
  BatchFileWriter::Header header;
  header.last_contained_log_timestamp = now_ms;
  header.now_ms = now_ms;
  header.voters.kraft_version = kraft_version;
  Voter voter;
  voter.key = {options.node_id, directory_id};
  voter.listeners = {*options.controller};
  header.voters.voters = VoterSet({std::move(voter)});
  NoLogger logger;
  SnapshotStore store(fs, runtime::join_path(options.metadata_log_directory, kMetadataPartitionName), logger);
  MOLDAU_CHECK(store.write(kBootstrapSnapshotId, header, {}));
  return fs.sync_dir(options.metadata_log_directory);
}

}  // namespace

std::expected<std::vector<MetadataRecordAndVersion>, std::string> bootstrap_records(
    const std::vector<std::pair<std::string, std::int16_t>>& feature_levels) {
  const auto levels = effective_levels(feature_levels);
  if (!levels) {
    return std::unexpected(levels.error());
  }
  std::vector<MetadataRecordAndVersion> records;
  const auto add = [&](std::string_view name, std::int16_t level) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    records.push_back({std::move(record), 0});
  };
  add(metadata::kMetadataVersionFeature, levels->find(metadata::kMetadataVersionFeature)->second);
  for (const auto& [name, level] : *levels) {
    // kraft.version is said by a control record.
    if (level > 0 && name != metadata::kMetadataVersionFeature && name != metadata::kKRaftVersionFeature) {
      add(name, level);
    }
  }
  return records;
}

std::expected<std::vector<FormattedDirectory>, std::string> format_directories(runtime::FileSystem& fs,
                                                                               const FormatOptions& options,
                                                                               runtime::Random& random,
                                                                               std::int64_t now_ms) {
  if (const auto checked = check(options); !checked) {
    return std::unexpected(checked.error());
  }
  const auto levels = effective_levels(options.feature_levels);
  if (!levels) {
    return std::unexpected(levels.error());
  }
  const auto kraft_version = kraft_version_of(options, *levels);
  if (!kraft_version) {
    return std::unexpected(kraft_version.error());
  }
  auto records = bootstrap_records(options.feature_levels);
  if (!records) {
    return std::unexpected(records.error());
  }
  records->insert(records->end(), options.more_bootstrap_records.begin(), options.more_bootstrap_records.end());

  std::vector<storage::DirectoryIdentity> identities;
  for (const std::string& directory : options.log_directories) {
    auto found = storage::read_meta_properties(fs, directory);
    if (!found && found.error().kind() != ErrorKind::kNotFound) {
      return std::unexpected(explain("cannot read meta.properties in", directory, found.error()));
    }
    if (found && !options.ignore_formatted) {
      return std::unexpected(fmt::format("{} is formatted already", directory));
    }
    identities.push_back({directory, found ? std::optional(*std::move(found)) : std::nullopt});
  }
  if (const auto agreed = storage::agree_on_identity(identities, {options.cluster_id, options.node_id}); !agreed) {
    return std::unexpected(agreed.error());
  }

  // All before the first meta.properties, which says that all is there: a crash must not take the directory away with
  // its records.
  const auto prepare = [&](const FormattedDirectory& now) -> Result<> {
    MOLDAU_CHECK(make_durable(fs, now.path));
    MOLDAU_CHECK(write_bootstrap_file(fs, now.path, *records, now_ms));
    if (now.path == options.metadata_log_directory && options.initial_voters == InitialVoters::kStandalone) {
      MOLDAU_CHECK(write_first_snapshot(fs, options, now.directory_id, *kraft_version, now_ms));
    }
    return {};
  };
  std::vector<FormattedDirectory> formatted;
  for (const storage::DirectoryIdentity& identity : identities) {
    if (identity.properties) {
      continue;
    }
    formatted.push_back({identity.path, random.uuid()});
    if (const auto prepared = prepare(formatted.back()); !prepared) {
      return std::unexpected(explain("cannot format", identity.path, prepared.error()));
    }
  }
  for (const FormattedDirectory& now : formatted) {
    storage::MetaProperties properties;
    properties.cluster_id = options.cluster_id;
    properties.node_id = options.node_id;
    properties.directory_id = now.directory_id;
    if (const auto written = storage::write_meta_properties(fs, now.path, properties); !written) {
      return std::unexpected(explain("cannot format", now.path, written.error()));
    }
  }
  return formatted;
}

}  // namespace moldau::raft

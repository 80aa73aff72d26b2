// meta.properties: which cluster and node a log directory belongs to, and the directory's own id.
//
// Version 1 (KRaft) has cluster.id and node.id; version 0 (ZooKeeper times) may have cluster.id and broker.id. Both may
// have directory.id; a directory without one is given one at start.
// Errors:     kCorrupt (with the line where there is one): a version other than 0 and 1, a missing or malformed field.
// Durability: a write replaces the file atomically and is durable when it returns. Blocks.
// Source:     MetaProperties, MetaPropertiesEnsemble.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"

namespace moldau::storage {

inline constexpr const char* kMetaPropertiesFile = "meta.properties";
inline constexpr std::uint64_t kMetaPropertiesBytesMax = 64 << 10;

struct MetaProperties {
  std::int32_t version = 1;
  std::optional<std::string> cluster_id;
  std::optional<NodeId> node_id;
  std::optional<Uuid> directory_id;
  friend bool operator==(const MetaProperties&, const MetaProperties&) = default;
};

[[nodiscard]] Result<MetaProperties> parse_meta_properties(Bytes content);
[[nodiscard]] std::string format_meta_properties(const MetaProperties& properties);

// kNotFound if the directory was never formatted.
[[nodiscard]] Result<MetaProperties> read_meta_properties(runtime::FileSystem& fs, const std::string& directory);
[[nodiscard]] Result<> write_meta_properties(runtime::FileSystem& fs, const std::string& directory,
                                             const MetaProperties& properties);

// Ids 0-99 of the form (0, n) mean something else than a directory: unassigned, lost, migrating.
[[nodiscard]] constexpr bool is_reserved_directory_id(const Uuid& id) noexcept {
  return id.high == 0 && id.low < 100;
}

// One log directory and what its meta.properties said; nothing if it has none yet.
struct DirectoryIdentity {
  std::string path;
  std::optional<MetaProperties> properties;
};

struct ClusterIdentity {
  std::optional<std::string> cluster_id;
  std::optional<NodeId> node_id;
  friend bool operator==(const ClusterIdentity&, const ClusterIdentity&) = default;
};

// Checks that all directories belong to one cluster and node, and to `expected` where that is set; directory ids are
// neither reserved nor equal. Returns the identity found (expected, completed by the files).
// The error is one line for the operator that names the file and both values; nothing was changed.
[[nodiscard]] std::expected<ClusterIdentity, std::string> agree_on_identity(
    std::span<const DirectoryIdentity> directories, const ClusterIdentity& expected);

}  // namespace moldau::storage

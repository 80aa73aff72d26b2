#include "storage/checkpoint/meta_properties.h"

#include <map>

#include <fmt/format.h>

#include "base/assert.h"
#include "storage/checkpoint/checkpoint_text.h"
#include "storage/checkpoint/properties.h"

namespace moldau::storage {
namespace {

// The number under `key`, nothing if the key is absent.
Result<std::optional<NodeId>> node_id_of(const std::vector<Property>& properties, std::string_view key) {
  const Property* property = find_property(properties, key);
  if (property == nullptr) {
    return std::nullopt;
  }
  const auto id = parse_decimal<std::int32_t>(property->value);
  if (!id || *id < 0) {
    return fail(ErrorKind::kCorrupt, "meta.properties: the node id is not a number from 0", 0, property->line);
  }
  return NodeId(*id);
}

}  // namespace

Result<MetaProperties> parse_meta_properties(Bytes content) {
  MOLDAU_TRY(properties, parse_properties(content));
  MetaProperties meta;
  meta.version = 0;
  if (const Property* version = find_property(properties, "version")) {
    const auto number = parse_decimal<std::int32_t>(version->value);
    if (!number || *number < 0 || *number > 1) {
      return fail(ErrorKind::kCorrupt, "meta.properties: the version is neither 0 nor 1", 0, version->line);
    }
    meta.version = *number;
  }
  MOLDAU_TRY(node_id, node_id_of(properties, meta.version == 0 ? "broker.id" : "node.id"));
  meta.node_id = node_id;
  if (const Property* cluster_id = find_property(properties, "cluster.id")) {
    meta.cluster_id = cluster_id->value;
  }
  if (const Property* directory_id = find_property(properties, "directory.id")) {
    const auto id = Uuid::parse(directory_id->value);
    if (!id) {
      return fail(ErrorKind::kCorrupt, "meta.properties: directory.id is not a uuid", 0, directory_id->line);
    }
    meta.directory_id = *id;
  }
  if (meta.version == 1 && !meta.cluster_id) {
    return fail(ErrorKind::kCorrupt, "meta.properties: no cluster.id");
  }
  if (meta.version == 1 && !meta.node_id) {
    return fail(ErrorKind::kCorrupt, "meta.properties: no node.id");
  }
  return meta;
}

std::string format_meta_properties(const MetaProperties& properties) {
  MOLDAU_ASSERT(properties.version == 0 || (properties.cluster_id && properties.node_id), properties.version);
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    text += format_property(key, value);
    text += '\n';
  };
  if (properties.cluster_id) {
    add("cluster.id", *properties.cluster_id);
  }
  if (properties.directory_id) {
    add("directory.id", properties.directory_id->to_string());
  }
  if (properties.node_id) {
    add(properties.version == 0 ? "broker.id" : "node.id", std::to_string(properties.node_id->value()));
  }
  add("version", std::to_string(properties.version));
  return text;
}

Result<MetaProperties> read_meta_properties(runtime::FileSystem& fs, const std::string& directory) {
  MOLDAU_TRY(content,
             runtime::read_file(fs, runtime::join_path(directory, kMetaPropertiesFile), kMetaPropertiesBytesMax));
  return parse_meta_properties(content);
}

Result<> write_meta_properties(runtime::FileSystem& fs, const std::string& directory,
                               const MetaProperties& properties) {
  return runtime::replace_file(fs, runtime::join_path(directory, kMetaPropertiesFile),
                               as_bytes(format_meta_properties(properties)));
}

std::expected<ClusterIdentity, std::string> agree_on_identity(std::span<const DirectoryIdentity> directories,
                                                              const ClusterIdentity& expected) {
  ClusterIdentity identity = expected;
  std::string cluster_source = "the configuration";
  std::string node_source = "the configuration";
  std::map<Uuid, std::string> paths_by_id;
  for (const DirectoryIdentity& directory : directories) {
    if (!directory.properties) {
      continue;
    }
    const MetaProperties& meta = *directory.properties;
    const std::string file = runtime::join_path(directory.path, kMetaPropertiesFile);
    if (meta.cluster_id && !identity.cluster_id) {
      identity.cluster_id = meta.cluster_id;
      cluster_source = file;
    } else if (meta.cluster_id && *meta.cluster_id != *identity.cluster_id) {
      return std::unexpected(fmt::format("{} belongs to cluster {}, but {} says cluster {}", file, *meta.cluster_id,
                                         cluster_source, *identity.cluster_id));
    }
    if (meta.node_id && !identity.node_id) {
      identity.node_id = meta.node_id;
      node_source = file;
    } else if (meta.node_id && *meta.node_id != *identity.node_id) {
      return std::unexpected(
          fmt::format("{} belongs to node {}, but {} says node {}; if the data was moved, configure "
                      "its node.id; for a new node, use an empty directory",
                      file, meta.node_id->value(), node_source, identity.node_id->value()));
    }
    if (meta.directory_id) {
      if (is_reserved_directory_id(*meta.directory_id)) {
        return std::unexpected(
            fmt::format("{} has the reserved directory id {}", file, meta.directory_id->to_string()));
      }
      const auto [other, fresh] = paths_by_id.emplace(*meta.directory_id, directory.path);
      if (!fresh) {
        return std::unexpected(fmt::format("{} and {} have the same directory id {}; one of them is a copy",
                                           other->second, directory.path, meta.directory_id->to_string()));
      }
    }
  }
  return identity;
}

}  // namespace moldau::storage

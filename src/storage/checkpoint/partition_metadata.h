// partition.metadata: the topic id of a partition directory, so that a re-created topic never reads its forerunner.
//
//   version: 0
//   topic_id: 22 characters
//
// Errors:     kCorrupt with the line: not this form, a zero id; kUnsupported: a negative version. As in Kafka a version
//             above 0 is read as 0, for downgrades.
// Durability: a write replaces the file atomically and is durable when it returns. Blocks.
// Source:     PartitionMetadataFile.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "runtime/fs.h"

namespace moldau::storage {

inline constexpr const char* kPartitionMetadataFile = "partition.metadata";
inline constexpr std::uint64_t kPartitionMetadataBytesMax = 4096;

struct PartitionMetadata {
  std::int32_t version = 0;
  Uuid topic_id;
  friend bool operator==(const PartitionMetadata&, const PartitionMetadata&) = default;
};

[[nodiscard]] Result<PartitionMetadata> parse_partition_metadata(Bytes content);
[[nodiscard]] std::string format_partition_metadata(const Uuid& topic_id);

// kNotFound if the directory has none (made by a release before topic ids, or by a crash at its creation).
[[nodiscard]] Result<PartitionMetadata> read_partition_metadata(runtime::FileSystem& fs, const std::string& directory);
[[nodiscard]] Result<> write_partition_metadata(runtime::FileSystem& fs, const std::string& directory,
                                                const Uuid& topic_id);

}  // namespace moldau::storage

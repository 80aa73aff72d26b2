// The names of partition directories inside a log directory.
//
//   <topic>-<n>                    a partition; topics may contain '.', '_' and '-', so the last '-' divides
//   <topic>-<n>.<unique>-delete    waits for its removal; the topic may have been cut to keep the name below 256 bytes
//   <topic>-<n>.<unique>-future    a copy on its way from another log directory
//   <topic>-<n>.<unique>-stray     set aside: the metadata does not give this partition to this node
//
// Source:  LocalLog.parseTopicPartitionName, UnifiedLog.logDeleteDirName.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace moldau::storage {

enum class DirectoryKind : std::uint8_t { kPartition, kDelete, kFuture, kStray };

struct PartitionDirectoryName {
  TopicPartition partition;  // of kDelete and kStray: the topic perhaps cut
  DirectoryKind kind = DirectoryKind::kPartition;
  friend bool operator==(const PartitionDirectoryName&, const PartitionDirectoryName&) = default;
};

// Nothing if the name is none of the four forms.
[[nodiscard]] std::optional<PartitionDirectoryName> parse_partition_directory(std::string_view name);

[[nodiscard]] std::string partition_directory_name(const TopicPartition& partition);
// kind: kDelete, kFuture or kStray; `unique` distinguishes several of them.
[[nodiscard]] std::string set_aside_directory_name(const TopicPartition& partition, DirectoryKind kind,
                                                   const Uuid& unique);

}  // namespace moldau::storage

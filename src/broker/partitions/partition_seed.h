// A partition that nobody has used in this process yet: an opened log and what the checkpoints said. It costs no file
// descriptor and no timer, and becomes a Partition on the shard of its first user.
#pragma once

#include <memory>

#include "base/ids.h"
#include "storage/log/log.h"

namespace moldau::broker {

struct PartitionSeed {
  TopicPartition name;
  Uuid topic_id;
  std::unique_ptr<storage::Log> log;
  Offset high_watermark{0};

  [[nodiscard]] TopicIdPartition id() const noexcept { return {topic_id, name.partition}; }
};

}  // namespace moldau::broker

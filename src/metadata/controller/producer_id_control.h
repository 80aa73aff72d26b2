// Hands out blocks of producer ids; no id is ever given twice (inventory 30).
// Source: Kafka's ProducerIdControlManager. Differences: none.
#pragma once

#include <cstdint>

#include "metadata/controller/cluster_control.h"

namespace moldau::metadata {

inline constexpr std::int64_t kProducerIdBlockSize = 1000;

struct ProducerIdBlock {
  ProducerId first = kNoProducerId;
  std::int64_t size = kProducerIdBlockSize;
};

class ProducerIdControl {
 public:
  explicit ProducerIdControl(const ControllerState& state) : state_(state), cluster_(state) {}

  // kStaleBrokerEpoch; kUnknownServerError when all 2^63 ids are spent.
  [[nodiscard]] Decision<ProducerIdBlock> next_block(NodeId broker, BrokerEpoch epoch) const;

 private:
  const ControllerState& state_;
  ClusterControl cluster_;
};

}  // namespace moldau::metadata

// Decides elections that an operator asks for: ElectLeaders.
//
// Source: Kafka's ReplicationControlManager.electLeaders. Error messages are our own or the default ones. Difference: a
// partition that is named twice is decided on what the first decision makes of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

inline constexpr std::int8_t kPreferredElection = 0;
inline constexpr std::int8_t kUncleanElection = 1;

struct ElectLeaders {
  struct Topic {
    std::string name;
    std::vector<PartitionIndex> partitions;
  };
  std::int8_t type = kPreferredElection;
  std::optional<std::vector<Topic>> topics;  // none: every partition of every topic
};

struct LeadersElected {
  struct Partition {
    PartitionIndex index{0};
    ApiError error;
  };
  std::string topic;
  std::vector<Partition> partitions;
};

class ElectionControl {
 public:
  explicit ElectionControl(const ControllerState& state) : state_(state) {}

  // One answer for each partition, in the order of the request. Asked for all, each topic is answered, by name, without
  // the partitions that need no election.
  // Per partition: kUnknownTopicOrPartition; kElectionNotNeeded (preferred: the first replica leads; unclean: somebody
  // leads); kPreferredLeaderNotAvailable, kEligibleLeadersNotAvailable: nobody else may lead.
  // For all: kInvalidRequest (unknown type); kPolicyViolation (more than kRecordsPerOperationMax leaders change).
  [[nodiscard]] Decision<std::vector<LeadersElected>> elect(const ElectLeaders& request) const;

 private:
  class Round;

  const ControllerState& state_;
};

}  // namespace moldau::metadata

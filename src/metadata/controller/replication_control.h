// Decides what becomes of topics and partitions: creation, deletion, in-sync replicas, leaders.
//
// Source: Kafka's ReplicationControlManager. Differences: partitions that concern a broker are found by walking all (in
// the order of topic id and index, where Kafka's order is that of its hash maps): O(partitions), for events that happen
// when a broker comes or goes; no index must be kept right. Topic policies do not exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "metadata/controller/cluster_control.h"
#include "metadata/controller/configuration_control.h"
#include "metadata/controller/controller_state.h"

namespace moldau::metadata {

// A broker's heartbeat (API 63).
struct BrokerHeartbeat {
  NodeId broker = kNoNode;
  BrokerEpoch epoch = kNoBrokerEpoch;
  Offset metadata_offset{0};
  bool want_fence = false;
  bool want_shut_down = false;
  std::vector<Uuid> offline_log_dirs;
  std::optional<std::vector<Uuid>> cordoned_log_dirs;  // nothing until the broker has caught up
};

struct BrokerHeartbeatReply {
  bool is_caught_up = false;
  bool is_fenced = true;
  bool in_controlled_shutdown = false;
  bool should_shut_down = false;
};

struct BrokerRegistrationReply {
  BrokerEpoch epoch = kNoBrokerEpoch;
};

// AlterPartition (API 56): the leader proposes an in-sync replica set.
struct AlterPartition {
  struct Member {
    NodeId broker = kNoNode;
    BrokerEpoch epoch = kNoBrokerEpoch;  // -1: not checked
  };
  struct Proposal {
    TopicIdPartition partition;
    LeaderEpoch leader_epoch{0};
    std::int32_t partition_epoch = 0;
    std::vector<Member> new_isr;
    LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
  };
  NodeId broker = kNoNode;
  BrokerEpoch epoch = kNoBrokerEpoch;
  std::vector<Proposal> proposals;
};

struct AlterPartitionOutcome {
  TopicIdPartition partition;
  ErrorCode error = ErrorCode::kNone;
  PartitionRegistration state;  // after the change, if there was no error
};

class ReplicationControl {
 public:
  explicit ReplicationControl(const ControllerState& state) : state_(state), cluster_(state) {}

  // The partitions' records, then the registration. Epoch of a new incarnation: `next_offset`, the offset of the first
  // record of this decision.
  [[nodiscard]] Decision<BrokerRegistrationReply> register_broker(const RegisterBroker& request, Offset next_offset,
                                                                  Instant now) const;

  // The state that the heartbeat leads to; the caller tells it to its Heartbeats.
  struct HeartbeatDecision {
    BrokerControlState next = BrokerControlState::kFenced;
    BrokerHeartbeatReply reply;
  };
  // kStaleBrokerEpoch: not registered under this epoch.
  [[nodiscard]] Decision<HeartbeatDecision> heartbeat(const BrokerHeartbeat& request) const;

  // The broker's session ended.
  [[nodiscard]] RecordBatch fence(NodeId broker) const;
  // kBrokerIdNotRegistered.
  [[nodiscard]] Decision<> unregister_broker(NodeId broker) const;

  [[nodiscard]] Decision<std::vector<AlterPartitionOutcome>> alter_partition(const AlterPartition& request) const;

  // Elects unclean leaders where a topic's config allows it and no other leader is to be had.
  [[nodiscard]] RecordBatch elect_unclean_leaders(std::size_t elections_max) const;

 private:
  // Which partitions an event concerns, and who may lead them after it.
  struct Event {
    NodeId removed = kNoNode;
    NodeId added = kNoNode;
    NodeId unclean_shutdown = kNoNode;
  };
  template <class Concerned>
  void update_partitions(const Event& event, Concerned concerned, RecordBatch& out) const;
  void on_fenced(const BrokerRegistration& broker, RecordBatch& out) const;
  void on_unfenced(const BrokerRegistration& broker, RecordBatch& out) const;
  void on_controlled_shutdown(const BrokerRegistration& broker, RecordBatch& out) const;
  void on_new_incarnation(NodeId broker, bool was_clean, RecordBatch& out) const;
  void on_offline_directories(const BrokerRegistration& broker, const std::vector<Uuid>& offline,
                              RecordBatch& out) const;
  void on_cordoned_directories(const BrokerRegistration& broker, const std::optional<std::vector<Uuid>>& cordoned,
                               RecordBatch& out) const;
  [[nodiscard]] bool leads_any(NodeId broker) const;
  [[nodiscard]] ErrorCode check_proposal(NodeId leader, const AlterPartition::Proposal& proposal,
                                         const PartitionRegistration* partition) const;

  const ControllerState& state_;
  ClusterControl cluster_;
};

}  // namespace moldau::metadata

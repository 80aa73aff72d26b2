// The controller as the handlers of a shard reach it: requests are values, replies come back on the asking shard.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "metadata/controller/client_quota_control.h"
#include "metadata/controller/configuration_control.h"
#include "metadata/controller/controller_result.h"
#include "metadata/controller/election_control.h"
#include "metadata/controller/feature_control.h"
#include "metadata/controller/mutation_quota.h"
#include "metadata/controller/reassignment_control.h"
#include "metadata/controller/replication_control.h"
#include "metadata/controller/topic_control.h"
#include "protocol/errors/error_code.h"

namespace moldau::broker {

template <class T>
using ControllerReply = Function<void(std::expected<T, metadata::ApiError>)>;

// As answers say it; valid while the error is.
[[nodiscard]] inline std::optional<std::string_view> message_of(const metadata::ApiError& error) {
  return error.message.empty() ? std::nullopt : std::optional<std::string_view>(error.message);
}

// What creates or deletes partitions costs its client's quota: how long to hold it off.
template <class T>
struct Metered {
  Metered(T made, std::chrono::milliseconds hold = {})  // NOLINT(google-explicit-constructor): a T alone costs nothing
      : outcomes(std::move(made)), hold_off(hold) {}
  T outcomes;
  std::chrono::milliseconds hold_off;
};

struct QuorumView {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Offset high_watermark{0};
  Offset log_end{0};
  struct Voter {
    NodeId id = kNoNode;
    Uuid directory_id;
    struct Listener {
      std::string name;
      std::string host;
      std::uint16_t port = 0;
    };
    std::vector<Listener> listeners;
  };
  std::vector<Voter> voters;
};

// One per shard. A reply comes once: after commit and replay for what changed something, with REQUEST_TIMED_OUT if too
// much waits to be committed, with NOT_CONTROLLER if this node is not the leader of the quorum.
class ControllerChannel {
 public:
  virtual ~ControllerChannel() = default;
  virtual void create_topics(metadata::CreateTopics request, metadata::MutationAsker asker,
                             ControllerReply<Metered<std::vector<metadata::TopicCreated>>> reply) = 0;
  virtual void create_partitions(metadata::CreatePartitions request, metadata::MutationAsker asker,
                                 ControllerReply<Metered<std::vector<metadata::PartitionsAdded>>> reply) = 0;
  virtual void delete_topics(std::vector<metadata::TopicDeletion> request, metadata::MutationAsker asker,
                             ControllerReply<Metered<std::vector<metadata::TopicDeleted>>> reply) = 0;
  virtual void elect_leaders(metadata::ElectLeaders request,
                             ControllerReply<std::vector<metadata::LeadersElected>> reply) = 0;
  virtual void alter_reassignments(metadata::AlterReassignments request,
                                   ControllerReply<std::vector<metadata::ReassignmentsAltered>> reply) = 0;
  virtual void list_reassignments(metadata::ListReassignments request,
                                  ControllerReply<std::vector<metadata::OngoingReassignments>> reply) = 0;
  virtual void update_features(metadata::UpdateFeatures request, ControllerReply<metadata::Nothing> reply) = 0;
  virtual void unregister_broker(NodeId broker, ControllerReply<metadata::Nothing> reply) = 0;
  virtual void alter_configs(metadata::AlterConfigs request,
                             ControllerReply<std::vector<metadata::ResourceOutcome>> reply) = 0;
  virtual void alter_client_quotas(std::vector<metadata::QuotaAlteration> request, bool validate_only,
                                   ControllerReply<std::vector<metadata::QuotaOutcome>> reply) = 0;
  // A producer id that was never given out before.
  virtual void next_producer_id(ControllerReply<ProducerId> reply) = 0;
  virtual void describe_quorum(ControllerReply<QuorumView> reply) = 0;
  // A leader's wish for another ISR.
  virtual void alter_partition(metadata::AlterPartition request,
                               ControllerReply<std::vector<metadata::AlterPartitionOutcome>> reply) = 0;
};

}  // namespace moldau::broker

// Controller: the active controller as a state machine. Decisions in, records and answers out; replay() is the only
// writer of its image.
//
// Shard:      the metadata shard; pure, no clock, no I/O, never suspends. The shell (ControllerShell) appends what is
//             decided, replays it here at once, and answers when it is committed.
// Invariants: 1 the image is the committed one plus every record that this controller has appended, in log order.
//             2 decide, append, replay: no other decision comes between (a decision sees all earlier ones).
//             3 decisions are made only while active: between activate() and deactivate().
// Errors:     a refused request is a value and changes nothing. replay() fails only on our own bug or a foreign record;
//             the shell then gives up the leadership.
// Source:     Kafka's QuorumController. Difference: a standby keeps no state of its own; it starts from the loader's
//             image, which has every committed record, so there is one replay and not two.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "metadata/controller/bootstrap.h"
#include "metadata/controller/client_quota_control.h"
#include "metadata/controller/cluster_control.h"
#include "metadata/controller/configuration_control.h"
#include "metadata/controller/controller_state.h"
#include "metadata/controller/election_control.h"
#include "metadata/controller/feature_control.h"
#include "metadata/controller/directory_control.h"
#include "metadata/controller/producer_id_control.h"
#include "metadata/controller/reassignment_control.h"
#include "metadata/controller/replication_control.h"
#include "metadata/controller/topic_control.h"
#include "metadata/image/delta.h"

namespace moldau::metadata {

class Controller {
 public:
  // `schema` and `entropy` outlive it.
  Controller(ControllerOptions options, const ConfigSchema& schema, Entropy& entropy);

  // Takes over at the image of every committed record. Unfenced brokers get a full session from now on.
  void activate(std::shared_ptr<const Image> committed, bool open_transaction, Instant now);
  void deactivate();
  [[nodiscard]] bool active() const noexcept { return active_; }

  // First decision after activate(). See activation_records().
  [[nodiscard]] Decision<> complete_activation(const RecordBatch& bootstrap) const;

  // The records of one append, in order, from `base` on.
  [[nodiscard]] Result<void> replay(const RecordBatch& records, Offset base);

  [[nodiscard]] Decision<BrokerRegistrationReply> register_broker(const RegisterBroker& request, Offset next_offset,
                                                                  Instant now) const;
  [[nodiscard]] Decision<> register_controller(const RegisterController& request) const;
  // Also renews the session and remembers what the broker told.
  [[nodiscard]] Decision<BrokerHeartbeatReply> heartbeat(const BrokerHeartbeat& request, Instant now);
  // The records of a heartbeat whose reply was in_controlled_shutdown end before `end`.
  void on_controlled_shutdown_appended(NodeId broker, Offset end);
  [[nodiscard]] Decision<> unregister_broker(NodeId broker) const;
  [[nodiscard]] Decision<std::vector<TopicCreated>> create_topics(const CreateTopics& request,
                                                                  MutationQuota* quota = nullptr) const;
  [[nodiscard]] Decision<std::vector<PartitionsAdded>> create_partitions(const CreatePartitions& request,
                                                                         MutationQuota* quota = nullptr) const;
  [[nodiscard]] Decision<std::vector<LeadersElected>> elect_leaders(const ElectLeaders& request) const;
  [[nodiscard]] Decision<std::vector<ReassignmentsAltered>> alter_reassignments(
      const AlterReassignments& request) const;
  [[nodiscard]] Decision<> update_features(const UpdateFeatures& request) const;
  [[nodiscard]] Decision<std::vector<TopicDeleted>> delete_topics(const std::vector<TopicDeletion>& request,
                                                                  MutationQuota* quota = nullptr) const;
  [[nodiscard]] Decision<std::vector<ResourceOutcome>> alter_configs(const std::vector<ResourceAlterations>& request,
                                                                     bool validate_only) const;
  [[nodiscard]] Decision<std::vector<ResourceOutcome>> alter_configs_legacy(
      const std::vector<ResourceAlterations>& request, bool validate_only) const;
  [[nodiscard]] Decision<std::vector<QuotaOutcome>> alter_client_quotas(const std::vector<QuotaAlteration>& request,
                                                                        bool validate_only) const;
  [[nodiscard]] Decision<std::vector<AlterPartitionOutcome>> alter_partition(const AlterPartition& request) const;
  [[nodiscard]] Decision<std::vector<ErrorCode>> assign_replicas_to_dirs(const AssignReplicasToDirs& request) const;
  [[nodiscard]] Decision<ProducerIdBlock> allocate_producer_ids(NodeId broker, BrokerEpoch epoch) const;

  // Periodic work. One broker at a time, so that each decision sees the one before; nothing: no session has ended.
  [[nodiscard]] std::optional<ControllerResult<>> fence_one_stale_broker(Instant now);
  [[nodiscard]] std::optional<Instant> next_session_expiry() const noexcept { return state_.heartbeats.next_expiry(); }
  [[nodiscard]] ControllerResult<> elect_unclean_leaders(std::size_t elections_max) const;
  [[nodiscard]] static ControllerResult<> no_op();

  [[nodiscard]] const std::shared_ptr<const Image>& image() const noexcept { return state_.image; }
  // Of the image, and I7 of testing.md for every partition: ELR empty when the ISR is large enough, no fenced broker in
  // an ISR.
  void check_invariants() const;

 private:
  [[nodiscard]] Result<void> replay_one(const records::AnyMetadataRecord& record, Offset offset,
                                        std::optional<Delta>& delta, std::set<NodeId>& brokers);
  void follow_brokers(const std::set<NodeId>& brokers);

  bool active_ = false;
  ControllerState state_;
  bool open_transaction_ = false;
  // While a metadata transaction is open: what an abort returns to.
  std::shared_ptr<const Image> before_transaction_;
  ClusterControl cluster_;
  ReplicationControl replication_;
  DirectoryControl directories_;
  TopicControl topics_;
  ConfigurationControl configs_;
  ClientQuotaControl quotas_;
  ProducerIdControl producer_ids_;
  ElectionControl elections_;
  ReassignmentControl reassignments_;
  FeatureControl features_;
};

}  // namespace moldau::metadata

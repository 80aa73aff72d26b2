// Runs the controller of this node: takes requests, appends what it decides, answers when that is committed and
// published.
//
// Shard:      the metadata shard, every call; replies run there too. Callers elsewhere hop.
// Invariants: S1 every reply runs exactly once: with the answer, a refusal, or kNotController when the leadership is
//                lost or the shell stops.
//             S2 replies to decisions run in the order of the decisions; a decision without records waits for the
//                records of those before it, because it may speak of them.
//             S3 all that is appended is replayed at once, before anything else is decided.
// Errors:     kNotController: not active. kRequestTimedOut: kPendingMax decisions or the log's own bound are waiting;
//             the caller may try again. kPolicyViolation: more records than fit one atomic batch.
// Bound:      kPendingMax decisions that wait to be committed.
// Source:     Kafka's QuorumController (event queue, purgatory, periodic tasks), ControllerRegistrationManager.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "metadata/controller/controller.h"
#include "metadata/loader/metadata_loader.h"
#include "metadata/loader/metadata_log.h"
#include "runtime/shard.h"
#include "runtime/timer.h"

namespace moldau::metadata {

class ControllerShell {
 public:
  static constexpr std::size_t kPendingMax = 10'000;
  static constexpr std::chrono::minutes kUncleanElectionInterval{5};  // unclean.leader.election.interval.ms
  static constexpr std::size_t kElectionsPerRoundMax = 1'000;

  struct Options {
    ControllerOptions controller;
    RegisterController self;  // registered when this node becomes active, once for each incarnation
    RecordBatch bootstrap;    // of bootstrap.checkpoint; only an empty log needs them
    std::chrono::milliseconds max_idle_interval{500};  // metadata.max.idle.interval.ms; 0: no no-ops
  };
  template <class T>
  using Reply = Function<void(std::expected<T, ApiError>)>;

  // All but the options outlive it.
  ControllerShell(runtime::Shard& shard, MetadataLog& log, MetadataLoader& loader, const ConfigSchema& schema,
                  Logger& logger, Options options);
  ~ControllerShell();

  // --- from the log and the loader ---
  void on_leader_change(LeaderEpoch epoch, NodeId leader);
  void on_committed(Offset end);
  // No decision from now on; what waits is refused. The log is resigned from.
  void stop();

  [[nodiscard]] bool active() const noexcept { return controller_.active(); }
  // kNoNode: unknown.
  [[nodiscard]] NodeId leader() const noexcept { return leader_; }
  [[nodiscard]] LeaderEpoch epoch() const noexcept { return epoch_; }

  // --- requests ---
  void register_broker(RegisterBroker request, Reply<BrokerRegistrationReply> reply);
  void register_controller(RegisterController request, Reply<Nothing> reply);
  void heartbeat(BrokerHeartbeat request, Reply<BrokerHeartbeatReply> reply);
  void unregister_broker(NodeId broker, Reply<Nothing> reply);
  // `quota` is asked before this returns.
  void create_topics(CreateTopics request, Reply<std::vector<TopicCreated>> reply, MutationQuota* quota = nullptr);
  void create_partitions(CreatePartitions request, Reply<std::vector<PartitionsAdded>> reply,
                         MutationQuota* quota = nullptr);
  void delete_topics(std::vector<TopicDeletion> request, Reply<std::vector<TopicDeleted>> reply,
                     MutationQuota* quota = nullptr);
  void elect_leaders(ElectLeaders request, Reply<std::vector<LeadersElected>> reply);
  void alter_reassignments(AlterReassignments request, Reply<std::vector<ReassignmentsAltered>> reply);
  // Of what is committed.
  void list_reassignments(ListReassignments request, Reply<std::vector<OngoingReassignments>> reply);
  void update_features(UpdateFeatures request, Reply<Nothing> reply);
  void alter_configs(std::vector<ResourceAlterations> request, bool validate_only,
                     Reply<std::vector<ResourceOutcome>> reply);
  void alter_configs_legacy(std::vector<ResourceAlterations> request, bool validate_only,
                            Reply<std::vector<ResourceOutcome>> reply);
  void alter_client_quotas(std::vector<QuotaAlteration> request, bool validate_only,
                           Reply<std::vector<QuotaOutcome>> reply);
  void alter_partition(AlterPartition request, Reply<std::vector<AlterPartitionOutcome>> reply);
  void assign_replicas_to_dirs(AssignReplicasToDirs request, Reply<std::vector<ErrorCode>> reply);
  void allocate_producer_ids(NodeId broker, BrokerEpoch epoch, Reply<ProducerIdBlock> reply);

  [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }

 private:
  // Answers with nothing, or with why it cannot.
  using Completion = Function<void(const ApiError&)>;
  struct Pending {
    Offset last{0};
    Completion complete;
  };
  class ShardEntropy final : public Entropy {
   public:
    explicit ShardEntropy(runtime::Random& random) : random_(random) {}
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) override { return random_.below(bound); }
    [[nodiscard]] Uuid uuid() override { return random_.uuid(); }

   private:
    runtime::Random& random_;
  };

  template <class T>
  void carry_out(Decision<T> decision, Reply<T> reply);
  // Nothing: the leadership is good and there is room.
  [[nodiscard]] std::optional<ApiError> refusal() const;
  // Appends and replays; an error means that nothing of it stays, or that the leadership is given up.
  [[nodiscard]] ApiError append(RecordBatch records, bool atomic);
  [[nodiscard]] ApiError append_batch(RecordBatch records);
  void append_quietly(ControllerResult<> result, const char* what);
  void activate();
  // Once for each incarnation, and from the metadata.version on that knows registrations.
  void register_self();
  void renounce(const char* why);
  void become_inactive();
  void check_sessions();
  void arm_session_timer();
  void arm_idle_timer();
  [[nodiscard]] Instant now() const noexcept { return shard_.clock().now().time_since_epoch(); }

  runtime::Shard& shard_;
  MetadataLog& log_;
  MetadataLoader& loader_;
  Logger& logger_;
  Options options_;
  ShardEntropy entropy_;
  Controller controller_;
  LeaderEpoch epoch_{0};
  NodeId leader_ = kNoNode;
  bool stopped_ = false;
  Offset last_appended_ = kNoOffset;
  Offset committed_end_{0};
  std::deque<Pending> pending_;
  runtime::Timer session_timer_;
  runtime::Timer idle_timer_;
  runtime::Timer election_timer_;
};

}  // namespace moldau::metadata

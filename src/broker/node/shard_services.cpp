#include "broker/node/shard_services.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "broker/handlers/api_versions_handler.h"
#include "broker/handlers/alter_configs_handler.h"
#include "broker/handlers/client_quota_handlers.h"
#include "broker/handlers/cluster_admin_handlers.h"
#include "broker/handlers/create_partitions_handler.h"
#include "broker/handlers/describe_configs_handler.h"
#include "broker/handlers/list_config_resources_handler.h"
#include "broker/handlers/delete_records_handler.h"
#include "broker/handlers/describe_producers_handler.h"
#include "broker/handlers/describe_topic_partitions_handler.h"
#include "broker/handlers/elect_leaders_handler.h"
#include "broker/handlers/fetch_handler.h"
#include "broker/handlers/list_offsets_handler.h"
#include "broker/handlers/log_dir_handlers.h"
#include "broker/handlers/offset_for_leader_epoch_handler.h"
#include "broker/handlers/produce_handler.h"
#include "broker/handlers/quorum_handlers.h"
#include "broker/handlers/reassignment_handlers.h"
#include "broker/handlers/topic_handlers.h"
#include "broker/node/remove_files.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/produce_request.h"
#include "replication/partition/partition.h"

namespace moldau::broker {

using protocol::ApiKey;

namespace {

constexpr auto kHousekeepingInterval = std::chrono::milliseconds(500);
constexpr auto kIdleCheckInterval = std::chrono::seconds(10);
constexpr std::chrono::duration<double> kIdlenessMemory{60};
constexpr auto kIdleMax = std::chrono::minutes(1);  // a partition unused for so long keeps no open file
constexpr std::int16_t kFirstProduceVersionWithIds = 13;
constexpr std::int16_t kFirstFetchVersionWithIds = 13;

// This shard's part of what the node may hold, an eighth of it for the controller listener, so that its clients and
// those of the broker do not starve each other; never less than a few ordinary frames.
ChunkPool::Limits memory_limits(const NodeConfig& config, std::size_t shards, ListenerKind kind) {
  constexpr std::int64_t kMemoryMin = std::int64_t{4} << 20;
  const std::int64_t part = config.request_memory_bytes / static_cast<std::int64_t>(shards);
  const std::int64_t controllers = part / 8;
  const std::int64_t bytes = kind == ListenerKind::kController ? controllers : part - controllers;
  return {.memory_bytes_max = static_cast<std::size_t>(std::max(bytes, kMemoryMin))};
}

RequestAccounts::Config accounts_config(const NodeConfig& config) {
  return {.quotas = {.window = config.quota_window}, .slow = {.after = config.slow_request_after}};
}

FetchSessionCache::Config session_config(const NodeConfig& config, std::size_t shard, std::size_t shards) {
  return {.slots_max = static_cast<std::size_t>(config.fetch_session_slots) / shards,
          .bytes_max = kFetchSessionsBytesMax / shards,
          .ids = SessionIds::of_shard(static_cast<std::uint32_t>(shard), static_cast<std::uint32_t>(shards))};
}

}  // namespace

// The brokers of the newest image, as replication asks for them.
class ShardServices::BrokerView final : public replication::BrokerView {
 public:
  explicit BrokerView(const ShardServices& services) : services_(services) {}
  [[nodiscard]] std::optional<replication::BrokerStatus> status(NodeId id) const override {
    const metadata::BrokerRegistration* broker = services_.router_.image()->broker(id);
    if (broker == nullptr) {
      return std::nullopt;
    }
    return replication::BrokerStatus{
        .epoch = broker->epoch(), .fenced = broker->fenced(), .shutting_down = broker->in_controlled_shutdown()};
  }

 private:
  const ShardServices& services_;
};

// Carries a leader's wish for another ISR to the controller, and its answer back.
class ShardServices::AlterPartitionLink final : public replication::AlterPartitionSender {
 public:
  explicit AlterPartitionLink(ShardServices& services) : services_(services) {}

  void send(replication::Partition& partition, const replication::AlterPartition& request) override {
    const TopicIdPartition id{partition.topic_id(), partition.name().partition};
    const metadata::BrokerRegistration* self = services_.router_.image()->broker(services_.environment_.config.node_id);
    metadata::AlterPartition::Proposal proposal;
    proposal.partition = id;
    proposal.leader_epoch = request.leader_epoch;
    proposal.partition_epoch = request.partition_epoch;
    for (const replication::IsrMember& member : request.new_isr) {
      proposal.new_isr.push_back({member.broker, member.epoch});
    }
    proposal.recovery = static_cast<metadata::LeaderRecoveryState>(request.recovery_state);
    metadata::AlterPartition wish{.broker = services_.environment_.config.node_id,
                                  .epoch = self == nullptr ? kNoBrokerEpoch : self->epoch(),
                                  .proposals = {std::move(proposal)}};
    services_.environment_.controller.alter_partition(
        std::move(wish),
        [this, id, request_id = request.id](
            const std::expected<std::vector<metadata::AlterPartitionOutcome>, metadata::ApiError>& outcomes) {
          if (replication::Partition* asked = services_.router_.local(id)) {
            asked->on_alter_partition_answer(answer_of(request_id, outcomes));
          }
        });
  }

 private:
  static replication::AlterPartitionAnswer answer_of(
      std::uint64_t id,
      const std::expected<std::vector<metadata::AlterPartitionOutcome>, metadata::ApiError>& outcomes) {
    using Outcome = replication::AlterPartitionOutcome;
    replication::AlterPartitionAnswer answer{.id = id, .outcome = Outcome::kRetry};
    if (!outcomes || outcomes->size() != 1) {
      return answer;
    }
    const metadata::AlterPartitionOutcome& outcome = outcomes->front();
    switch (outcome.error) {
      case protocol::ErrorCode::kNone:
        answer.outcome = Outcome::kApplied;
        answer.isr = outcome.state.isr;
        answer.leader_epoch = outcome.state.leader_epoch;
        answer.partition_epoch = outcome.state.partition_epoch;
        break;
      case protocol::ErrorCode::kIneligibleReplica:
      case protocol::ErrorCode::kOperationNotAttempted: answer.outcome = Outcome::kNotApplied; break;
      case protocol::ErrorCode::kFencedLeaderEpoch:
      case protocol::ErrorCode::kInvalidUpdateVersion:
      case protocol::ErrorCode::kUnknownTopicOrPartition:
      case protocol::ErrorCode::kUnknownTopicId:
      case protocol::ErrorCode::kNewLeaderElected: answer.outcome = Outcome::kStale; break;
      default: break;
    }
    return answer;
  }

  ShardServices& services_;
};

// Where a connection should live: with most of the partitions of its first Produce or Fetch.
class ShardServices::ShardPlacement final : public Placement {
 public:
  explicit ShardPlacement(PartitionRouter& router) : router_(router) {}

  [[nodiscard]] std::uint32_t home_of(const protocol::ApiInfo& api, std::int16_t version, Bytes body) override {
    votes_.clear();
    wire::Reader reader(body);
    if (api.key == ApiKey::kProduce) {
      if (const auto request = protocol::ProduceRequest::decode(reader, version)) {
        for (const auto& topic : request->topic_data) {
          const metadata::Topic* known = find(version >= kFirstProduceVersionWithIds, topic.topic_id, topic.name);
          for (const auto& partition : topic.partition_data) {
            vote(known, partition.index);
          }
        }
      }
    } else if (const auto request = protocol::FetchRequest::decode(reader, version)) {
      for (const auto& topic : request->topics) {
        const metadata::Topic* known = find(version >= kFirstFetchVersionWithIds, topic.topic_id, topic.topic);
        for (const auto& partition : topic.partitions) {
          vote(known, partition.partition);
        }
      }
    }
    const auto most = std::max_element(votes_.begin(), votes_.end());
    const std::uint32_t here = router_.shard().index();
    if (most == votes_.end() || *most == 0 || (here < votes_.size() && votes_[here] == *most)) {
      return here;
    }
    return static_cast<std::uint32_t>(most - votes_.begin());
  }

 private:
  [[nodiscard]] const metadata::Topic* find(bool by_id, const Uuid& id, std::string_view name) const {
    return by_id ? router_.image()->topic(id) : router_.image()->topic(name);
  }
  void vote(const metadata::Topic* topic, std::int32_t index) {
    if (topic == nullptr) {
      return;
    }
    if (const auto found = router_.lookup({topic->id, PartitionIndex(index)}); found.known && found.shard) {
      if (votes_.size() <= *found.shard) {
        votes_.resize(*found.shard + 1);
      }
      ++votes_[*found.shard];
    }
  }

  PartitionRouter& router_;
  std::vector<std::size_t> votes_;  // by shard
};

ShardServices::ShardServices(const Environment& environment)
    : environment_(environment),
      shard_(environment_.world.shard(environment_.shard)),
      logger_(environment_.world.logger),
      sync_(shard_, environment_.world.workers),
      brokers_(std::make_unique<BrokerView>(*this)),
      alter_partition_(std::make_unique<AlterPartitionLink>(*this)),
      router_(replication::PartitionEnvironment{.shard = shard_,
                                                .sync = sync_,
                                                .fs = environment_.world.fs,
                                                .scratch = scratch_,
                                                .brokers = *brokers_,
                                                .alter_partition = *alter_partition_,
                                                .directory = environment_.directory,
                                                .logger = logger_,
                                                .self = environment_.config.node_id,
                                                .replica_lag_max = environment_.config.replica_lag_max.count()},
              environment_.topic_configs),
      operations_(shard_),
      append_turns_(shard_, operations_),
      context_{
          .shard = shard_,
          .logger = logger_,
          .self = environment_.config.node_id,
          .router = router_,
          .operations = operations_,
          .append_turns = append_turns_,
          .scratch = scratch_,
          .sessions = sessions_,
          .limits = {.fetch_bytes_max = environment_.config.fetch_bytes_max,
                     .decompressed_bytes_max = static_cast<std::size_t>(environment_.config.decompressed_bytes_max),
                     .described_partitions_max = environment_.config.described_partitions_max}},
      sessions_(session_config(environment_.config, environment_.shard, environment_.world.shard_count()),
                [this] { return shard_.random().next(); }),
      accounts_(shard_, logger_, environment_.world.stopwatch, accounts_config(environment_.config)),
      placement_(std::make_unique<ShardPlacement>(router_)),
      housekeeping_(shard_.timers(), [this] { keep_house(); }) {
  const auto& listeners = environment_.config.listeners;
  context_.limits.advertise_local_address =
      std::none_of(listeners.begin(), listeners.end(),
                   [](const ListenerConfig& listener) { return !listener.is_controller && listener.advertised; });
  broker_connections_ = std::make_unique<ConnectionTable>(shard_, environment_.world.network(environment_.shard),
                                                          logger_, connection_config(ListenerKind::kBroker));
  controller_connections_ = std::make_unique<ConnectionTable>(shard_, environment_.world.network(environment_.shard),
                                                              logger_, connection_config(ListenerKind::kController));
}

ShardServices::~ShardServices() {
  refuse_operations();
  drop_operations();
  drop_handlers();
  drop_connections();
}

void ShardServices::drain(Callback drained) {
  auto left = std::make_shared<int>(2);
  auto done = std::make_shared<Callback>(std::move(drained));
  const auto count_down = [left, done] {
    if (--*left == 0) {
      (*done)();
    }
  };
  broker_connections_->drain(count_down);
  controller_connections_->drain(count_down);
}

void ShardServices::refuse_operations() {
  housekeeping_.cancel();
  accounts_.close();
  if (broker_connections_) {
    broker_connections_->cut_off();
    controller_connections_->cut_off();
  }
  operations_.refuse();
}

void ShardServices::drop_operations() {
  operations_.clear();
}

void ShardServices::drop_handlers() {
  fetches_ = nullptr;
  broker_dispatcher_.reset();
  controller_dispatcher_.reset();
}

void ShardServices::drop_connections() {
  broker_connections_.reset();
  controller_connections_.reset();
}

ConnectionTable::Config ShardServices::connection_config(ListenerKind kind) const {
  const NodeConfig& config = environment_.config;
  return {.frame_bytes_max = static_cast<std::size_t>(config.frame_bytes_max),
          .idle_max = config.connection_idle_max,
          .memory = memory_limits(config, environment_.world.shard_count(), kind)};
}

void ShardServices::wire(const std::vector<ShardServices*>& all, PartitionHome& home, runtime::Shard& home_shard) {
  router_.wire(home, home_shard);
  std::vector<ConnectionTable*> broker_tables;
  std::vector<ConnectionTable*> controller_tables;
  std::vector<RequestAccounts*> accounts;
  for (ShardServices* services : all) {
    peers_.push_back(&services->context_);
    accounts.push_back(&services->accounts_);
    broker_tables.push_back(services->broker_connections_.get());
    controller_tables.push_back(services->controller_connections_.get());
  }
  accounts_.wire(std::move(accounts));
  add_broker_handlers();
  add_controller_handlers();
  broker_connections_->wire(*broker_dispatcher_, std::move(broker_tables));
  controller_connections_->wire(*controller_dispatcher_, std::move(controller_tables));
  next_retention_ = shard_.clock().now() + environment_.config.retention_check_interval;
  next_expiry_ = shard_.clock().now() + environment_.config.producer_expiry_check_interval;
  housekeeping_.arm(shard_.clock().now() + kHousekeepingInterval);
}

void ShardServices::add_broker_handlers() {
  broker_dispatcher_ =
      std::make_unique<Dispatcher>(shard_, logger_, ListenerKind::kBroker, placement_.get(), &accounts_);
  Dispatcher& dispatcher = *broker_dispatcher_;
  ControllerChannel& controller = environment_.controller;
  dispatcher.add(ApiKey::kProduce, std::make_unique<ProduceHandler>(context_, peers_));
  auto fetches = std::make_unique<FetchHandler>(context_, peers_);
  fetches_ = fetches.get();
  dispatcher.add(ApiKey::kFetch, std::move(fetches));
  dispatcher.add(ApiKey::kListOffsets, std::make_unique<ListOffsetsHandler>(context_, peers_));
  dispatcher.add(ApiKey::kMetadata,
                 std::make_unique<MetadataHandler>(context_, environment_.identity, environment_.auto_creator));
  dispatcher.add(ApiKey::kApiVersions,
                 std::make_unique<ApiVersionsHandler>(router_, dispatcher, environment_.identity));
  dispatcher.add(ApiKey::kDeleteRecords, std::make_unique<DeleteRecordsHandler>(context_, peers_));
  dispatcher.add(ApiKey::kInitProducerId, std::make_unique<InitProducerIdHandler>(controller));
  dispatcher.add(ApiKey::kOffsetForLeaderEpoch, std::make_unique<OffsetForLeaderEpochHandler>(context_, peers_));
  dispatcher.add(ApiKey::kDescribeProducers, std::make_unique<DescribeProducersHandler>(context_, peers_));
  dispatcher.add(ApiKey::kDescribeTopicPartitions, std::make_unique<DescribeTopicPartitionsHandler>(context_));
  add_config_handlers(dispatcher, ListenerKind::kBroker);
  dispatcher.add(ApiKey::kListConfigResources, std::make_unique<ListConfigResourcesHandler>(context_));
  dispatcher.add(ApiKey::kDescribeClientQuotas, std::make_unique<DescribeClientQuotasHandler>(router_));
  dispatcher.add(ApiKey::kAlterClientQuotas, std::make_unique<AlterClientQuotasHandler>(controller));
  dispatcher.add(ApiKey::kDescribeLogDirs, std::make_unique<DescribeLogDirsHandler>(context_, environment_.log_dirs));
  dispatcher.add(ApiKey::kAlterReplicaLogDirs,
                 std::make_unique<AlterReplicaLogDirsHandler>(context_, environment_.log_dirs));
  dispatcher.add(ApiKey::kDescribeCluster,
                 std::make_unique<DescribeClusterHandler>(context_, environment_.identity, ListenerKind::kBroker));
  add_deciding_handlers(dispatcher);
}

void ShardServices::add_deciding_handlers(Dispatcher& dispatcher) {
  ControllerChannel& controller = environment_.controller;
  dispatcher.add(ApiKey::kCreateTopics, std::make_unique<CreateTopicsHandler>(controller));
  dispatcher.add(ApiKey::kDeleteTopics, std::make_unique<DeleteTopicsHandler>(controller));
  dispatcher.add(ApiKey::kCreatePartitions, std::make_unique<CreatePartitionsHandler>(controller));
  dispatcher.add(ApiKey::kElectLeaders, std::make_unique<ElectLeadersHandler>(controller));
  dispatcher.add(ApiKey::kAlterPartitionReassignments,
                 std::make_unique<AlterPartitionReassignmentsHandler>(controller));
  dispatcher.add(ApiKey::kListPartitionReassignments, std::make_unique<ListPartitionReassignmentsHandler>(controller));
  dispatcher.add(ApiKey::kUpdateFeatures, std::make_unique<UpdateFeaturesHandler>(controller));
  dispatcher.add(ApiKey::kUnregisterBroker, std::make_unique<UnregisterBrokerHandler>(controller));
  dispatcher.add(ApiKey::kDescribeQuorum, std::make_unique<DescribeQuorumHandler>(controller, shard_.clock()));
}

void ShardServices::add_config_handlers(Dispatcher& dispatcher, ListenerKind kind) {
  runtime::LogLevels* levels = environment_.log_levels;
  const AlterConfigsEnvironment altering{.context = context_,
                                         .controller = environment_.controller,
                                         .brokers = environment_.broker_configs,
                                         .levels = levels,
                                         .listener = kind};
  dispatcher.add(ApiKey::kDescribeConfigs,
                 std::make_unique<DescribeConfigsHandler>(context_, environment_.topic_configs,
                                                          environment_.broker_configs, levels));
  dispatcher.add(ApiKey::kIncrementalAlterConfigs, std::make_unique<IncrementalAlterConfigsHandler>(altering));
  dispatcher.add(ApiKey::kAlterConfigs, std::make_unique<AlterConfigsHandler>(altering));
}

void ShardServices::add_controller_handlers() {
  controller_dispatcher_ =
      std::make_unique<Dispatcher>(shard_, logger_, ListenerKind::kController, nullptr, &accounts_);
  Dispatcher& dispatcher = *controller_dispatcher_;
  dispatcher.add(ApiKey::kApiVersions,
                 std::make_unique<ApiVersionsHandler>(router_, dispatcher, environment_.identity));
  add_config_handlers(dispatcher, ListenerKind::kController);
  dispatcher.add(ApiKey::kAlterClientQuotas, std::make_unique<AlterClientQuotasHandler>(environment_.controller));
  dispatcher.add(ApiKey::kDescribeCluster,
                 std::make_unique<DescribeClusterHandler>(context_, environment_.identity, ListenerKind::kController));
  add_deciding_handlers(dispatcher);
}

std::size_t ShardServices::waiting_fetches() const noexcept {
  return fetches_ == nullptr ? 0 : fetches_->parked();
}

std::chrono::nanoseconds ShardServices::slept() const noexcept {
  const runtime::IdleTime* idle = environment_.world.idle_time;
  return idle == nullptr ? std::chrono::nanoseconds(0) : idle->of_shard(environment_.shard);
}

// Moves the share towards what it was since the last time, so that a minute ago counts for a third.
void ShardServices::measure_idleness(runtime::MonoTime now) {
  const std::chrono::duration<double> passed = now - std::exchange(measured_at_, now);
  const std::chrono::nanoseconds slept_before = std::exchange(slept_, slept());
  if (environment_.world.idle_time == nullptr || slept_before.count() == 0 || passed.count() <= 0) {
    return;
  }
  const std::chrono::duration<double> slept_since = slept_ - slept_before;
  const double share = std::clamp(slept_since / passed, 0.0, 1.0);
  const double kept = std::exp(-passed.count() / kIdlenessMemory.count());
  idle_share_ = kept * idle_share_ + (1 - kept) * share;
}

void ShardServices::keep_house() {
  const NodeConfig& config = environment_.config;
  const runtime::MonoTime now = shard_.clock().now();
  const auto due = [now](runtime::MonoTime& next, std::chrono::milliseconds interval) {
    const bool is_due = now >= next;
    if (is_due) {
      next = now + interval;
    }
    return is_due;
  };
  measure_idleness(now);
  const bool retention_due = due(next_retention_, config.retention_check_interval);
  const bool lag_due = due(next_lag_tick_, config.replica_lag_max / 2);
  const bool expiry_due = due(next_expiry_, config.producer_expiry_check_interval);
  const bool idle_due = due(next_idle_check_, kIdleCheckInterval);
  router_.for_each([&](replication::Partition& partition) {
    partition.sync_if_due();
    if (lag_due && partition.is_leader()) {
      partition.on_lag_tick();
    }
    if (retention_due) {
      partition.enforce_retention();
      remove_files(environment_.world, shard_, partition.take_due_deletions());
    }
    if (expiry_due) {
      partition.expire_producers();
    }
    if (idle_due) {
      partition.release_if_unused_since(now - kIdleMax);
    }
  });
  housekeeping_.arm(now + kHousekeepingInterval);
}

}  // namespace moldau::broker

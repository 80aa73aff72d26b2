#include "broker/handlers/testing/made_up_broker.h"

#include <utility>

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
#include "broker/handlers/offset_for_leader_epoch_handler.h"
#include "broker/handlers/produce_handler.h"
#include "broker/handlers/quorum_handlers.h"
#include "broker/handlers/reassignment_handlers.h"
#include "broker/handlers/topic_handlers.h"
#include "broker/request/request_accounts.h"
#include "replication/partition/partition.h"
#include "storage/directory/log_loader.h"

namespace moldau::broker::testing {

namespace records = metadata::records;
using protocol::ApiKey;

// What the test said about each topic.
class MadeUpBroker::ConfigBook final : public PartitionConfigSource {
 public:
  [[nodiscard]] replication::PartitionConfig config_of(const metadata::Image&, std::string_view topic) const override {
    const auto found = by_topic.find(topic);
    return found == by_topic.end() ? replication::PartitionConfig{} : found->second;
  }
  std::map<std::string, replication::PartitionConfig, std::less<>> by_topic;
};

class MadeUpBroker::NoNetwork final : public runtime::Network {
 public:
  [[nodiscard]] Result<std::unique_ptr<runtime::Listener>> listen(const runtime::Endpoint&,
                                                                  const runtime::ListenOptions&,
                                                                  runtime::AcceptHandler&) override {
    return fail(ErrorKind::kIo, "a made-up broker listens nowhere");
  }
  [[nodiscard]] Result<std::unique_ptr<runtime::Socket>> connect(const runtime::Endpoint&) override {
    return fail(ErrorKind::kIo, "a made-up broker connects nowhere");
  }
  [[nodiscard]] std::unique_ptr<runtime::Socket> attach(std::unique_ptr<runtime::DetachedSocket>) override {
    return nullptr;
  }
};

class MadeUpBroker::WantedTopics final : public TopicAutoCreator {
 public:
  void create_soon(std::string_view topic, std::string_view /*client_id*/) override { names.emplace_back(topic); }
  std::vector<std::string> names;
};

struct MadeUpBroker::PerShard {
  PerShard(MadeUpBroker& broker, std::uint32_t index, std::uint32_t shards, const HandlerLimits& limits)
      : shard(index),
        sync(shard, broker.workers_),
        router({.shard = shard,
                .sync = sync,
                .fs = *broker.fs_,
                .scratch = scratch,
                .brokers = broker.brokers_,
                .alter_partition = broker.sender_,
                .directory = broker.directory_,
                .logger = broker.logger_,
                .self = kSelf},
               *broker.configs_),
        operations(shard),
        append_turns(shard, operations),
        sessions({.ids = SessionIds::of_shard(index, shards)}, [this] { return shard.random().next(); }),
        context{.shard = shard,
                .logger = broker.logger_,
                .self = kSelf,
                .router = router,
                .operations = operations,
                .append_turns = append_turns,
                .scratch = scratch,
                .sessions = sessions,
                .limits = limits},
        accounts(shard, broker.logger_, watch, {}),
        table(std::make_unique<ConnectionTable>(shard, *broker.network_, broker.logger_, ConnectionTable::Config{})),
        dispatcher(std::make_unique<Dispatcher>(shard, broker.logger_, ListenerKind::kBroker, nullptr, &accounts)) {}

  void wire(MadeUpBroker& broker, runtime::Shard& home_shard) {
    const std::vector<ShardContext*>& peers = broker.peers_;
    router.wire(*broker.home_, home_shard);
    dispatcher->add(ApiKey::kMetadata,
                    std::make_unique<MetadataHandler>(context, broker.identity_, *broker.wanted_topics_));
    dispatcher->add(ApiKey::kCreateTopics, std::make_unique<CreateTopicsHandler>(broker.controller_));
    dispatcher->add(ApiKey::kDeleteTopics, std::make_unique<DeleteTopicsHandler>(broker.controller_));
    dispatcher->add(ApiKey::kCreatePartitions, std::make_unique<CreatePartitionsHandler>(broker.controller_));
    dispatcher->add(ApiKey::kElectLeaders, std::make_unique<ElectLeadersHandler>(broker.controller_));
    dispatcher->add(ApiKey::kAlterPartitionReassignments,
                    std::make_unique<AlterPartitionReassignmentsHandler>(broker.controller_));
    dispatcher->add(ApiKey::kListPartitionReassignments,
                    std::make_unique<ListPartitionReassignmentsHandler>(broker.controller_));
    dispatcher->add(ApiKey::kUpdateFeatures, std::make_unique<UpdateFeaturesHandler>(broker.controller_));
    dispatcher->add(ApiKey::kUnregisterBroker, std::make_unique<UnregisterBrokerHandler>(broker.controller_));
    dispatcher->add(ApiKey::kDescribeProducers, std::make_unique<DescribeProducersHandler>(context, peers));
    dispatcher->add(ApiKey::kDescribeTopicPartitions, std::make_unique<DescribeTopicPartitionsHandler>(context));
    const AlterConfigsEnvironment altering{.context = context,
                                           .controller = broker.controller_,
                                           .brokers = broker.broker_configs_,
                                           .levels = &broker.levels_};
    dispatcher->add(ApiKey::kIncrementalAlterConfigs, std::make_unique<IncrementalAlterConfigsHandler>(altering));
    dispatcher->add(ApiKey::kAlterConfigs, std::make_unique<AlterConfigsHandler>(altering));
    dispatcher->add(ApiKey::kDescribeConfigs,
                    std::make_unique<DescribeConfigsHandler>(context, broker.topic_configs_, broker.broker_configs_,
                                                             &broker.levels_));
    dispatcher->add(ApiKey::kListConfigResources, std::make_unique<ListConfigResourcesHandler>(context));
    dispatcher->add(ApiKey::kDescribeClientQuotas, std::make_unique<DescribeClientQuotasHandler>(router));
    dispatcher->add(ApiKey::kAlterClientQuotas, std::make_unique<AlterClientQuotasHandler>(broker.controller_));
    dispatcher->add(ApiKey::kInitProducerId, std::make_unique<InitProducerIdHandler>(broker.controller_));
    dispatcher->add(ApiKey::kDescribeQuorum,
                    std::make_unique<DescribeQuorumHandler>(broker.controller_, shard.clock()));
    dispatcher->add(ApiKey::kDescribeCluster,
                    std::make_unique<DescribeClusterHandler>(context, broker.identity_, ListenerKind::kBroker));
    dispatcher->add(ApiKey::kProduce, std::make_unique<ProduceHandler>(context, peers));
    dispatcher->add(ApiKey::kFetch, std::make_unique<FetchHandler>(context, peers));
    dispatcher->add(ApiKey::kListOffsets, std::make_unique<ListOffsetsHandler>(context, peers));
    dispatcher->add(ApiKey::kOffsetForLeaderEpoch, std::make_unique<OffsetForLeaderEpochHandler>(context, peers));
    dispatcher->add(ApiKey::kDeleteRecords, std::make_unique<DeleteRecordsHandler>(context, peers));
    table->wire(*dispatcher, {table.get()});
  }

  // Work costs what the test says.
  struct Watch final : runtime::Stopwatch {
    explicit Watch(const runtime::Shard& of) : shard(of) {}
    [[nodiscard]] runtime::MonoTime read() const noexcept override { return shard.clock().now() + ++reads * cost; }
    const runtime::Shard& shard;
    std::chrono::nanoseconds cost{0};
    mutable int reads = 0;
  };

  moldau::testing::ManualShard shard;
  Watch watch{shard};
  storage::SyncGroup sync;
  record::Scratch scratch;
  PartitionRouter router;
  OperationSet operations;
  AppendTurns append_turns;
  FetchSessionCache sessions;
  ShardContext context;
  RequestAccounts accounts;
  std::unique_ptr<ConnectionTable> table;
  std::unique_ptr<Dispatcher> dispatcher;
};

MadeUpBroker::MadeUpBroker(std::uint32_t shards, const HandlerLimits& limits)
    : configs_(std::make_unique<ConfigBook>()),
      network_(std::make_unique<NoNetwork>()),
      wanted_topics_(std::make_unique<WantedTopics>()) {
  EXPECT_TRUE(fs_->make_dirs("/data"));
  std::vector<PartitionRouter*> routers;
  for (std::uint32_t i = 0; i < shards; ++i) {
    PerShard& made = *shards_.emplace_back(std::make_unique<PerShard>(*this, i, shards, limits));
    routers.push_back(&made.router);
    peers_.push_back(&made.context);
  }
  home_ = std::make_unique<PartitionHome>(shards_.front()->shard, routers);
  for (const auto& shard : shards_) {
    shard->wire(*this, shards_.front()->shard);
  }
  register_broker(kSelf, "self.example", {"PLAINTEXT", "SECOND"});
  register_broker(kOther, "other.example", {"PLAINTEXT"});
}

MadeUpBroker::~MadeUpBroker() {
  // As a node stops: requests, then syncs, then partitions; what was posted finds its targets alive.
  controller_ = FakeController();
  for (const auto& shard : shards_) {
    shard->dispatcher.reset();
    shard->operations.clear();
    shard->table.reset();
  }
  settle();
  for (const auto& shard : shards_) {
    shard->sync.close([] {});
  }
  settle();
  for (const auto& shard : shards_) {
    (void)shard->router.release_all();
  }
  settle();
}

void MadeUpBroker::register_broker(NodeId id, const std::string& host, const std::vector<std::string>& listeners) {
  records::RegisterBrokerRecord registration;
  registration.broker_id = id.value();
  registration.broker_epoch = next_offset_;
  registration.incarnation_id = Uuid{1, static_cast<std::uint64_t>(id.value())};
  registration.fenced = false;
  for (const std::string& listener : listeners) {
    registration.end_points.push_back(
        {.name = listener, .host = listener == "PLAINTEXT" ? host : "second." + host, .port = 9092});
  }
  replay({registration});
}

void MadeUpBroker::replay(const std::vector<records::AnyMetadataRecord>& batch) {
  metadata::Delta delta(image_);
  for (const records::AnyMetadataRecord& record : batch) {
    const auto replayed = delta.replay(record, Offset(next_offset_++));
    EXPECT_TRUE(replayed) << replayed.error().message();
  }
  const metadata::ImageChanges changes = delta.changes();
  image_ = delta.apply({Offset(next_offset_ - 1), LeaderEpoch(1), 0});
  for (const auto& shard : shards_) {
    shard->router.on_image(image_, changes);
    if (changes.quotas) {
      shard->accounts.set_limits(std::make_shared<const QuotaLimits>(*image_));
    }
  }
}

void MadeUpBroker::set_quota(const metadata::QuotaEntity& entity, const std::string& key, double limit) {
  records::ClientQuotaRecord record;
  for (const auto& [type, name] : entity) {
    auto& part = record.entity.emplace_back();
    part.entity_type = type;
    part.entity_name = name;
  }
  record.key = key;
  record.value = limit;
  replay({record});
}

void MadeUpBroker::set_cost_of_work(std::chrono::nanoseconds cost) {
  for (const auto& shard : shards_) {
    shard->watch.cost = cost;
  }
}

Uuid MadeUpBroker::add_topic(const std::string& name, std::int32_t partitions,
                             const replication::PartitionConfig& config) {
  const Uuid id{7, static_cast<std::uint64_t>(next_offset_)};
  configs_->by_topic[name] = config;
  std::vector<records::AnyMetadataRecord> batch;
  records::TopicRecord topic;
  topic.name = name;
  topic.topic_id = id;
  batch.emplace_back(topic);
  for (std::int32_t index = 0; index < partitions; ++index) {
    records::PartitionRecord partition;
    partition.partition_id = index;
    partition.topic_id = id;
    partition.replicas = partition.isr = {kSelf.value()};
    partition.leader = kSelf.value();
    partition.leader_epoch = kFirstEpoch.value();
    partition.partition_epoch = 0;
    batch.emplace_back(partition);
    auto log = storage::make_log("/data", {*fs_, logger_, random_}, {name, PartitionIndex(index)}, id, config.log,
                                 shards_.front()->shard.clock().wall_ms());
    EXPECT_TRUE(log) << log.error().message();
    home_->add({.name = {name, PartitionIndex(index)}, .topic_id = id, .log = *std::move(log)});
  }
  replay(batch);
  return id;
}

void MadeUpBroker::set_leader(const std::string& topic, NodeId leader, std::vector<std::int32_t> isr) {
  const metadata::Topic* known = image_->topic(topic);
  ASSERT_NE(known, nullptr);
  ++next_epoch_;
  std::vector<records::AnyMetadataRecord> batch;
  for (const auto& [index, registration] : known->partitions) {
    records::PartitionChangeRecord change;
    change.partition_id = index.value();
    change.topic_id = known->id;
    change.leader = leader.value();
    change.replicas = std::vector<std::int32_t>{kSelf.value(), kOther.value()};
    change.directories = std::vector<Uuid>(change.replicas->size());
    change.isr = isr;
    batch.emplace_back(change);
  }
  replay(batch);
}

void MadeUpBroker::fence(NodeId broker) {
  records::BrokerRegistrationChangeRecord change;
  change.broker_id = broker.value();
  change.broker_epoch = image_->broker(broker)->epoch().value();
  change.fenced = 1;
  replay({change});
}

void MadeUpBroker::delete_topic(const std::string& topic) {
  const metadata::Topic* known = image_->topic(topic);
  ASSERT_NE(known, nullptr);
  const Uuid id = known->id;
  const std::size_t partitions = known->partitions.size();
  records::RemoveTopicRecord removed;
  removed.topic_id = id;
  replay({removed});
  for (std::size_t index = 0; index < partitions; ++index) {
    home_->remove({id, PartitionIndex(static_cast<std::int32_t>(index))}, [](const PartitionSeed&) {});
  }
}

void MadeUpBroker::set_config(metadata::ConfigResourceType type, const std::string& name, const std::string& key,
                              std::optional<std::string> value) {
  records::ConfigRecord record;
  record.resource_type = static_cast<std::int8_t>(type);
  record.resource_name = name;
  record.name = key;
  record.value = std::move(value);
  replay({record});
}

MemoryClient MadeUpBroker::connect(std::uint32_t shard, const std::string& listener) {
  auto wire = std::make_shared<MemoryWire>();
  PerShard& at = *shards_[shard];
  at.table->add(std::make_unique<MemorySocket>(at.shard, wire), listener, {});
  return {at.shard, std::move(wire)};
}

void MadeUpBroker::run_turns() {
  bool idle = false;
  while (!idle) {
    for (const auto& shard : shards_) {
      shard->shard.turn();
    }
    idle = true;
    for (const auto& shard : shards_) {
      idle = idle && shard->shard.idle();
    }
  }
}

void MadeUpBroker::settle() {
  do {
    workers_.run_all();
    run_turns();
  } while (workers_.waiting() > 0);
}

void MadeUpBroker::advance(std::chrono::milliseconds by) {
  for (const auto& shard : shards_) {
    shard->shard.pass(by);
  }
  run_turns();
}

void MadeUpBroker::keep_log_starts() {
  directory_.keep_all(true);
  settle();
}

replication::Partition& MadeUpBroker::partition(const std::string& topic, std::int32_t index) {
  const TopicIdPartition id{image_->topic(topic)->id, PartitionIndex(index)};
  for (const auto& shard : shards_) {
    if (replication::Partition* found = shard->router.local(id)) {
      return *found;
    }
  }
  // Nobody has used it: ask as a first user of the home shard would.
  home_->resolve({id}, 0, [](const PartitionHome::Shards&) {});
  run_turns();
  return *shards_.front()->router.local(id);
}

const std::vector<std::string>& MadeUpBroker::wanted_topics() const {
  return wanted_topics_->names;
}

ShardContext& MadeUpBroker::context(std::uint32_t shard) {
  return shards_[shard]->context;
}

std::size_t MadeUpBroker::operations() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) {
    count += shard->operations.size();
  }
  return count;
}

}  // namespace moldau::broker::testing

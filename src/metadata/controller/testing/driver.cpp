#include "metadata/controller/testing/driver.h"

#include <algorithm>

namespace moldau::metadata::testing {
namespace {

ControllerOptions with_cluster_id(ControllerOptions options) {
  options.cluster_id = "cluster";
  options.node_id = NodeId(1);
  return options;
}

}  // namespace

Replicas ids(std::initializer_list<std::int32_t> raw) {
  return to_replicas(std::vector<std::int32_t>(raw));
}

Driver::Driver(ControllerOptions options, std::uint64_t seed)
    : entropy(seed), controller(with_cluster_id(std::move(options)), schema, entropy) {
  controller.activate(std::make_shared<const Image>(), false, now);
  auto first = controller.complete_activation(bootstrap_records());
  MOLDAU_ASSERT(first.has_value());
  append(std::move(first->records));
}

void Driver::append(RecordBatch records) {
  last = records;
  if (records.empty()) {
    return;
  }
  const Result<> replayed = controller.replay(records, Offset(static_cast<std::int64_t>(log.size())));
  MOLDAU_ASSERT(replayed.has_value());
  log.insert(log.end(), records.begin(), records.end());
  controller.check_invariants();
}

RegisterBroker Driver::registration(std::int32_t id, std::uint64_t incarnation) const {
  RegisterBroker request;
  request.broker = NodeId(id);
  request.cluster_id = "cluster";
  request.incarnation_id = {static_cast<std::uint64_t>(id) + 1000, incarnation};
  request.listeners = {{"PLAINTEXT", "127.0.0.1", static_cast<std::uint16_t>(9000 + id), 0}};
  for (const SupportedFeature& feature : supported_features()) {
    request.features.push_back({std::string(feature.name), feature.min, feature.max});
  }
  request.log_dirs = {Uuid{0x4000, static_cast<std::uint64_t>(id) + 1}};
  request.previous_epoch = kNoBrokerEpoch;
  return request;
}

std::expected<BrokerEpoch, ApiError> Driver::start(std::int32_t id, std::uint64_t incarnation, BrokerEpoch previous) {
  RegisterBroker request = registration(id, incarnation);
  request.previous_epoch = previous;
  auto reply = apply(controller.register_broker(request, Offset(static_cast<std::int64_t>(log.size())), now));
  if (!reply) {
    return std::unexpected(reply.error());
  }
  return reply->epoch;
}

BrokerHeartbeat Driver::beat(std::int32_t id) const {
  BrokerHeartbeat request;
  request.broker = NodeId(id);
  request.epoch = epoch_of(id);
  request.metadata_offset = Offset(static_cast<std::int64_t>(log.size()));
  return request;
}

BrokerHeartbeatReply Driver::unfence(std::int32_t id) {
  auto reply = apply(controller.heartbeat(beat(id), now));
  MOLDAU_ASSERT(reply.has_value());
  return *reply;
}

BrokerHeartbeatReply Driver::shut_down(std::int32_t id) {
  BrokerHeartbeat request = beat(id);
  request.want_shut_down = true;
  auto reply = apply(controller.heartbeat(request, now));
  MOLDAU_ASSERT(reply.has_value());
  if (reply->in_controlled_shutdown) {
    controller.on_controlled_shutdown_appended(NodeId(id), Offset(static_cast<std::int64_t>(log.size())));
  }
  return *reply;
}

void Driver::bring_up(std::int32_t id, std::uint64_t incarnation, BrokerEpoch previous) {
  const auto started = start(id, incarnation, previous);
  MOLDAU_ASSERT(started.has_value(), id);
  unfence(id);
}

void Driver::expire_all_but(std::initializer_list<std::int32_t> keep) {
  now += std::chrono::seconds(10);
  for (const std::int32_t id : keep) {
    unfence(id);
  }
  while (auto fencing = controller.fence_one_stale_broker(now)) {
    append(std::move(fencing->records));
  }
}

ApiError Driver::create(const std::string& name, std::vector<Replicas> assignments) {
  TopicCreation topic;
  topic.name = name;
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    topic.assignments.push_back({PartitionIndex(static_cast<std::int32_t>(i)), std::move(assignments[i])});
  }
  auto created = apply(controller.create_topics({{std::move(topic)}, false}));
  return created ? created->front().error : created.error();
}

ApiError Driver::set(ConfigResourceType type, const std::string& resource, const std::string& key,
                     std::optional<std::string> value) {
  const ConfigOperation operation = value ? ConfigOperation::kSet : ConfigOperation::kDelete;
  auto outcome = apply(controller.alter_configs({{{type, resource}, {{key, operation, std::move(value)}}}}, false));
  return outcome ? outcome->front().error : outcome.error();
}

std::expected<std::vector<AlterPartitionOutcome>, ApiError> Driver::propose_isr(const std::string& topic,
                                                                                std::int32_t index,
                                                                                const std::vector<std::int32_t>& isr) {
  const PartitionRegistration& current = partition(topic, index);
  AlterPartition request;
  request.broker = current.leader;
  request.epoch = epoch_of(current.leader.value());
  AlterPartition::Proposal proposal;
  proposal.partition = {image().topic(topic)->id, PartitionIndex(index)};
  proposal.leader_epoch = current.leader_epoch;
  proposal.partition_epoch = current.partition_epoch;
  for (const std::int32_t id : isr) {
    proposal.new_isr.push_back({NodeId(id), kNoBrokerEpoch});
  }
  request.proposals.push_back(std::move(proposal));
  return apply(controller.alter_partition(request));
}

const PartitionRegistration& Driver::partition(const std::string& topic, std::int32_t index) const {
  const Topic* found = image().topic(topic);
  MOLDAU_ASSERT(found != nullptr);
  const PartitionRegistration* partition = found->partition(PartitionIndex(index));
  MOLDAU_ASSERT(partition != nullptr, index);
  return *partition;
}

}  // namespace moldau::metadata::testing

#include "sim/scenario/scenario.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "protocol/messages/create_topics_request.h"
#include "protocol/messages/create_topics_response.h"
#include "protocol/messages/delete_records_request.h"
#include "protocol/messages/delete_records_response.h"
#include "protocol/messages/delete_topics_request.h"
#include "protocol/messages/delete_topics_response.h"
#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"
#include "protocol/messages/produce_request.h"
#include "protocol/messages/produce_response.h"
#include "protocol/record/batch_builder.h"

namespace moldau::sim {

using protocol::ErrorCode;

class Scenario::ClientProgram final : public NodeProgram {
 public:
  ClientProgram(runtime::World world, const runtime::Endpoint& broker)
      : shard_(world.shard(0)), network_(world.network(0)), broker_(broker) {
    (void)connect();
  }
  RpcChannel& connect() {
    channels_.push_back(std::make_unique<RpcChannel>(
        shard_, network_, std::chrono::seconds(10),
        RpcChannel::Events{.on_up = [] {},
                           .on_down = [](const char*) {},
                           .on_nonsense = [](const std::string& what) { throw std::runtime_error(what); }}));
    channels_.back()->open(broker_);
    return *channels_.back();
  }
  [[nodiscard]] RpcChannel& channel() noexcept { return *channels_.front(); }

 private:
  runtime::Shard& shard_;
  runtime::Network& network_;
  runtime::Endpoint broker_;
  std::vector<std::unique_ptr<RpcChannel>> channels_;
};

Scenario::Scenario(std::uint64_t seed, const BrokerSettings& settings) : sim_({.seed = seed}), settings_(settings) {
  broker_ = sim_.add_node({.shards = 2}, [this](runtime::World world) {
    if (cut_at_ != 0) {
      sim_.crash_at_disk_call(broker_, std::exchange(cut_at_, 0), CrashKind::kPowerCut);
    }
    settings_.host = SimNet::host_of(broker_);
    return std::make_unique<BrokerProgram>(
        world, make_broker_config(settings_),
        BrokerProgram::Events{.on_ready = [this] { ready_ = true; },
                              .on_failed = [this](const std::string& line) { failure_ = line; }});
  });
  client_ = sim_.add_node({.shards = 1}, [this](runtime::World world) {
    return std::make_unique<ClientProgram>(world, runtime::Endpoint{SimNet::host_of(broker_), kBrokerPort});
  });
}

Scenario::~Scenario() = default;

void Scenario::begin() {
  ready_ = false;
  failure_.clear();
  sim_.start(broker_);
}

void Scenario::begin_and_cut_at(std::uint64_t disk_call) {
  cut_at_ = disk_call;
  begin();
  wait_until([this] { return ready_ || !sim_.running(broker_); }, "the power cut");
  if (sim_.running(broker_)) {
    crash(CrashKind::kPowerCut);
  }
}

void Scenario::start() {
  begin();
  wait_until([this] { return ready_ || !failure_.empty(); }, "the broker to be ready");
  if (!failure_.empty()) {
    throw std::runtime_error(failure_);
  }
  if (sim_.running(client_)) {
    sim_.kill(client_);
  }
  sim_.start(client_);
  wait_until([this] { return channel().up(); }, "the connection");
}

void Scenario::crash(CrashKind kind) {
  sim_.crash(broker_, kind);
}

bool Scenario::stop() {
  std::optional<bool> stopped;
  if (!broker().stop([&](bool clean) { stopped = clean; })) {
    throw std::runtime_error("the broker is stopping already");
  }
  wait_until([&] { return stopped.has_value(); }, "the stop");
  crash(CrashKind::kKill);
  return *stopped;
}

BrokerProgram& Scenario::broker() {
  return dynamic_cast<BrokerProgram&>(*sim_.program(broker_));
}

RpcChannel& Scenario::connect() {
  RpcChannel& another = dynamic_cast<ClientProgram&>(*sim_.program(client_)).connect();
  wait_until([&] { return another.up(); }, "the connection");
  return another;
}

RpcChannel& Scenario::channel() {
  return dynamic_cast<ClientProgram&>(*sim_.program(client_)).channel();
}

void Scenario::wait_until(Function<bool()> done, const char* what) {
  if (!sim_.run_until(std::move(done), kPatience)) {
    throw std::runtime_error(std::string("waited in vain for ") + what + "\n" + sim_.logs().dump());
  }
}

void Scenario::create_topic(const std::string& name, const std::vector<std::pair<std::string, std::string>>& configs) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  for (const auto& [key, value] : configs) {
    auto& config = topic.configs.emplace_back();
    config.name = key;
    config.value = value;
  }
  call(request, protocol::CreateTopicsRequest::kMaxVersion, [](const protocol::CreateTopicsResponse& response) {
    if (response.topics.size() != 1 || response.topics[0].error_code != 0) {
      throw std::runtime_error("the topic was refused");
    }
  });
}

Scenario::Answered Scenario::produce(const std::string& topic, std::int16_t acks, const std::string& value) {
  return produce_at_once(topic, acks, {value}).at(0);
}

Scenario::Answered Scenario::produce(const std::string& topic, std::int16_t acks, const std::string& key,
                                     const std::string& value) {
  std::vector<Answered> produced;
  send_produce(topic, acks, {.key = key, .value = value}, produced);
  wait_until([&] { return !produced.empty(); }, "the answer");
  return produced.front();
}

std::vector<Scenario::Answered> Scenario::produce_at_once(const std::string& topic, std::int16_t acks,
                                                          const std::vector<std::string>& values) {
  std::vector<Answered> produced;
  for (const std::string& value : values) {
    send_produce(topic, acks, {.key = std::nullopt, .value = value}, produced);
  }
  wait_until([&] { return produced.size() == values.size(); }, "the answers");
  return produced;
}

void Scenario::send_produce(const std::string& topic, std::int16_t acks, const Sent& sent,
                            std::vector<Answered>& produced) {
  record::BatchBuilder builder({});
  const std::int64_t now_ms = sim_.world(client_).shard(0).clock().wall_ms();
  builder.append({.timestamp = now_ms,
                  .key = sent.key ? std::optional(as_bytes(*sent.key)) : std::nullopt,
                  .value = as_bytes(sent.value)});
  const auto batch = builder.build();
  MOLDAU_ASSERT(batch.has_value());
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 5000;
  auto& topic_data = request.topic_data.emplace_back();
  topic_data.name = topic;
  auto& partition = topic_data.partition_data.emplace_back();
  partition.index = 0;
  partition.records = wire::Records(*batch);
  constexpr std::int16_t kVersion = 12;  // the last one with topic names
  channel().call(request, kVersion, [&produced](const protocol::ProduceResponse& response) {
    const auto& answer = response.responses.at(0).partition_responses.at(0);
    produced.push_back({protocol::error_from_wire(answer.error_code), Offset(answer.base_offset)});
  });
}

void Scenario::delete_topic(const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = 5000;
  request.topics.emplace_back().name = name;
  call(request, protocol::DeleteTopicsRequest::kMaxVersion, [](const protocol::DeleteTopicsResponse& response) {
    if (response.responses.size() != 1 || response.responses[0].error_code != 0) {
      throw std::runtime_error("the topic was not deleted");
    }
  });
}

void Scenario::delete_records(const std::string& topic, Offset offset) {
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = 5000;
  auto& asked = request.topics.emplace_back();
  asked.name = topic;
  asked.partitions.emplace_back().offset = offset.value();
  call(request, protocol::DeleteRecordsRequest::kMaxVersion, [](const protocol::DeleteRecordsResponse& response) {
    if (response.topics.at(0).partitions.at(0).error_code != 0) {
      throw std::runtime_error("the records were not deleted");
    }
  });
}

Scenario::Answered Scenario::list_offset(const std::string& topic, std::int64_t timestamp) {
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  auto& asked = request.topics.emplace_back();
  asked.name = topic;
  asked.partitions.emplace_back().timestamp = timestamp;
  Answered answer{};
  constexpr std::int16_t kVersion = 7;
  call(request, kVersion, [&](const protocol::ListOffsetsResponse& response) {
    const auto& partition = response.topics.at(0).partitions.at(0);
    answer = {protocol::error_from_wire(partition.error_code), Offset(partition.offset)};
  });
  return answer;
}

}  // namespace moldau::sim

// Our controller, led through the life that a real Apache Kafka 4.3.1 led, writes the same records: same versions, same
// fields, same offsets, same broker epochs. Ids and the times of no-ops are taken from the golden file; only the order
// of features within a registration and of partitions within one event is Kafka's hash order and is not compared.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "metadata/controller/controller.h"
#include "metadata/controller/testing/fakes.h"

namespace moldau::metadata {
namespace {

using records::AnyMetadataRecord;
using records::MetadataRecordAndVersion;

struct GoldenRecord {
  Offset offset{0};
  MetadataRecordAndVersion record;
};

std::vector<GoldenRecord> read_golden() {
  std::ifstream file(MOLDAU_SOURCE_DIR "/src/metadata/controller/testdata/kafka-4.3.1-lifecycle.txt");
  std::vector<GoldenRecord> golden;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    std::istringstream fields(line);
    std::int64_t base = 0;
    std::int64_t offset = 0;
    std::string hex;
    fields >> base >> offset >> hex;
    ByteVector bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    wire::Reader reader{Bytes(bytes)};
    auto record = records::decode_metadata_record(reader);
    EXPECT_TRUE(record) << line;
    golden.push_back({Offset(offset), *std::move(record)});
  }
  EXPECT_EQ(golden.size(), 126U);
  return golden;
}

template <class T>
std::vector<T> all_of_type(const std::vector<GoldenRecord>& golden) {
  std::vector<T> found;
  for (const auto& one : golden) {
    if (const T* record = std::get_if<T>(&one.record.record)) {
      found.push_back(*record);
    }
  }
  return found;
}

void normalize(RecordBatch& batch) {
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  for (auto& record : batch) {
    if (auto* broker = std::get_if<records::RegisterBrokerRecord>(&record.record)) {
      std::ranges::sort(broker->features, by_name);
    } else if (auto* controller = std::get_if<records::RegisterControllerRecord>(&record.record)) {
      std::ranges::sort(controller->features, by_name);
    }
  }
  const auto is_change = [](const auto& r) { return std::holds_alternative<records::PartitionChangeRecord>(r.record); };
  for (auto first = batch.begin(); first != batch.end(); ++first) {
    if (is_change(*first)) {
      const auto last = std::find_if_not(first, batch.end(), is_change);
      std::sort(first, last, [](const auto& a, const auto& b) {
        const auto& x = std::get<records::PartitionChangeRecord>(a.record);
        const auto& y = std::get<records::PartitionChangeRecord>(b.record);
        return std::pair(x.topic_id, x.partition_id) < std::pair(y.topic_id, y.partition_id);
      });
      first = last - 1;
    }
  }
}

std::string hex_of(const MetadataRecordAndVersion& record) {
  wire::Writer writer;
  records::encode_metadata_record(record.record, record.version, writer);
  std::string text = std::string(records::type_of(record.record).name) + " v" + std::to_string(record.version) + " ";
  for (const std::byte b : writer.bytes()) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[static_cast<unsigned>(b) >> 4];
    text += kDigits[static_cast<unsigned>(b) & 15];
  }
  return text;
}

class KafkaLifecycle : public ::testing::Test {
 protected:
  KafkaLifecycle()
      : golden_(read_golden()),
        controllers_(all_of_type<records::RegisterControllerRecord>(golden_)),
        brokers_(all_of_type<records::RegisterBrokerRecord>(golden_)) {
    for (const auto& topic : all_of_type<records::TopicRecord>(golden_)) {
      entropy_.planned.push_back(topic.topic_id);
    }
    options_.node_id = NodeId(1);
    options_.cluster_id = "cluster";
    start();
  }

  void start() {
    auto image = controller_ ? controller_->image() : std::make_shared<const Image>();
    controller_.emplace(options_, schema_, entropy_);
    controller_->activate(image, false, now_);
  }

  // Kafka's no-ops go by; then the offset of the next record that means something.
  Offset next_offset() {
    while (at_ < golden_.size() && std::holds_alternative<records::NoOpRecord>(golden_[at_].record.record)) {
      EXPECT_TRUE(controller_->replay(Controller::no_op().records, golden_[at_].offset));
      ++at_;
    }
    return at_ < golden_.size() ? golden_[at_].offset : Offset(-1);
  }

  void expect(RecordBatch ours, const char* what) {
    const Offset base = next_offset();
    RecordBatch kafkas;
    for (std::size_t i = 0; i < ours.size() && at_ + i < golden_.size(); ++i) {
      kafkas.push_back(golden_[at_ + i].record);
    }
    normalize(ours);
    normalize(kafkas);
    ASSERT_EQ(ours.size(), kafkas.size()) << what;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(hex_of(ours[i]), hex_of(kafkas[i])) << what << ", record " << i;
    }
    ASSERT_TRUE(controller_->replay(kafkas, base)) << what;
    controller_->check_invariants();
    at_ += ours.size();
  }

  void register_controller(std::size_t start) {
    RegisterController request;
    request.controller = NodeId(1);
    request.incarnation_id = controllers_[start].incarnation_id;
    request.listeners = {{"CONTROLLER", "127.0.0.1", 29393, 0}};
    request.features = features();
    expect(controller_->register_controller(request)->records, "register controller");
  }

  std::expected<BrokerEpoch, ApiError> register_broker(std::size_t start, BrokerEpoch previous) {
    RegisterBroker request;
    request.broker = NodeId(1);
    request.cluster_id = "cluster";
    request.incarnation_id = brokers_[start].incarnation_id;
    request.listeners = {{"PLAINTEXT", "127.0.0.1", 29392, 0}};
    request.features = features();
    request.log_dirs = brokers_[start].log_dirs;
    request.previous_epoch = previous;
    auto decision = controller_->register_broker(request, next_offset(), now_);
    if (!decision) {
      return std::unexpected(decision.error());
    }
    expect(decision->records, "register broker");
    return decision->response.epoch;
  }

  BrokerHeartbeatReply heartbeat(BrokerHeartbeat request, const char* what) {
    request.broker = NodeId(1);
    request.epoch = controller_->image()->broker(NodeId(1))->epoch();
    request.metadata_offset = Offset(1'000'000);
    auto decision = controller_->heartbeat(request, now_);
    EXPECT_TRUE(decision);
    const BrokerHeartbeatReply reply = decision->response;
    expect(std::move(decision->records), what);
    if (reply.in_controlled_shutdown) {
      controller_->on_controlled_shutdown_appended(NodeId(1), controller_->image()->provenance().offset + 1);
    }
    return reply;
  }

  static std::vector<FeatureRange> features() {
    std::vector<FeatureRange> ranges;
    for (const SupportedFeature& feature : supported_features()) {
      ranges.push_back({std::string(feature.name), feature.min, feature.max});
    }
    return ranges;
  }

  void first_start() {
    expect(controller_->complete_activation(bootstrap_records())->records, "bootstrap");
    register_controller(0);
    ASSERT_EQ(register_broker(0, BrokerEpoch(-1)), BrokerEpoch(14));
    heartbeat({.want_fence = true, .cordoned_log_dirs = std::vector<Uuid>{}}, "cordoned directories");
    heartbeat({.cordoned_log_dirs = std::vector<Uuid>{}}, "unfence");
  }

  void create(const char* name, std::int32_t partitions, std::vector<TopicCreation::Config> configs = {}) {
    TopicCreation topic;
    topic.name = name;
    topic.partitions = partitions;
    topic.replication_factor = 1;
    topic.configs = std::move(configs);
    auto decision = controller_->create_topics({{std::move(topic)}, false});
    ASSERT_TRUE(decision);
    ASSERT_FALSE(decision->response.front().error.failed()) << decision->response.front().error.message;
    expect(std::move(decision->records), name);
  }

  void clean_stop() {
    const auto first =
        heartbeat({.want_shut_down = true, .cordoned_log_dirs = std::vector<Uuid>{}}, "controlled shutdown");
    EXPECT_TRUE(first.in_controlled_shutdown);
    EXPECT_FALSE(first.should_shut_down);
    const auto second = heartbeat({.want_shut_down = true, .cordoned_log_dirs = std::vector<Uuid>{}}, "shutdown now");
    EXPECT_TRUE(second.should_shut_down);
  }

  LeaderEpoch leader_epoch(const char* topic) const {
    return controller_->image()->topic(topic)->partition(PartitionIndex(0))->leader_epoch;
  }

  std::vector<GoldenRecord> golden_;
  std::vector<records::RegisterControllerRecord> controllers_;
  std::vector<records::RegisterBrokerRecord> brokers_;
  std::size_t at_ = 0;
  Instant now_ = std::chrono::seconds(1000);
  testing::FakeSchema schema_;
  testing::SeededEntropy entropy_{1};
  ControllerOptions options_;
  std::optional<Controller> controller_;
};

TEST_F(KafkaLifecycle, EveryRecordIsKafkas) {
  first_start();
  create("alpha", 2, {{"retention.ms", "1000000"}, {"cleanup.policy", "delete"}});
  create("beta", 1);
  create("gone", 1);
  auto deleted = controller_->delete_topics({{"gone", kZeroUuid}});
  expect(deleted->records, "delete topic");
  auto altered = controller_->alter_configs(
      {{{ConfigResourceType::kTopic, "alpha"},
        {{"segment.bytes", ConfigOperation::kSet, "1048576"}, {"retention.ms", ConfigOperation::kSet, "2000000"}}}},
      false);
  expect(altered->records, "alter configs");
  const auto ids = controller_->allocate_producer_ids(NodeId(1), BrokerEpoch(14));
  EXPECT_EQ(ids->response.first, ProducerId(0));
  expect(ids->records, "producer ids");

  // kill -9: the new process is refused until the old session has ended.
  start();
  expect(controller_->complete_activation(bootstrap_records())->records, "activation");
  register_controller(1);
  EXPECT_EQ(register_broker(1, BrokerEpoch(-1)).error().code, ErrorCode::kDuplicateBrokerRegistration);
  EXPECT_FALSE(controller_->fence_one_stale_broker(now_ + std::chrono::seconds(9)));
  now_ += std::chrono::milliseconds(9001);
  expect(controller_->fence_one_stale_broker(now_)->records, "session expired");
  EXPECT_EQ(leader_epoch("beta"), LeaderEpoch(1));
  ASSERT_EQ(register_broker(1, BrokerEpoch(-1)), BrokerEpoch(89));
  heartbeat({.cordoned_log_dirs = std::vector<Uuid>{}}, "unfence through the last known leader");
  EXPECT_EQ(leader_epoch("beta"), LeaderEpoch(2));
  EXPECT_EQ(controller_->image()->topic("beta")->partition(PartitionIndex(0))->recovery,
            LeaderRecoveryState::kRecovering);
  clean_stop();

  start();
  expect(controller_->complete_activation(bootstrap_records())->records, "activation");
  register_controller(2);
  ASSERT_EQ(register_broker(2, BrokerEpoch(89)), BrokerEpoch(112));
  heartbeat({.want_fence = true, .cordoned_log_dirs = std::vector<Uuid>{}}, "cordoned directories");
  heartbeat({.cordoned_log_dirs = std::vector<Uuid>{}}, "unfence through the ELR");
  EXPECT_EQ(leader_epoch("beta"), LeaderEpoch(4));
  clean_stop();
  next_offset();
  EXPECT_EQ(at_, golden_.size());
}

// What we do where the old process is known to be gone: one step less, the same end.
TEST_F(KafkaLifecycle, AKnownDeadProcessIsNotWaitedFor) {
  first_start();
  create("alpha", 2, {{"retention.ms", "1000000"}, {"cleanup.policy", "delete"}});
  start();
  RegisterBroker request;
  request.broker = NodeId(1);
  request.cluster_id = "cluster";
  request.incarnation_id = Uuid{5, 5};
  request.listeners = {{"PLAINTEXT", "127.0.0.1", 29392, 0}};
  request.features = features();
  request.log_dirs = brokers_[0].log_dirs;
  request.previous_epoch = BrokerEpoch(-1);
  EXPECT_EQ(controller_->register_broker(request, Offset(200), now_).error().code,
            ErrorCode::kDuplicateBrokerRegistration);
  request.previous_process_is_gone = true;
  const auto decision = controller_->register_broker(request, Offset(200), now_);
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->response.epoch, BrokerEpoch(200));
  ASSERT_TRUE(controller_->replay(decision->records, Offset(200)));
  controller_->check_invariants();
  const auto* partition = controller_->image()->topic("alpha")->partition(PartitionIndex(0));
  EXPECT_EQ(partition->leader, kNoNode);
  EXPECT_TRUE(partition->isr.empty());
  EXPECT_TRUE(partition->elr.empty());
  EXPECT_EQ(partition->last_known_elr, Replicas{NodeId(1)});
  BrokerHeartbeat beat;
  beat.broker = NodeId(1);
  beat.epoch = BrokerEpoch(200);
  beat.metadata_offset = Offset(202);
  const auto unfenced = controller_->heartbeat(beat, now_);
  ASSERT_TRUE(controller_->replay(unfenced->records, Offset(203)));
  controller_->check_invariants();
  partition = controller_->image()->topic("alpha")->partition(PartitionIndex(0));
  EXPECT_EQ(partition->leader, NodeId(1));
  EXPECT_EQ(partition->leader_epoch, LeaderEpoch(2));
  EXPECT_EQ(partition->recovery, LeaderRecoveryState::kRecovering);
  EXPECT_TRUE(partition->last_known_elr.empty());
}

}  // namespace
}  // namespace moldau::metadata

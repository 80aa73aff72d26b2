// The data path of one node without a node: partitions on a simulated disk, the handlers of each shard, connections in
// memory. Leaders and configurations are what the test says; time passes when the test says so.
//
// Lifetime: clients may outlive their connections, nothing outlives the broker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log_levels.h"
#include "broker/config/broker_configs.h"
#include "broker/config/topic_configs.h"
#include "broker/handlers/metadata_handler.h"
#include "broker/handlers/shard_context.h"
#include "broker/handlers/testing/fake_controller.h"
#include "broker/handlers/testing/memory_client.h"
#include "broker/net/connection_table.h"
#include "broker/partitions/partition_home.h"
#include "broker/request/dispatcher.h"
#include "metadata/image/delta.h"
#include "replication/partition/partition_types.h"
#include "replication/partition/testing/partition_fakes.h"
#include "runtime/testing/manual_shard.h"
#include "runtime/testing/manual_workers.h"
#include "runtime/testing/seeded_random.h"
#include "runtime/testing/silent_logger.h"
#include "sim/world/sim_disk.h"

namespace moldau::replication {
class Partition;
}

namespace moldau::broker::testing {

class MadeUpBroker {
 public:
  static constexpr NodeId kSelf{1};
  static constexpr NodeId kOther{2};  // another broker, alive at other.example:9092, without the listener SECOND
  static constexpr LeaderEpoch kFirstEpoch{5};

  explicit MadeUpBroker(std::uint32_t shards = 1, const HandlerLimits& limits = {});
  ~MadeUpBroker();
  MadeUpBroker(const MadeUpBroker&) = delete;
  MadeUpBroker& operator=(const MadeUpBroker&) = delete;

  // Makes a topic that this node hosts and leads; gives its id.
  Uuid add_topic(const std::string& name, std::int32_t partitions = 1, const replication::PartitionConfig& config = {});
  // Another leader, or another ISR, from the next leader epoch on; replicas stay {1}, or become {1, 2} for `kOther`.
  void set_leader(const std::string& topic, NodeId leader, std::vector<std::int32_t> isr);
  void delete_topic(const std::string& topic);
  // Stays registered, but is away.
  void fence(NodeId broker);

  void set_quota(const metadata::QuotaEntity& entity, const std::string& key, double limit);
  // Between two looks at the stopwatch so much work was done.
  void set_cost_of_work(std::chrono::nanoseconds cost);

  [[nodiscard]] MemoryClient connect(std::uint32_t shard = 0, const std::string& listener = "PLAINTEXT");

  // Runs turns and disk jobs of all shards until nothing is left to do now.
  void settle();
  // Runs turns only: what was asked of the disk stays undone.
  void run_turns();
  void advance(std::chrono::milliseconds by);
  // The checkpoint of log starts that DeleteRecords waits for is written.
  void keep_log_starts();

  [[nodiscard]] replication::Partition& partition(const std::string& topic, std::int32_t index = 0);
  [[nodiscard]] ShardContext& context(std::uint32_t shard = 0);
  [[nodiscard]] std::size_t operations() const;  // parked or waiting, on all shards
  [[nodiscard]] sim::SimDisk& disk() noexcept { return disk_; }
  [[nodiscard]] FakeController& controller() noexcept { return controller_; }
  // Keys of a resource, as the metadata log would bring them.
  void set_config(metadata::ConfigResourceType type, const std::string& name, const std::string& key,
                  std::optional<std::string> value);
  [[nodiscard]] runtime::LogLevels& levels() noexcept { return levels_; }
  // The topics whose creation a Metadata request asked for.
  [[nodiscard]] const std::vector<std::string>& wanted_topics() const;

 private:
  struct PerShard;
  class ConfigBook;
  class NoNetwork;
  class WantedTopics;

  void replay(const std::vector<metadata::records::AnyMetadataRecord>& records);
  void register_broker(NodeId id, const std::string& host, const std::vector<std::string>& listeners);

  sim::SimDisk disk_{sim::SimRandom(1), sim::CrashModel{}};
  std::unique_ptr<runtime::FileSystem> fs_ = disk_.mount();
  moldau::testing::SilentLogger logger_;
  moldau::testing::ManualWorkers workers_;
  moldau::testing::SeededRandom random_;
  replication::testing::FakeBrokers brokers_;
  replication::testing::FakeSender sender_;
  replication::testing::FakeDirectory directory_;
  std::unique_ptr<ConfigBook> configs_;
  NodeConfig config_;
  TopicConfigs topic_configs_{config_};
  BrokerConfigs broker_configs_{config_};
  runtime::LogLevels levels_{runtime::LogThreshold::kInfo};
  std::unique_ptr<NoNetwork> network_;
  std::unique_ptr<WantedTopics> wanted_topics_;
  ClusterIdentity identity_{.cluster_id = "made-up"};
  FakeController controller_;
  std::shared_ptr<const metadata::Image> image_ = std::make_shared<const metadata::Image>();
  std::int64_t next_offset_ = 1;
  std::int32_t next_epoch_ = kFirstEpoch.value();
  std::vector<std::unique_ptr<PerShard>> shards_;
  std::vector<ShardContext*> peers_;
  std::unique_ptr<PartitionHome> home_;
};

}  // namespace moldau::broker::testing

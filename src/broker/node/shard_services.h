// Everything one shard of a node owns, in the order in which it may go: connections and their requests first, then the
// partitions they wait on, then what the partitions stand on.
//
// Shard: made, used and destroyed on its shard.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/log.h"
#include "broker/config/broker_configs.h"
#include "broker/config/node_config.h"
#include "broker/config/topic_configs.h"
#include "broker/handlers/controller_channel.h"
#include "broker/handlers/log_dir_channel.h"
#include "broker/handlers/metadata_handler.h"
#include "broker/handlers/shard_context.h"
#include "broker/net/connection_table.h"
#include "broker/partitions/operation_set.h"
#include "broker/partitions/partition_router.h"
#include "broker/request/dispatcher.h"
#include "broker/request/request_accounts.h"
#include "broker/session/fetch_session.h"
#include "protocol/record/scratch.h"
#include "replication/partition/partition_environment.h"
#include "runtime/world.h"
#include "storage/sync/sync_group.h"

namespace moldau::runtime {
class LogLevels;
}

namespace moldau::broker {

class FetchHandler;

class ShardServices {
 public:
  struct Environment {
    const runtime::World& world;
    std::size_t shard = 0;
    const NodeConfig& config;
    const TopicConfigs& topic_configs;
    const BrokerConfigs& broker_configs;
    const ClusterIdentity& identity;
    replication::DirectoryLink& directory;
    LogDirChannel& log_dirs;
    ControllerChannel& controller;
    TopicAutoCreator& auto_creator;
    runtime::LogLevels* log_levels = nullptr;
  };
  explicit ShardServices(const Environment& environment);
  ~ShardServices();
  ShardServices(const ShardServices&) = delete;
  ShardServices& operator=(const ShardServices&) = delete;

  // Once all shards have theirs: makes the handlers and connects the tables.
  void wire(const std::vector<ShardServices*>& all, PartitionHome& home, runtime::Shard& home_shard);

  // Between wire() and drop_requests(): the tables and dispatchers below are there.
  [[nodiscard]] bool serving() const noexcept { return broker_dispatcher_ != nullptr; }
  [[nodiscard]] PartitionRouter& router() noexcept { return router_; }
  [[nodiscard]] storage::SyncGroup& sync() noexcept { return sync_; }
  [[nodiscard]] ConnectionTable& broker_connections() noexcept { return *broker_connections_; }
  [[nodiscard]] ConnectionTable& controller_connections() noexcept { return *controller_connections_; }
  [[nodiscard]] const Dispatcher& broker_dispatcher() const noexcept { return *broker_dispatcher_; }
  [[nodiscard]] RequestAccounts& accounts() noexcept { return accounts_; }
  [[nodiscard]] const FetchSessionCache& sessions() const noexcept { return sessions_; }
  [[nodiscard]] runtime::Shard& shard() noexcept { return shard_; }
  [[nodiscard]] std::size_t waiting_fetches() const noexcept;
  // Of the last minute or so, the share in which this shard slept; and all its sleep.
  [[nodiscard]] double idle_share() const noexcept { return idle_share_; }
  [[nodiscard]] std::chrono::nanoseconds slept() const noexcept;

  // Takes no request more; `drained` once every connection has its answers and is closed.
  void drain(Callback drained);
  // The steps of giving up all requests; each on every shard before the next on any. What runs here for another shard's
  // request uses its bytes, so none may start when requests begin to go; a request answers to its connection.
  void refuse_operations();
  void drop_operations();
  void drop_handlers();
  void drop_connections();

 private:
  class BrokerView;
  class ShardPlacement;
  class AlterPartitionLink;

  void add_broker_handlers();
  void add_controller_handlers();
  // What the controller decides and both kinds of listener offer.
  void add_deciding_handlers(Dispatcher& dispatcher);
  void add_config_handlers(Dispatcher& dispatcher, ListenerKind kind);
  void keep_house();
  void measure_idleness(runtime::MonoTime now);
  [[nodiscard]] ConnectionTable::Config connection_config(ListenerKind kind) const;

  Environment environment_;
  runtime::Shard& shard_;
  Logger& logger_;
  storage::SyncGroup sync_;
  std::unique_ptr<BrokerView> brokers_;
  std::unique_ptr<AlterPartitionLink> alter_partition_;
  record::Scratch scratch_;
  PartitionRouter router_;
  OperationSet operations_;
  AppendTurns append_turns_;
  ShardContext context_;
  std::vector<ShardContext*> peers_;
  FetchSessionCache sessions_;
  RequestAccounts accounts_;
  std::unique_ptr<ShardPlacement> placement_;
  std::unique_ptr<ConnectionTable> broker_connections_;
  std::unique_ptr<ConnectionTable> controller_connections_;
  std::unique_ptr<Dispatcher> broker_dispatcher_;
  std::unique_ptr<Dispatcher> controller_dispatcher_;
  runtime::Timer housekeeping_;
  runtime::MonoTime next_retention_{};
  runtime::MonoTime next_lag_tick_{};
  runtime::MonoTime next_expiry_{};
  runtime::MonoTime next_idle_check_{};
  const FetchHandler* fetches_ = nullptr;  // the dispatcher's
  double idle_share_ = 1.0;
  std::chrono::nanoseconds slept_{0};  // when it was measured last
  runtime::MonoTime measured_at_{};
};

}  // namespace moldau::broker

// A node: broker and controller of a cluster of one, assembled from its parts. The same in apps/ and in the simulator.
//
// Start:  open() reads and locks the directories and recovers the metadata log (blocking, before or on the home shard);
//         start() elects, replays, registers under a new broker epoch, opens the partition logs, is unfenced, and only
//         then serves clients.
// Stop:   stop() leaves the cluster by controlled shutdown, answers what is owed, closes every log cleanly and writes
// the
//         clean mark last. Destroying a started node without stop() is what a crash does to it.
// Shard:  all calls on the home shard (index 0); callbacks too. After stop() the object may be destroyed anywhere.
// Source: kafka.server.KafkaRaftServer, BrokerServer, ControllerServer; inventory §6, 61.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "broker/config/node_config.h"
#include "runtime/world.h"

namespace moldau::runtime {
class LogLevels;
}

namespace moldau::broker {

struct ReadyInfo {
  std::string cluster_id;
  std::string directory;
  std::vector<std::pair<std::string, runtime::Endpoint>> listeners;  // name and advertised address
};

class Node {
 public:
  struct OpenOptions {
    bool format_if_empty = false;              // a directory that is missing or empty becomes a new cluster's
    runtime::LogLevels* log_levels = nullptr;  // of the world's logger, for clients to change; outlives the node
  };
  // The error is one line for the operator. `world` is copied; what it points to outlives the node.
  [[nodiscard]] static std::expected<std::unique_ptr<Node>, std::string> open(const runtime::World& world,
                                                                              NodeConfig config,
                                                                              const OpenOptions& options);
  ~Node();

  struct Events {
    Function<void(const ReadyInfo&)> on_ready;     // serves clients
    Function<void(const std::string&)> on_failed;  // cannot go on: one line; call stop() or destroy
    // A start that ends before anything began, for an address: the hearer tells the line. Unset: it is logged, and
    // on_failed is called.
    Function<void(const std::string&)> on_refused;
  };
  void start(Events events);
  // Within `patience`: what takes longer is cut off. `stopped(clean)` once.
  void stop(std::chrono::milliseconds patience, Function<void(bool)> stopped);

  // Clients are served: started, not failed since, and not stopping.
  [[nodiscard]] bool ready() const noexcept;
  // What ready() takes, in the order in which a start reaches it, and whether it holds now.
  struct Condition {
    std::string name;
    bool holds;
  };
  [[nodiscard]] std::vector<Condition> readiness() const;
  [[nodiscard]] const NodeConfig& config() const noexcept;
  // Renders the metrics of all shards; `done` on the home shard.
  void collect_metrics(Function<void(std::string)> done);

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moldau::broker

// Tells the controller in which log directories this node's replicas are, until the metadata says so.
//
// Shard:      the home shard.
// Invariants: A1 one request is in flight at a time; what is told meanwhile goes with the next. The last word on a
//                partition counts.
// Bound:      one entry for each partition that the metadata does not have right; kPerRequestMax of them a request.
// Source:     org.apache.kafka.server.AssignmentsManager; KIP-858.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/uuid.h"
#include "metadata/controller/directory_control.h"
#include "runtime/shard.h"
#include "runtime/timer.h"

namespace moldau::broker {

class DirectoryAssigner {
 public:
  static constexpr std::size_t kPerRequestMax = 2250;

  using Assignments = std::vector<metadata::AssignReplicasToDirs::Assignment>;
  using Answer = std::expected<std::vector<protocol::ErrorCode>, metadata::ApiError>;
  using Send = Function<void(Assignments, Function<void(const Answer&)>)>;

  DirectoryAssigner(runtime::Shard& shard, Logger& logger);
  ~DirectoryAssigner();
  DirectoryAssigner(const DirectoryAssigner&) = delete;
  DirectoryAssigner& operator=(const DirectoryAssigner&) = delete;

  // This process is registered: what is told goes this way from now on. `send` answers once, on the shard.
  void open(Send send);
  // `done(true)` once the metadata says so; false: it will not, for the partition or the metadata.version.
  void tell(const TopicIdPartition& partition, const Uuid& directory, Function<void(bool)> done = nullptr);
  // Nothing more is sent; who waits is told false.
  void close();

  [[nodiscard]] std::size_t pending() const noexcept { return wanted_.size(); }

 private:
  struct Wish {
    Uuid directory;
    bool sent = false;  // with the request in flight
    std::vector<Function<void(bool)>> done;
  };

  void send_soon();
  void send();
  void on_answer(const Assignments& sent, const Answer& answer);
  void end(const TopicIdPartition& partition, bool assigned);

  runtime::Shard& shard_;
  Logger& logger_;
  Send send_;
  std::map<TopicIdPartition, Wish> wanted_;
  bool in_flight_ = false;
  bool posted_ = false;
  bool closed_ = false;
  runtime::Timer retry_;
  std::shared_ptr<DirectoryAssigner*> alive_;
};

}  // namespace moldau::broker

// What every simulated client does: keeps one connection to the broker, opens another one when it broke, hears of both.
//
// Shard:      one shard of the client's own node.
// Invariants: after a broken connection nothing of it is heard; the next one is tried after a random pause.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/ids.h"
#include "runtime/timer.h"
#include "sim/checker/history.h"
#include "sim/workload/rpc_channel.h"
#include "sim/world/sim_random.h"
#include "sim/world/simulation.h"

namespace moldau::sim {

inline constexpr std::string_view kTopic = "t";

// What the clients of one run share. Outlives them.
struct Workload {
  History& history;
  runtime::Endpoint broker;
  Function<Era()> era;
  // The life of the broker that this connection knew goes on: a process that dies at a disk call may still say so.
  Function<bool(const Era&)> alive;
  bool producing = true;  // false: producers finish what they began
};

class Client : public NodeProgram {
 public:
  Client(runtime::World world, Workload& workload, SimRandom random);

 protected:
  virtual void on_up() = 0;    // a fresh connection
  virtual void on_down() = 0;  // its requests are lost
  [[nodiscard]] RpcChannel& channel() noexcept { return *channel_; }
  [[nodiscard]] bool up() const noexcept { return channel_ != nullptr && channel_->up(); }
  [[nodiscard]] Era era() const noexcept { return era_; }  // of the connection
  // Asks ListOffsets; gives the connection up if there is no offset for an answer.
  void list_offset(std::string_view topic, std::uint32_t partition, std::int64_t timestamp,
                   Function<void(Offset)> then);

  runtime::Shard& shard_;
  runtime::Network& network_;
  Workload& workload_;
  SimRandom random_;

 private:
  void connect();

  std::unique_ptr<RpcChannel> channel_;
  runtime::Timer reconnect_;
  Era era_;
};

}  // namespace moldau::sim

// The network between simulated nodes: one switchboard for all, one Network face for each shard.
//
// Bytes of a connection arrive in order, after a delay, in pieces of any size. A blocked path holds bytes back until it
// is open again, or until the sender gives up (as TCP does). Node n is "node-n" and "10.0.x.y"; "localhost",
// "127.0.0.1" and "::1" are the own node.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/net.h"
#include "sim/world/event_queue.h"
#include "sim/world/process.h"
#include "sim/world/sim_random.h"
#include "sim/world/sim_shard.h"
#include "sim/world/trace.h"

namespace moldau::sim {

// A changed value counts from the next packet or connection on.
struct NetFaults {
  std::chrono::microseconds delay_min{50};
  std::chrono::microseconds delay_max{500};
  std::uint32_t short_write_ppm = 100'000;   // a write that would fit is cut at a random byte
  std::uint32_t short_read_ppm = 100'000;    // a read gives fewer bytes than there are
  std::uint32_t reset_ppm = 0;               // per packet: the connection breaks, bytes in flight are lost
  std::uint64_t buffer_bytes_min = 4 << 10;  // of each direction of a new connection; small ones make slow peers felt
  std::uint64_t buffer_bytes_max = 256 << 10;
  std::chrono::seconds give_up_after{30};  // a sender on a blocked path
};

class SimConnection;
class SimListenerCore;

class SimNet {
 public:
  SimNet(EventQueue& events, Trace& trace, SimRandom random) : events_(events), trace_(trace), random_(random) {}
  SimNet(const SimNet&) = delete;
  SimNet& operator=(const SimNet&) = delete;

  [[nodiscard]] NetFaults& faults() noexcept { return faults_; }
  // One-way: bytes of `from` stop reaching `to`.
  void block(std::uint32_t from, std::uint32_t to) { blocked_.insert({from, to}); }
  void unblock(std::uint32_t from, std::uint32_t to) { blocked_.erase({from, to}); }
  // Both ways between the two, or everything of one node.
  void partition(std::uint32_t a, std::uint32_t b);
  void heal_all() { blocked_.clear(); }
  // Breaks every connection between the two nodes, mid-frame.
  void reset_connections(std::uint32_t a, std::uint32_t b);
  [[nodiscard]] std::size_t connection_count();

  // The process is gone. `silent`: the machine lost power, so its peers hear nothing for a while.
  void process_died(const Process& process, bool silent);

  [[nodiscard]] static std::string host_of(std::uint32_t node);
  [[nodiscard]] static std::optional<std::uint32_t> node_of(std::uint32_t self, const std::string& host);

 private:
  friend class SimConnection;
  friend class SimListenerCore;
  friend class SimNetwork;
  friend class SimSocket;

  using Port = std::pair<std::uint32_t, std::uint16_t>;  // node, port

  [[nodiscard]] bool blocked(std::uint32_t from, std::uint32_t to) const { return blocked_.contains({from, to}); }
  [[nodiscard]] runtime::MonoTime arrival();
  [[nodiscard]] std::uint16_t free_port(std::uint32_t node);
  void forget_closed();

  EventQueue& events_;
  Trace& trace_;
  SimRandom random_;
  NetFaults faults_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> blocked_;
  std::map<Port, std::shared_ptr<SimListenerCore>> listeners_;
  std::vector<std::weak_ptr<SimConnection>> connections_;
  std::map<std::uint32_t, std::uint16_t> next_port_;
  std::uint64_t next_connection_ = 1;
};

// The Network of one shard of a simulated process.
class SimNetwork final : public runtime::Network {
 public:
  SimNetwork(SimNet& net, SimShard& shard) noexcept : net_(net), shard_(shard) {}

  [[nodiscard]] Result<std::unique_ptr<runtime::Listener>> listen(const runtime::Endpoint& at,
                                                                  const runtime::ListenOptions& options,
                                                                  runtime::AcceptHandler& handler) override;
  [[nodiscard]] Result<std::unique_ptr<runtime::Socket>> connect(const runtime::Endpoint& to) override;
  [[nodiscard]] std::unique_ptr<runtime::Socket> attach(std::unique_ptr<runtime::DetachedSocket> socket) override;

 private:
  SimNet& net_;
  SimShard& shard_;
};

}  // namespace moldau::sim

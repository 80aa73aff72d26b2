// The simulated world: nodes with shards, disks and a network, in one thread under virtual time.
//
//   Simulation sim({.seed = 7});
//   const std::uint32_t node = sim.add_node({.shards = 2}, [](runtime::World world) { return make_program(world); });
//   sim.start(node);
//   sim.run_for(5s);
//   sim.power_cut(node);                       // destroys the program; the disk keeps what a disk keeps
//   sim.start(node);                           // the factory again, on the same disk
//
// Everything random comes from the seed. Equal seeds and equal calls give equal trace().hash().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "runtime/world.h"
#include "sim/world/event_queue.h"
#include "sim/world/process.h"
#include "sim/world/recording_logger.h"
#include "sim/world/sim_disk.h"
#include "sim/world/sim_net.h"
#include "sim/world/sim_random.h"
#include "sim/world/trace.h"

namespace moldau::sim {

// What runs on a node: its destructor must do without any further event, as after a crash.
class NodeProgram {
 public:
  virtual ~NodeProgram() = default;
};
using NodeFactory = Function<std::unique_ptr<NodeProgram>(runtime::World)>;

struct NodeOptions {
  std::uint32_t shards = 2;
  CrashModel disk_model = CrashModel::kAnything;
};

struct SimulationOptions {
  std::uint64_t seed = 0;
  std::int64_t wall_start_ms = 1'790'000'000'000;  // September 2026
};

enum class CrashKind : std::uint8_t {
  kKill,      // kill -9: page cache kept, peers hear at once
  kPowerCut,  // what was not synced may be lost, peers hear later
};

// Virtual cost of a blocking sync; random within. Jobs pay it in Workers, a sync on a shard delays that shard's next
// turn.
struct SyncDelay {
  std::chrono::microseconds min{100};
  std::chrono::microseconds max{600};
};

// A disk, or a part of it, that reads slowly: each read of a file whose path begins so costs so much.
struct SlowReads {
  std::string below;
  std::chrono::nanoseconds each{};
};

// Invariants: S1 one event at a time; S2 no event of a process runs after its death; S3 a crash that is asked for
// inside an event of that node happens when the event is over.
class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // The number of the node: 0, 1, … Clients are nodes too. `factory` runs at each start, outside of any turn.
  std::uint32_t add_node(const NodeOptions& options, NodeFactory factory);
  void start(std::uint32_t node);
  void crash(std::uint32_t node, CrashKind kind);
  void kill(std::uint32_t node) { crash(node, CrashKind::kKill); }
  void power_cut(std::uint32_t node) { crash(node, CrashKind::kPowerCut); }
  // The node dies at its `count`-th disk call from now on; the world takes it down when the event is over.
  void crash_at_disk_call(std::uint32_t node, std::uint64_t count, CrashKind kind);
  // No turn and no job of the node for so long, then it goes on: SIGSTOP, a stalled machine.
  void pause(std::uint32_t node, std::chrono::nanoseconds how_long);
  // Steps the node's wall clock; kept over restarts.
  void step_wall_clock(std::uint32_t node, std::chrono::milliseconds by);

  [[nodiscard]] bool running(std::uint32_t node) const;
  [[nodiscard]] std::uint64_t starts(std::uint32_t node) const;  // how often it was started
  [[nodiscard]] NodeProgram* program(std::uint32_t node) const;  // null when down
  [[nodiscard]] runtime::World world(std::uint32_t node) const;  // of a running node
  [[nodiscard]] SimDisk& disk(std::uint32_t node) const;
  [[nodiscard]] SyncDelay& sync_delay(std::uint32_t node) const;
  [[nodiscard]] SlowReads& slow_reads(std::uint32_t node) const;
  [[nodiscard]] SimNet& net() noexcept { return net_; }
  [[nodiscard]] Trace& trace() noexcept { return trace_; }
  [[nodiscard]] const LogRecord& logs() const noexcept { return logs_; }
  // For workloads and fault schedules; a stream of its own.
  [[nodiscard]] SimRandom& random() noexcept { return random_; }
  [[nodiscard]] runtime::MonoTime now() const noexcept { return events_.now(); }

  // An event of the world itself: a fault, a step of a workload.
  void after(std::chrono::nanoseconds delay, Callback event);
  // Runs after every event: invariants that always hold.
  void check_after_each_event(Callback check) { check_ = std::move(check); }

  // False when nothing is left to happen.
  bool step();
  void run_for(std::chrono::nanoseconds duration);
  // False if `limit` of virtual time passed, or nothing is left to happen, before `done` held.
  bool run_until(Function<bool()> done, std::chrono::nanoseconds limit);

 private:
  struct Node;
  struct Instance;

  [[nodiscard]] Node& at(std::uint32_t node) const;
  void take_down(Node& node, CrashKind kind);
  void take_down_the_dead();

  SimRandom random_;
  std::int64_t wall_start_ms_;
  EventQueue events_;
  Trace trace_;
  LogRecord logs_;
  Execution execution_;
  SimNet net_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Callback check_;
  Owner next_owner_ = kWorldOwner + 1;
};

}  // namespace moldau::sim

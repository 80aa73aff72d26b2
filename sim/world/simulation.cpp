#include "sim/world/simulation.h"

#include <optional>
#include <utility>

#include "base/assert.h"
#include "sim/world/sim_disk_space.h"
#include "sim/world/sim_shard.h"
#include "sim/world/sim_workers.h"

namespace moldau::sim {

using std::chrono::nanoseconds;

// One process: made by start(), gone with the crash.
struct Simulation::Instance {
  // Work takes no virtual time.
  struct VirtualStopwatch final : runtime::Stopwatch {
    explicit VirtualStopwatch(const EventQueue& queue) : events(queue) {}
    [[nodiscard]] runtime::MonoTime read() const noexcept override { return events.now(); }
    const EventQueue& events;
  };

  Process process;
  RecordingLogger logger;
  VirtualStopwatch stopwatch;
  std::unique_ptr<runtime::FileSystem> fs;
  SimDiskSpace disk_space;
  SimWorkers workers;
  std::vector<std::unique_ptr<SimShard>> shards;
  std::vector<std::unique_ptr<SimNetwork>> networks;
  std::vector<runtime::Shard*> shard_faces;
  std::vector<runtime::Network*> network_faces;
  std::unique_ptr<NodeProgram> program;

  Instance(Process made, LogRecord& logs, SimDisk& disk, SimNet& net, std::uint32_t count)
      : process(std::move(made)),
        logger(logs, process.node),
        stopwatch(process.events),
        fs(disk.mount()),
        disk_space(disk),
        workers(process) {
    for (std::uint32_t i = 0; i < count; ++i) {
      shards.push_back(std::make_unique<SimShard>(process, i));
      networks.push_back(std::make_unique<SimNetwork>(net, *shards.back()));
      shard_faces.push_back(shards.back().get());
      network_faces.push_back(networks.back().get());
    }
  }

  [[nodiscard]] runtime::World view() {
    return {shard_faces, network_faces, *fs, workers, logger, disk_space, process.random, stopwatch};
  }
};

struct Simulation::Node final : DiskObserver {
  Simulation& sim;
  std::uint32_t number;
  NodeOptions options;
  NodeFactory factory;
  SyncDelay sync_delay;
  SlowReads slow_reads;
  SimRandom sync_random;
  SimDisk disk;
  std::int64_t wall_offset_ms;
  std::uint64_t starts = 0;
  CrashKind disk_crash = CrashKind::kPowerCut;  // of crash_at_disk_call
  std::optional<CrashKind> asked;               // waits for the end of the event
  std::unique_ptr<Instance> instance;

  Node(Simulation& simulation, std::uint32_t index, const NodeOptions& given, NodeFactory make)
      : sim(simulation),
        number(index),
        options(given),
        factory(std::move(make)),
        sync_random(sim.random_.fork()),
        disk(sim.random_.fork(), given.disk_model, this),
        wall_offset_ms(sim.wall_start_ms_) {}

  void on_disk_call(DiskCall call, std::string_view path, std::uint64_t position, std::uint64_t size) override {
    sim.trace_.add(sim.now(), number, TraceKind::kDisk, static_cast<std::uint64_t>(call) << 56 ^ position, size,
                   as_bytes(path));
    if (call == DiskCall::kSync || call == DiskCall::kSyncDir) {
      const auto low = static_cast<std::uint64_t>(nanoseconds(sync_delay.min).count());
      const auto high = static_cast<std::uint64_t>(nanoseconds(sync_delay.max).count());
      sim.execution_.blocked += nanoseconds(sync_random.between(low, std::max(low, high)));
    }
    if (call == DiskCall::kRead && slow_reads.each > nanoseconds(0) && path.starts_with(slow_reads.below)) {
      sim.execution_.blocked += slow_reads.each;
    }
  }
};

Simulation::Simulation(const SimulationOptions& options)
    : random_(options.seed),
      wall_start_ms_(options.wall_start_ms),
      logs_(events_, trace_),
      net_(events_, trace_, random_.fork()) {
  // Virtual time starts above zero: a product that mistakes zero for "never" shall not be lucky.
  events_.advance_to(runtime::MonoTime(std::chrono::seconds(random_.between(1, 1000))));
}

Simulation::~Simulation() {
  for (const auto& node : nodes_) {
    if (node->instance) {
      take_down(*node, CrashKind::kKill);
    }
  }
}

Simulation::Node& Simulation::at(std::uint32_t node) const {
  MOLDAU_ASSERT(node < nodes_.size(), node);
  return *nodes_[node];
}

std::uint32_t Simulation::add_node(const NodeOptions& options, NodeFactory factory) {
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back(std::make_unique<Node>(*this, number, options, std::move(factory)));
  return number;
}

void Simulation::start(std::uint32_t number) {
  Node& node = at(number);
  MOLDAU_ASSERT(!node.instance && execution_.shard == nullptr && !execution_.in_job, number);
  ++node.starts;
  trace_.add(now(), number, TraceKind::kStart, node.starts);
  node.asked.reset();
  Process process{events_, trace_, execution_, random_.fork(), number, next_owner_++, true, node.wall_offset_ms, {}};
  node.instance = std::make_unique<Instance>(std::move(process), logs_, node.disk, net_, node.options.shards);
  node.instance->program = node.factory(node.instance->view());
  execution_.blocked = {};
  for (const auto& shard : node.instance->shards) {
    shard->wake();
  }
  take_down_the_dead();
}

void Simulation::crash(std::uint32_t number, CrashKind kind) {
  Node& node = at(number);
  if (node.instance && !node.asked) {
    node.asked = kind;
    if (execution_.shard == nullptr && !execution_.in_job) {
      take_down_the_dead();
    }
  }
}

void Simulation::crash_at_disk_call(std::uint32_t number, std::uint64_t count, CrashKind kind) {
  Node& node = at(number);
  node.disk_crash = kind;
  node.disk.freeze_after(count);
}

void Simulation::pause(std::uint32_t number, nanoseconds how_long) {
  if (Node& node = at(number); node.instance) {
    node.instance->process.paused_until = std::max(node.instance->process.paused_until, now() + how_long);
  }
}

void Simulation::step_wall_clock(std::uint32_t number, std::chrono::milliseconds by) {
  Node& node = at(number);
  node.wall_offset_ms += by.count();
  if (node.instance) {
    node.instance->process.wall_offset_ms = node.wall_offset_ms;
  }
}

bool Simulation::running(std::uint32_t node) const {
  return at(node).instance != nullptr;
}
std::uint64_t Simulation::starts(std::uint32_t node) const {
  return at(node).starts;
}
NodeProgram* Simulation::program(std::uint32_t node) const {
  return at(node).instance ? at(node).instance->program.get() : nullptr;
}
runtime::World Simulation::world(std::uint32_t node) const {
  MOLDAU_ASSERT(running(node), node);
  return at(node).instance->view();
}
SimDisk& Simulation::disk(std::uint32_t node) const {
  return at(node).disk;
}
SyncDelay& Simulation::sync_delay(std::uint32_t node) const {
  return at(node).sync_delay;
}

SlowReads& Simulation::slow_reads(std::uint32_t node) const {
  return at(node).slow_reads;
}

void Simulation::after(nanoseconds delay, Callback event) {
  events_.schedule(now() + delay, kWorldOwner, std::move(event));
}

bool Simulation::step() {
  if (events_.empty()) {
    return false;
  }
  Callback event = events_.take_next();
  event();
  event.reset();
  take_down_the_dead();
  if (check_) {
    check_();
  }
  return true;
}

void Simulation::run_for(nanoseconds duration) {
  const runtime::MonoTime end = now() + duration;
  while (events_.next_time() <= end) {
    step();
  }
  events_.advance_to(end);
}

bool Simulation::run_until(Function<bool()> done, nanoseconds limit) {
  const runtime::MonoTime end = now() + limit;
  while (!done()) {
    if (events_.next_time() > end || !step()) {
      return false;
    }
  }
  return true;
}

void Simulation::take_down_the_dead() {
  for (const auto& node : nodes_) {
    if (!node->instance) {
      continue;
    }
    if (node->asked) {
      take_down(*node, *node->asked);
    } else if (node->disk.frozen()) {
      take_down(*node, node->disk_crash);
    }
  }
}

// The order matters: what is queued goes while the objects it refers to still live; the disk is dead before destructors
// run, so that none of them can write what the crash should have lost.
void Simulation::take_down(Node& node, CrashKind kind) {
  const std::unique_ptr<Instance> instance = std::move(node.instance);
  node.asked.reset();
  trace_.add(now(), node.number, TraceKind::kCrash, static_cast<std::uint64_t>(kind));
  instance->process.alive = false;
  if (kind == CrashKind::kKill) {
    node.disk.kill();
  } else {
    node.disk.power_cut();
  }
  net_.process_died(instance->process, kind == CrashKind::kPowerCut);
  events_.drop(instance->process.owner);
  for (const auto& shard : instance->shards) {
    shard->drop_queues();
  }
  instance->program.reset();
  events_.drop(instance->process.owner);
}

}  // namespace moldau::sim

// What the parts of one simulated process share.
#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/shard.h"
#include "sim/world/event_queue.h"
#include "sim/world/sim_random.h"
#include "sim/world/trace.h"

namespace moldau::sim {

// Whose code runs in the current event. The whole simulation has one.
struct Execution {
  const runtime::Shard* shard = nullptr;  // the shard whose turn it is
  bool in_job = false;                    // a Workers job
  std::chrono::nanoseconds blocked{};     // virtual time that the blocking calls of this event cost
};

// Lives from the start of a process to its death.
struct Process {
  EventQueue& events;
  Trace& trace;
  Execution& execution;
  SimRandom random;
  std::uint32_t node;
  Owner owner;
  bool alive = true;
  std::int64_t wall_offset_ms = 0;   // wall clock = virtual time + this
  runtime::MonoTime paused_until{};  // stopped and continued, or a slow machine: no turn before
};

}  // namespace moldau::sim

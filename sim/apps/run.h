// One run: a broker that lives several short lives, producers and a reader, everything drawn from one seed; then rest,
// the whole reading, and the verdict.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "sim/cluster/crash_schedule.h"

namespace moldau::sim {

struct RunResult {
  std::vector<std::string> faults;  // empty: the run is good
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::uint64_t records = 0;  // in the whole reading
  std::uint64_t acked = 0;
  CrashCounts crashes;
  double virtual_seconds = 0;
  std::string logs;  // of a run with faults
};

struct RunOptions {
  std::uint64_t seed = 0;
  Function<void(std::string_view)> trace_sink;  // each event as a line
  Function<void(Function<std::string()>)>
      on_logs_ready;  // gives access to the logs while the run lasts, for a crash report
};

[[nodiscard]] RunResult run(RunOptions options);

}  // namespace moldau::sim

// Lets one broker live several short lives: starts it, ends it in one of the ways in which a broker ends, waits, and
// starts it again, all drawn from the run's seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "sim/cluster/broker_program.h"
#include "sim/world/simulation.h"

namespace moldau::sim {

enum class EndOfLife : std::uint8_t {
  kKill,              // kill -9 at a random time
  kPowerCut,          // power cut at a random time
  kKillAtDiskCall,    // kill -9 at the k-th disk call from a random time on
  kCutAtDiskCall,     // power cut at the k-th disk call from a random time on
  kCutDuringStart,    // power cut at the k-th disk call of the start itself: recovery is interrupted
  kCleanStop,         // stop(), then the process exits
  kCleanStopThenCut,  // stop(), then the power goes: what a clean stop says must be on the disk
};

struct CrashScheduleOptions {
  std::uint32_t lives = 5;  // the last one goes on until the end of the run
  std::chrono::microseconds life_max = std::chrono::seconds(2);
  std::uint64_t disk_call_max = 300;
  bool power_cuts = true;
  CrashModel disk_model = CrashModel::kAnything;
  std::uint32_t sync_error_ppm = 0;  // of the syncs in some of the lives
  std::uint32_t shards_max = 3;
  std::vector<std::string> log_dirs = {"/data"};
  bool directories_fail = false;  // one of several, in some of the lives
};

struct CrashCounts {
  std::uint32_t kills = 0;
  std::uint32_t power_cuts = 0;
  std::uint32_t clean_stops = 0;
  std::uint32_t interrupted_starts = 0;
};

// Invariants: C1 a broker that says it failed, and whose disk works, is a fault of the run, reported once;
//             C2 finished() holds once the last life began; retire() ends that one, and none follows.
class CrashSchedule {
 public:
  // Adds the broker's node to the simulation and starts it. `on_fault` takes one line.
  CrashSchedule(Simulation& sim, const CrashScheduleOptions& options, Function<void(const std::string&)> on_fault);

  [[nodiscard]] std::uint32_t node() const noexcept { return node_; }
  [[nodiscard]] bool finished() const noexcept { return lives_begun_ >= options_.lives; }
  // Stops the broker cleanly for good; a stop that is not clean is a fault.
  void retire();
  [[nodiscard]] bool retired() const { return retiring_ && !sim_.running(node_); }
  [[nodiscard]] const CrashCounts& counts() const noexcept { return counts_; }
  // How often what was not synced may have been lost so far.
  [[nodiscard]] std::uint64_t power_cuts() const noexcept { return counts_.power_cuts; }
  [[nodiscard]] std::uint64_t life() const { return sim_.starts(node_); }
  // The life with this number goes on.
  [[nodiscard]] bool alive(std::uint64_t life) const { return sim_.running(node_) && sim_.starts(node_) == life; }
  // Its disk fails syncs, or one of its directories has failed: it may refuse what it took before, and ends when all
  // directories failed, or the one with the metadata log.
  [[nodiscard]] bool has_bad_disk() { return directory_failed_ || sim_.disk(node_).faults().sync_error_ppm != 0; }

 private:
  [[nodiscard]] std::unique_ptr<NodeProgram> make(runtime::World world);
  void begin_life();
  void end_life(EndOfLife how, std::uint64_t life);
  void stop_cleanly(bool then_cut);
  void look_for_death();
  void note_death();
  void crash(CrashKind kind);
  void on_failed(const std::string& line);
  [[nodiscard]] EndOfLife draw_end();
  void draw_failing_directory(std::uint64_t life_max_us);
  void fail_directory(const std::string& path);

  Simulation& sim_;
  CrashScheduleOptions options_;
  Function<void(const std::string&)> on_fault_;
  SimRandom random_;
  std::uint32_t node_;
  std::uint32_t lives_begun_ = 0;
  std::uint64_t crash_in_start_ = 0;  // disk call of the coming start, 0 none
  CrashKind disk_crash_ = CrashKind::kKill;
  CrashCounts counts_;
  bool restarting_ = false;
  bool retiring_ = false;
  bool directory_failed_ = false;     // in this life
  bool served_ = false;               // this life became ready
  std::uint32_t starts_in_vain_ = 0;  // lives before this one, without a break, that never became ready
};

}  // namespace moldau::sim

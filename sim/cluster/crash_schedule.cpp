#include "sim/cluster/crash_schedule.h"

#include <utility>

#include "base/probe.h"

namespace moldau::sim {

using std::chrono::microseconds;
using namespace std::chrono_literals;

namespace {
constexpr microseconds kDownMin = 20ms;  // longer than any packet travels, so that a connection belongs to one life
constexpr microseconds kDownMax = 400ms;
constexpr microseconds kDiskCallPatience = 3s;  // an idle broker may never make the call
}  // namespace

CrashSchedule::CrashSchedule(Simulation& sim, const CrashScheduleOptions& options,
                             Function<void(const std::string&)> on_fault)
    : sim_(sim),
      options_(options),
      on_fault_(std::move(on_fault)),
      random_(sim.random().fork()),
      node_(sim.add_node({.shards = static_cast<std::uint32_t>(random_.between(1, options.shards_max)),
                          .disk_model = options.disk_model},
                         [this](runtime::World world) { return make(world); })) {
  sim_.check_after_each_event([this] { look_for_death(); });
  sim_.after(0s, [this] { begin_life(); });
}

std::unique_ptr<NodeProgram> CrashSchedule::make(runtime::World world) {
  if (crash_in_start_ != 0) {
    disk_crash_ = CrashKind::kPowerCut;
    sim_.crash_at_disk_call(node_, std::exchange(crash_in_start_, 0), disk_crash_);
  }
  BrokerSettings settings;
  settings.host = SimNet::host_of(node_);
  settings.cleaner_backoff = 150ms;
  settings.log_dirs = options_.log_dirs.front();
  for (std::size_t i = 1; i < options_.log_dirs.size(); ++i) {
    settings.log_dirs += "," + options_.log_dirs[i];
  }
  return std::make_unique<BrokerProgram>(
      world, make_broker_config(settings),
      BrokerProgram::Events{.on_ready = [this] { served_ = true; },
                            .on_failed = [this](const std::string& line) { on_failed(line); }});
}

// A process whose disk failed ends, sooner or later.
void CrashSchedule::on_failed(const std::string& line) {
  if (has_bad_disk()) {
    MOLDAU_PROBE("sim.disk_failed");
    const CrashKind kind = options_.power_cuts && random_.chance(300'000) ? CrashKind::kPowerCut : CrashKind::kKill;
    sim_.after(microseconds(random_.below(static_cast<std::uint64_t>(kDownMax.count()))), [this, kind, life = life()] {
      if (alive(life)) {
        crash(kind);
      }
    });
  } else if (!sim_.disk(node_).frozen()) {
    on_fault_("the broker failed on a healthy disk: " + line);
  }
}

void CrashSchedule::begin_life() {
  ++lives_begun_;
  restarting_ = false;
  served_ = false;
  const bool last = lives_begun_ >= options_.lives;
  const EndOfLife how = draw_end();
  if (!last && how == EndOfLife::kCutDuringStart) {
    crash_in_start_ = random_.between(1, options_.disk_call_max);
    ++counts_.interrupted_starts;
  }
  sim_.disk(node_).faults().sync_error_ppm = !last && random_.chance(300'000) ? options_.sync_error_ppm : 0;
  directory_failed_ = false;
  sim_.disk(node_).fail_below("");
  // Short lives as often as long ones.
  const std::uint64_t scale = random_.between(0, 3);
  const auto max = static_cast<std::uint64_t>(options_.life_max.count()) >> (2 * scale);
  if (!last) {
    draw_failing_directory(max);
  }
  sim_.start(node_);
  if (last) {
    return;
  }
  sim_.after(microseconds(random_.between(0, max)), [this, how, life = life()] { end_life(how, life); });
}

// At the start as often as later; the one with the metadata log, which ends the broker, as well as another.
void CrashSchedule::draw_failing_directory(std::uint64_t life_max_us) {
  if (!options_.directories_fail || !random_.chance(400'000)) {
    return;
  }
  const std::string path = options_.log_dirs[random_.below(options_.log_dirs.size())];
  if (random_.chance(250'000)) {
    return fail_directory(path);
  }
  sim_.after(microseconds(random_.between(0, life_max_us)), [this, path, life = life() + 1] {
    if (alive(life)) {
      fail_directory(path);
    }
  });
}

void CrashSchedule::fail_directory(const std::string& path) {
  MOLDAU_PROBE("sim.directory_failed");
  directory_failed_ = true;
  sim_.disk(node_).fail_below(path);
}

EndOfLife CrashSchedule::draw_end() {
  for (;;) {
    const auto how = static_cast<EndOfLife>(random_.between(0, 6));
    const bool cuts = how != EndOfLife::kKill && how != EndOfLife::kKillAtDiskCall && how != EndOfLife::kCleanStop;
    if (options_.power_cuts || !cuts) {
      return how;
    }
  }
}

void CrashSchedule::end_life(EndOfLife how, std::uint64_t life) {
  if (!sim_.running(node_) || this->life() != life) {
    return;
  }
  switch (how) {
    case EndOfLife::kKill: return crash(CrashKind::kKill);
    case EndOfLife::kPowerCut: return crash(CrashKind::kPowerCut);
    case EndOfLife::kCleanStop: return stop_cleanly(false);
    case EndOfLife::kCleanStopThenCut: return stop_cleanly(true);
    case EndOfLife::kKillAtDiskCall: disk_crash_ = CrashKind::kKill; break;
    case EndOfLife::kCutAtDiskCall:
    case EndOfLife::kCutDuringStart: disk_crash_ = CrashKind::kPowerCut; break;
  }
  sim_.crash_at_disk_call(node_, random_.between(1, options_.disk_call_max), disk_crash_);
  sim_.after(kDiskCallPatience, [this, life] {
    if (sim_.running(node_) && this->life() == life) {
      crash(disk_crash_);
    }
  });
}

void CrashSchedule::stop_cleanly(bool then_cut) {
  auto* program = dynamic_cast<BrokerProgram*>(sim_.program(node_));
  const CrashKind kind = then_cut ? CrashKind::kPowerCut : CrashKind::kKill;
  const bool asked = program != nullptr && program->stop([this, kind](bool) {
    ++counts_.clean_stops;
    disk_crash_ = kind;
    sim_.crash(node_, kind);
  });
  if (!asked) {
    crash(kind);
  }
}

void CrashSchedule::crash(CrashKind kind) {
  disk_crash_ = kind;
  sim_.crash(node_, kind);
}

void CrashSchedule::retire() {
  retiring_ = true;
  auto* program = dynamic_cast<BrokerProgram*>(sim_.program(node_));
  const bool asked = program != nullptr && program->stop([this](bool clean) {
    if (!clean) {
      on_fault_("the last stop, of a healthy broker, was not clean");
    }
    ++counts_.clean_stops;
    crash(CrashKind::kKill);
  });
  if (!asked) {
    on_fault_("the broker is not there to be stopped");
  }
}

void CrashSchedule::note_death() {
  ++(disk_crash_ == CrashKind::kPowerCut ? counts_.power_cuts : counts_.kills);
  starts_in_vain_ = served_ ? 0 : starts_in_vain_ + 1;
  if (starts_in_vain_ > 0) {
    MOLDAU_PROBE("sim.died_before_it_was_ready");
  }
  if (starts_in_vain_ > 1) {
    MOLDAU_PROBE("sim.died_twice_before_it_was_ready");
  }
  if (disk_crash_ == CrashKind::kPowerCut) {
    MOLDAU_PROBE("sim.power_cut");
  } else {
    MOLDAU_PROBE("sim.killed");
  }
}

// A death is seen here whatever caused it.
void CrashSchedule::look_for_death() {
  if (lives_begun_ == 0 || restarting_ || retiring_ || sim_.running(node_)) {
    return;
  }
  restarting_ = true;
  note_death();
  const auto down =
      random_.between(static_cast<std::uint64_t>(kDownMin.count()), static_cast<std::uint64_t>(kDownMax.count()));
  sim_.after(microseconds(down), [this] { begin_life(); });
}

}  // namespace moldau::sim

#include "sim/apps/summary.h"

#include <charconv>

#include <fmt/format.h>

#include "sim/world/probes.h"

namespace moldau::sim {
namespace {

// What the workload and the faults are there to provoke.
constexpr std::string_view kWanted[] = {
    "compaction.emptied",                  // the last batch of a producer, none of whose records is left
    "compaction.horizon_set",              // tombstones have a time now
    "controller.unclean_restart",          // a power cut that the next registration tells of
    "log.rolled",                          //
    "log.segment_expired",                 // all of it was deleted from the front
    "producer_state.duplicate",            // a retry whose first try was appended
    "recovery.cut_tail",                   // a torn, zeroed or half-written tail
    "sim.acknowledged_batch_sent_again",   //
    "sim.died_before_it_was_ready",        // a crash in recovery
    "sim.died_twice_before_it_was_ready",  // and again in the recovery of that
    "sim.directory_failed",                // one of several
    "sim.disk_failed",                     // a sync error
    "sim.front_went_under_a_reading",      // by retention
    "sim.killed",                          //
    "sim.leader_epoch_raised",             //
    "sim.power_cut",                       //
    "sim.records_deleted",                 //
    "sim.read_a_compacted_log",            //
    "sim.read_record_rewritten",           // a lost tail that a reader had seen
    "sim.told_of_a_divergence",            // and was told of
    "sim.told_of_a_newer_epoch",           //
    "sim.topic_created_again",             // under the name of a deleted one
};

}  // namespace

void Summary::add(const RunResult& result) {
  ++counts_["runs"];
  counts_["acked"] += result.acked;
  counts_["records"] += result.records;
  counts_["kills"] += result.crashes.kills;
  counts_["power_cuts"] += result.crashes.power_cuts;
  counts_["clean_stops"] += result.crashes.clean_stops;
  counts_["virtual_ms"] += static_cast<std::uint64_t>(result.virtual_seconds * 1000);
}

void Summary::take_probes() {
  for (const auto& [name, hits] : probe_hits()) {
    probes_[name] = hits;
  }
}

void Summary::merge(const Summary& other) {
  for (const auto& [name, count] : other.counts_) {
    counts_[name] += count;
  }
  for (const auto& [name, hits] : other.probes_) {
    probes_[name] += hits;
  }
}

std::string Summary::encode() const {
  std::string text;
  for (const auto& [name, count] : counts_) {
    text += fmt::format("count {} {}\n", name, count);
  }
  for (const auto& [name, hits] : probes_) {
    text += fmt::format("probe {} {}\n", name, hits);
  }
  return text;
}

Summary Summary::decode(std::string_view text) {
  Summary summary;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t name = line.find(' ') + 1;
    const std::size_t value = line.rfind(' ') + 1;
    std::uint64_t number = 0;
    std::from_chars(line.data() + value, line.data() + line.size(), number);
    auto& target = line.starts_with("count ") ? summary.counts_ : summary.probes_;
    target.emplace(line.substr(name, value - 1 - name), number);
  }
  return summary;
}

std::string Summary::describe(double seconds) const {
  const auto count = [this](std::string_view name) {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  };
  std::string text = fmt::format(
      "{} runs: {} records acknowledged, {} read back, {} kills, {} power cuts, {} clean stops, {:.0f} virtual seconds "
      "in {:.1f} s\nprobes:",
      count("runs"), count("acked"), count("records"), count("kills"), count("power_cuts"), count("clean_stops"),
      static_cast<double>(count("virtual_ms")) / 1000, seconds);
  for (const auto& [name, hits] : probes_) {
    text += fmt::format(" {} {}", name, hits);
  }
  return text + "\n";
}

std::vector<std::string> Summary::never_reached() const {
  std::vector<std::string> names;
  const auto runs = counts_.find("runs");
  if (runs == counts_.end() || runs->second < kRunsThatReachAll) {
    return names;
  }
  for (const std::string_view wanted : kWanted) {
    if (!probes_.contains(wanted)) {
      names.emplace_back(wanted);
    }
  }
  return names;
}

}  // namespace moldau::sim

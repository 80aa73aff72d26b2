// What a log is told when it is opened, and what it tells about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace moldau::storage {

// What the directory's checkpoints say about a log that is opened.
struct OpenHints {
  bool clean_shutdown = false;        // .kafka_cleanshutdown was there: the files are trusted as they are
  Offset recovery_point{0};           // recovery-point-offset-checkpoint; 0 if nothing
  Offset log_start{0};                // log-start-offset-checkpoint; 0 if nothing
  std::optional<Offset> durable_end;  // a trusted entry of moldau.durable-ends; none: the recovery point is the bound
  Offset compacted_below{0};          // cleaner-offset-checkpoint: offsets may be missing below; 0 if nothing
  bool new_directory = false;         // just made by the caller: the first ticket syncs its parent too
  std::int64_t now_ms = 0;            // wall clock
};

enum class Severity : std::uint8_t { kInfo, kWarn, kError };

struct OpenLine {
  Severity severity = Severity::kInfo;
  std::string text;
};

// Damage that must not be cut away: the log serves nothing until an operator or a peer repaired it.
struct FenceReason {
  Offset segment_base{0};
  std::uint64_t position = 0;  // in that segment's .log
  Offset offset{0};            // the first offset that may be missing
  Error error{ErrorKind::kCorrupt, "unknown"};
};

// What opening found and did, for the log and for the operator. Nothing is repaired without a line.
struct OpenReport {
  std::vector<OpenLine> lines;
  std::optional<FenceReason> fence;
  std::uint64_t bytes_cut = 0;  // removed from the tail, segments behind it included
  std::uint32_t segments_removed = 0;
  std::uint32_t indexes_rebuilt = 0;
  std::uint32_t segments_recovered = 0;  // scanned because they lie above the recovery point
  std::uint64_t bytes_scanned = 0;

  void add(Severity severity, std::string text) { lines.push_back({severity, std::move(text)}); }
};

}  // namespace moldau::storage

// The trace of a run: a hash over every event, so that equal seeds can be shown to give equal runs, and on demand the
// events as text, so that two runs that differ can be compared line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/callback.h"
#include "runtime/clock.h"

namespace moldau::sim {

enum class TraceKind : std::uint8_t {
  kStart,
  kCrash,
  kTurn,
  kJob,
  kDisk,
  kConnect,
  kAccept,
  kRefuse,
  kDeliver,
  kReset,
  kLog,
  kNote,
};

class Trace {
 public:
  // `detail` and `more` are numbers of the kind's own; `bytes` count by their content.
  void add(runtime::MonoTime when, std::uint32_t node, TraceKind kind, std::uint64_t detail = 0, std::uint64_t more = 0,
           Bytes bytes = {});

  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  // From now on every event is also given to `sink` as one line.
  void print_to(Function<void(std::string_view)> sink) { sink_ = std::move(sink); }

 private:
  void mix(std::uint64_t value) noexcept;

  std::uint64_t hash_ = 0x6A09'E667'F3BC'C908;
  std::uint64_t events_ = 0;
  Function<void(std::string_view)> sink_;
};

}  // namespace moldau::sim

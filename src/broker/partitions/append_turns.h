// The appends of a shard that take more than one turn, a piece a turn, so that everything else gets its turns in
// between.
//
// Shard:      the owner of the partitions that are appended to.
// Fairness:   what all parts together do in a turn of the shard is bounded by kTurnWorkMax and the batch that reaches
// it:
//             a part that comes later in the turn waits for one of its own.
// Order:      what a source adds runs to its end before what it adds later; sources take turns.
// Bound:      what waits are parts of requests that are held anyhow: Connection::kUnansweredMax a connection.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "base/callback.h"
#include "broker/partitions/operation_set.h"
#include "runtime/shard.h"

namespace moldau::broker {

// A connection of the node.
struct AppendSource {
  std::uint32_t shard = 0;
  std::uint64_t connection = 0;
  friend auto operator<=>(const AppendSource&, const AppendSource&) = default;
};

// What appends may do in a turn: bytes as sent, decompressed and built anew, and something for each item.
inline constexpr std::uint64_t kTurnWorkMax = std::uint64_t{4} << 20;

class AppendTurns {
 public:
  enum class Step : std::uint8_t {
    kDone,  // it was the last piece, and the work may be gone
    kMore,
    kHeld,  // nothing was done; resume() follows
  };
  class Work {
   public:
    // Does a piece.
    virtual Step step() = 0;

   protected:
    ~Work() = default;
  };

  AppendTurns(runtime::Shard& shard, const OperationSet& operations)
      : shard_(shard), operations_(operations), alive_(std::make_shared<AppendTurns*>(this)) {}

  // Something that the source added has pieces left.
  [[nodiscard]] bool is_busy(const AppendSource& source) const { return lines_.contains(source); }
  // Runs the work from the next turn on, behind what its source added before. It is of `operations`, and never run once
  // these refuse.
  void add(const AppendSource& source, Work& work);
  // The source's work that was held goes on, in a later turn. The callback may outlive this.
  [[nodiscard]] Callback resume(const AppendSource& source);

  // What was done in this turn, and whether that is enough.
  void charge(std::uint64_t work) noexcept;
  [[nodiscard]] bool is_spent() const noexcept;

 private:
  void run_soon();
  void turn();
  void go_on(const AppendSource& source);

  runtime::Shard& shard_;
  const OperationSet& operations_;
  std::map<AppendSource, std::deque<Work*>> lines_;  // none is empty
  std::deque<AppendSource> next_;                    // each that has a line and is not held, once
  runtime::MonoTime charged_turn_{};                 // the clock stands still for a turn
  std::uint64_t charged_ = 0;
  std::shared_ptr<AppendTurns*> alive_;
};

}  // namespace moldau::broker

// SyncGroup: group commit for the logs of one shard. Whoever wants bytes on the disk asks; what was asked for in one
// turn is collected at its end, synced in parallel on Workers, and what is asked for meanwhile goes with the next round
// of that client. So a lone append is synced at once, and under load one sync covers all that arrived during the last.
//
// Shard:      one per shard, on its thread; outlives its clients. Jobs run on worker threads.
// Invariants: S1  a client has at most one round in flight; its rounds end in the order in which they began.
//             S2  what a client collects at the start of a round was written before that round's jobs run.
//             S3  a round that failed ends with its first error, and no job of that client runs after it: a failed sync
//                 is never tried again (G5).
// Bound:      at most `jobs_max` jobs in flight; clients queue in the order in which they asked.
// Durability: end_sync(success) says that every job of the round has succeeded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "runtime/shard.h"
#include "runtime/workers.h"

namespace moldau::storage {

// Blocks: a file's sync(), a directory's sync_dir(). Owns what it touches.
using SyncJob = Function<Result<>()>;

class SyncGroup;

// A log, or anything else with bytes to sync. Call SyncGroup::withdraw before it is destroyed.
class SyncClient {
 public:
  SyncClient() = default;
  SyncClient(const SyncClient&) = delete;
  SyncClient& operator=(const SyncClient&) = delete;

 protected:
  virtual ~SyncClient();

 private:
  friend class SyncGroup;
  struct Round;

  // Adds one job per file and directory; none if there is nothing to do, then end_sync() follows at once.
  virtual void begin_sync(std::vector<SyncJob>& jobs) = 0;
  // May ask for another round; must not destroy the client.
  virtual void end_sync(Result<> outcome) = 0;

  bool queued_ = false;
  bool failed_ = false;
  std::shared_ptr<Round> round_;  // in flight
};

class SyncGroup final : private runtime::TurnEndHook {
 public:
  static constexpr std::size_t kJobsMaxDefault = 16;

  SyncGroup(runtime::Shard& shard, runtime::Workers& workers, std::size_t jobs_max = kJobsMaxDefault);
  ~SyncGroup() override;
  SyncGroup(const SyncGroup&) = delete;
  SyncGroup& operator=(const SyncGroup&) = delete;

  // A round for this client, at the end of this turn or when its round in flight has ended. Idempotent until the round
  // begins. Ignored for a client whose sync has failed, and once close() was called.
  void request(SyncClient& client);

  // The client will not be called again. Jobs in flight run to their end.
  void withdraw(SyncClient& client) noexcept;

  // Takes no more requests; `idle` runs once, in a later turn, when every round asked for has ended.
  void close(Callback idle);

  [[nodiscard]] std::size_t jobs_in_flight() const noexcept { return in_flight_; }
  // Rounds that ended since the start, for metrics.
  [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }

 private:
  void on_turn_end() override;
  void begin(SyncClient& client);
  void dispatch();
  void on_job_done(const std::shared_ptr<SyncClient::Round>& round, Result<> outcome);
  void end(SyncClient::Round& round);
  void tell_if_idle();

  struct PendingJob {
    std::shared_ptr<SyncClient::Round> round;
    SyncJob job;
  };

  runtime::Shard& shard_;
  runtime::Workers& workers_;
  const std::size_t jobs_max_;
  std::deque<SyncClient*> queue_;
  std::deque<PendingJob> jobs_;  // collected, not yet handed to a worker
  std::size_t in_flight_ = 0;
  std::uint64_t rounds_ = 0;
  bool closing_ = false;
  Callback on_idle_;
  std::shared_ptr<SyncGroup*> alive_;  // worker replies find out whether this is still there
};

}  // namespace moldau::storage

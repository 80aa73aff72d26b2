// Partition: one replica of one partition: the log, who leads it, who waits for it. The shell around ReplicationCore.
//
// Shard:      lives and dies on its shard; every call and every callback is on it. Nothing suspends; blocking work is
//             handed to the SyncGroup and the DirectoryLink. A callback may call back into the partition (a finished
//             ack may let the next append begin) but must not destroy it.
// Invariants: (asserted after every step)
//   P1  log start <= high watermark <= log end; last stable offset <= high watermark (I12).
//   P2  nothing at or above the high watermark (read_committed: the last stable offset) leaves through a consumer's
//       isolation (I15).
//   P3  the durable end never decreases but for a truncation, and is <= log end. It and the high watermark are two
//       marks: neither bounds the other (D5).
//   P4  an acks=all waiter completes without error only if the high watermark passed its end with the ISR at its
//       minimum, and, with moldau.acks.all.sync, the durable end passed it too (G3, G4).
//   P5  an append is taken only under the leader epoch the caller expects.
// Errors:     wire codes, as each call says. After a failed write or sync everything answers kKafkaStorageError.
// Order:      per append: log, then high watermark, then listeners, then acks, then long polls; all in the same turn.
// Bound:      waiters are bounded by the requests that own them; listeners by kListenersMax.
// Source:     kafka.cluster.Partition, DelayedProduce, DelayedFetch, DelayedDeleteRecords. Differences: waiters are
//             woken by the event itself; acks=all waits for the disk by default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "replication/core/replication_core.h"
#include "replication/partition/partition_environment.h"
#include "replication/partition/partition_types.h"
#include "replication/partition/waiters.h"
#include "runtime/shard.h"
#include "storage/log/log.h"
#include "storage/sync/sync_group.h"

namespace moldau::replication {

class Partition final : private storage::SyncClient {
 public:
  static constexpr std::size_t kListenersMax = 16;

  // Takes an opened log; `high_watermark` is what replication-offset-checkpoint said (0 if nothing).
  Partition(PartitionEnvironment& environment, TopicPartition name, Uuid topic_id, std::unique_ptr<storage::Log> log,
            Offset high_watermark, const PartitionConfig& config);
  ~Partition() override;
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // --- metadata events ---

  // Leadership comes from here alone. An older registration than known is ignored; a malformed one is logged.
  void on_registration(const PartitionRegistration& registration);
  void on_brokers_changed();
  void on_config(const PartitionConfig& config);
  void on_alter_partition_answer(const AlterPartitionAnswer& answer);
  // The topic was deleted: waiters fail with kUnknownTopicOrPartition, the log is handed out for removal. Then only
  // destruction and questions are left.
  [[nodiscard]] std::unique_ptr<storage::Log> on_deleted();
  // The process stops or the partition moves: waiters fail with kNotLeaderOrFollower, the log is handed out to be
  // closed. For a clean stop the SyncGroup has been closed before, so that no sync is in flight.
  [[nodiscard]] std::unique_ptr<storage::Log> release();
  // The log directory failed: waiters fail with kKafkaStorageError.
  void on_directory_failed();
  // Every replica.lag.time.max.ms / 2 while leading: late followers leave the ISR.
  void on_lag_tick();

  // --- the one door ---

  // Appends one batch as leader. `expected` is the epoch under which the caller decided; -1 for any (Produce).
  // kNotLeaderOrFollower, kFencedLeaderEpoch, kUnknownLeaderEpoch, kNotEnoughReplicas (acks=all only, nothing
  // written), kKafkaStorageError; and the log's own refusals: sequences, producer epochs, sizes.
  // With acks=all the caller goes on to await_ack(last_offset + 1).
  [[nodiscard]] std::expected<Appended, Refusal> append(AppendOrigin origin, LeaderEpoch expected,
                                                        record::ValidatedBatch& batch, Acks acks);
  // Appends batches as they are: kReplica (as follower, under the epoch it fetches in) and kRaft.
  [[nodiscard]] std::expected<Appended, Refusal> append(AppendOrigin origin, LeaderEpoch expected,
                                                        MutableBytes batches);

  // Parks until the record before `end` is acknowledged as acks=all promises. True: it is already, without error, and
  // the waiter was not parked. A duplicate waits as its first copy does. `deadline` is for the other replicas; the disk
  // has kSyncWaitMax if that is longer.
  [[nodiscard]] bool await_ack(Offset end, runtime::MonoTime deadline, AckWaiter& waiter);

  // --- reading ---

  // kOffsetOutOfRange below the log start or beyond the log end; an offset between the bound and the log end reads
  // nothing without an error. kNotLeaderOrFollower, kFencedLeaderEpoch, kUnknownLeaderEpoch, kKafkaStorageError.
  [[nodiscard]] std::expected<ReadResult, Refusal> read(const ReadRequest& request);
  // A follower's fetch: read(), and its progress counts for ISR and high watermark.
  [[nodiscard]] std::expected<ReadResult, Refusal> read_as_follower(const ReadRequest& request,
                                                                    const FollowerFetch& fetch);
  // Parks a long poll that read too little: woken when the bound of `isolation` moves past `from`, or when leader,
  // epoch or directory change. Read in the same turn before parking, or an event may be missed.
  void park(Offset from, FetchIsolation isolation, FetchWaiter& waiter);

  // --- offsets ---

  [[nodiscard]] std::expected<ListedOffset, Refusal> list_offset(const ListOffsetRequest& request);
  // The largest epoch <= `epoch` and its end; the default EpochEnd when there is none.
  [[nodiscard]] std::expected<EpochEnd, Refusal> end_offset_for_epoch(LeaderEpoch epoch,
                                                                      LeaderEpoch current_leader_epoch,
                                                                      bool leader_only);

  // DeleteRecords below `offset`, or below the high watermark (-1). `done(low watermark)` when all live replicas start
  // there and the new start is durable (G11); `deadline` as in await_ack(). kOffsetOutOfRange, kPolicyViolation
  // (compact without delete), kRequestTimedOut, kNotLeaderOrFollower, kKafkaStorageError.
  using DeleteRecordsDone = Function<void(std::expected<Offset, protocol::ErrorCode>)>;
  void delete_records(Offset offset, runtime::MonoTime deadline, DeleteRecordsDone done);

  // --- follower ---

  void on_leader_values(Offset high_watermark, Offset log_start);
  [[nodiscard]] Result<> truncate_to(Offset offset);
  [[nodiscard]] Result<> truncate_fully_and_start_at(Offset offset);

  // --- moving to another log directory ---

  // From now on appends are to wait for when_released(); append() itself refuses them with kNotLeaderOrFollower.
  void hold_appends();
  void release_appends();
  [[nodiscard]] bool holds_appends() const noexcept { return hold_ != nullptr; }
  // Runs once: when appends go on, or the partition ends or goes offline.
  void when_released(Callback resume) { hold_->push_back(std::move(resume)); }
  [[nodiscard]] bool sync_in_flight() const noexcept { return ticket_ != nullptr; }
  // Goes on with an equal log elsewhere, all of it durable, and gives the old one away. While appends are held and no
  // sync is in flight.
  [[nodiscard]] std::unique_ptr<storage::Log> replace_log(std::unique_ptr<storage::Log> log);

  // --- upkeep, called by the shard's housekeeping ---

  // log.retention.check.interval.ms: deletes segments that the rules let go.
  void enforce_retention();
  // producer.id.expiration.check.interval.ms: forgets producers idle for producer.id.expiration.ms.
  void expire_producers();
  // Closes the files of a partition that nobody wrote to or read records from since then (D7); what is unsynced is
  // synced first, and the files go at a later call. The next use opens them again.
  void release_if_unused_since(runtime::MonoTime since);
  // Files whose file.delete.delay.ms has passed, to be removed on Workers.
  [[nodiscard]] std::vector<std::string> take_due_deletions();
  // flush.ms: asks for a sync if records have waited long enough.
  void sync_if_due();
  // Asks for a sync now, whatever the policy.
  void request_sync();

  // --- questions ---

  [[nodiscard]] const TopicPartition& name() const noexcept { return name_; }
  [[nodiscard]] const Uuid& topic_id() const noexcept { return topic_id_; }
  [[nodiscard]] const ReplicationCore& core() const noexcept { return core_; }
  [[nodiscard]] bool is_leader() const noexcept { return core_.is_leader(); }
  [[nodiscard]] LeaderEpoch leader_epoch() const noexcept { return core_.leader_epoch(); }
  [[nodiscard]] Offset high_watermark() const noexcept { return core_.high_watermark(); }
  [[nodiscard]] Offset log_end() const noexcept { return core_.log_end(); }
  [[nodiscard]] Offset log_start() const noexcept { return core_.log_start(); }
  [[nodiscard]] Offset last_stable_offset() const noexcept;
  [[nodiscard]] Offset durable_end() const noexcept { return durable_end_; }
  [[nodiscard]] bool offline() const noexcept { return offline_; }
  [[nodiscard]] const PartitionConfig& config() const noexcept { return config_; }
  [[nodiscard]] storage::Log* log() noexcept { return log_.get(); }  // null once deleted

  void add_listener(PartitionListener& listener);
  void remove_listener(PartitionListener& listener) noexcept;

  void check_invariants() const;

 private:
  friend class AckWaiter;
  struct DeleteWait;

  [[nodiscard]] Refusal refusal(protocol::ErrorCode code, const char* message = nullptr) const;
  // Why the partition cannot serve under this epoch, if it cannot.
  [[nodiscard]] std::optional<Refusal> unavailable(LeaderEpoch current, bool leader_only) const;
  [[nodiscard]] std::expected<Appended, Refusal> finish_append(const storage::AppendResult& result, Acks acks,
                                                               std::int64_t append_time_ms);
  Refusal refuse_append(const storage::AppendError& error);
  Refusal refuse_io(const Error& error);
  [[nodiscard]] std::optional<DivergingEpoch> divergence(const ReadRequest& request) const;
  [[nodiscard]] Offset bound_of(FetchIsolation isolation) const noexcept;

  void note_use() noexcept;
  // Takes the log's new ends over and tells the core and the readers.
  void after_truncation();

  // Carries a step's effects out, then wakes who waits for them.
  void apply(Effects& effects);
  void tell_high_watermark();
  // Its replicas have it.
  [[nodiscard]] bool waits_for_disk_only(const AckWaiter& waiter) const;
  void complete_acks();
  void complete_deletes();
  void wake_fetches(bool changed);
  void fail_waiters(protocol::ErrorCode code);
  void on_storage_failure(const Error& error);
  [[nodiscard]] std::unique_ptr<storage::Log> end(protocol::ErrorCode code);
  template <class Tell>
  void tell(Tell&& call);
  [[nodiscard]] MonoMs mono_ms() const noexcept;
  [[nodiscard]] std::int64_t wall_ms() const noexcept { return environment_.shard.clock().wall_ms(); }

  void begin_sync(std::vector<storage::SyncJob>& jobs) override;
  void end_sync(Result<> outcome) override;

  PartitionEnvironment environment_;
  TopicPartition name_;
  Uuid topic_id_;
  std::unique_ptr<storage::Log> log_;
  PartitionConfig config_;
  ReplicationCore core_;
  Offset durable_end_;
  bool offline_ = false;
  bool rolled_ = false;  // since the last sync began
  runtime::MonoTime last_use_{};
  bool released_ = false;  // since the last use
  std::shared_ptr<storage::SyncTicket> ticket_;
  bool ticket_has_roll_ = false;
  WaitNode acks_;     // by end
  WaitNode fetches_;  // in the order of parking
  std::list<DeleteWait> deletes_;
  std::vector<PartitionListener*> listeners_;
  std::unique_ptr<std::vector<Callback>> hold_;  // while appends are held
  std::shared_ptr<Partition*> alive_;            // answers of the directory find out whether this is still there
};

}  // namespace moldau::replication

// Log: the files of one partition: segments, indexes, producer snapshots, leader epochs. Exactly Apache Kafka's layout.
//
// Shard:      owned by one shard; no thread and no clock inside: the time comes in as `now_ms` (wall clock). open() and
//             close() block and may run on Workers before the shard has the log, or after it let go of it.
// Invariants: (check_invariants())
//   L1  segments are ordered by base offset, at least one exists, only the last (active) is written to.
//   L2  log_start() <= log_end(); log_start() never decreases, but for truncate_fully_and_start_at().
//   L3  durable_end() <= log_end(); it moves up only by on_synced() and down only by a truncation.
//   L4  every index entry names a batch that exists: its last offset and its position in the .log file.
//   L5  the producer state is that of the records in [log_start, log_end), older producers within their expiry.
// Errors:     kOutOfRange: an offset outside [log_start, log_end]. kFenced: the log has damage below its durable end
//             (G13) and serves nothing. kOffline: a write or a sync failed earlier; it is never tried again (G5). kIo,
//             kNoSpace: the failure itself, after which the log is offline.
// Durability: an append is in the page cache when it returns. collect_unsynced() names all files and directory entries
//             written since the last ticket; when all are synced, on_synced() moves durable_end(), which is also
//             Kafka's recovery point. A rolled segment is therefore durable before the recovery point passes it.
// Bound:      append: O(batches), one pwritev, no allocation beyond amortised growth of the index array. Memory: the
//             index of the active segment (at most segment.index.bytes), five batches per live producer, and what
//             release_idle_resources() lets go: loaded indexes of closed segments and open files.
// Source:     org.apache.kafka.storage.internals.log UnifiedLog, LocalLog, LogLoader. Differences: indexes are neither
//             mapped nor preallocated; a damaged batch below the durable end (none known: below the recovery point)
//             fences the log where Kafka truncates it; batches below the recovery point are walked, their CRC is not
//             checked again; batches missing in a log that was never compacted fence it when a reader comes there,
//             where Kafka skips them; retention.ms asks the batch that the time index names; a segment without
//             timestamps counts for retention.ms from its last append or opening, where Kafka takes the file's
//             modification time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "runtime/random.h"
#include "storage/compaction/compaction_task.h"
#include "storage/log/log_types.h"
#include "storage/log/sync_ticket.h"
#include "storage/segment/log_config.h"

namespace moldau::record {
struct ValidatedBatch;
class Scratch;
}  // namespace moldau::record

namespace moldau::storage {

class ProducerEntry;

// What the logs of one shard share. Outlives them.
struct LogEnvironment {
  runtime::FileSystem& fs;
  Logger& logger;
  runtime::Random& random;  // for segment.jitter.ms alone
};

class Log {
 public:
  // Opens the partition's directory, which must exist; recovers what lies above the recovery point after an unclean
  // stop. Every line of the report is logged as well. A log with damage below its durable end opens, fenced. Blocks.
  // kNotFound: no directory. kInvalid: something in it that may not be touched (a symbolic link in a segment's place).
  // kUnsupported: batches of a message format before Kafka 0.11. kIo.
  [[nodiscard]] static Result<std::unique_ptr<Log>> open(LogEnvironment environment, std::string directory,
                                                         TopicPartition name, const LogConfig& config,
                                                         const OpenHints& hints);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // --- writing ---

  // Appends one checked batch as leader: checks the producer's sequence and epoch, assigns offsets from log_end() and
  // `epoch` in place, writes. `transaction_version` matters for markers (origin kCoordinator) alone.
  [[nodiscard]] std::expected<AppendResult, AppendError> append_as_leader(record::ValidatedBatch& batch,
                                                                          LeaderEpoch epoch, ProducerOrigin origin,
                                                                          std::int64_t now_ms,
                                                                          std::int16_t transaction_version = 0);
  // Appends whole batches as they are, for followers (kReplica) and raft (kRaft): checks framing, CRC and order.
  // Batches of an epoch above `epoch` are left out from the first on (kReplica), or refuse the append (kRaft). A
  // partial batch at the end is left out. An append of nothing succeeds with bytes == 0.
  [[nodiscard]] std::expected<AppendResult, AppendError> append_as_is(Bytes batches, LeaderEpoch epoch,
                                                                      ProducerOrigin origin, std::int64_t now_ms);
  // A leader's epoch begins at log_end(), as Kafka notes it when leadership is gained. Older epochs are ignored.
  [[nodiscard]] Result<> assign_epoch_start(LeaderEpoch epoch);

  // --- reading ---

  // The bytes from the batch that holds `from` up to `upper_bound` (exclusive; high watermark, last stable offset or
  // log end), within one segment, at most bytes_max of them; at_least_one_batch gives the first batch whole, however
  // large. Empty at or above the bound. kOutOfRange.
  [[nodiscard]] Result<Slice> read(Offset from, Offset upper_bound, std::size_t bytes_max, bool at_least_one_batch);
  // Aborted transactions that may touch [from, upto), for a read_committed reader. upto_of(slice) is Kafka's choice.
  [[nodiscard]] Result<std::vector<AbortedTransaction>> aborted_transactions(Offset from, Offset upto);
  // An offset at or behind the end of a slice, found in the index without reading.
  [[nodiscard]] Result<Offset> upto_of(const Slice& slice);

  // The first record at or above log_start() whose time is at least `timestamp`; nullopt if there is none.
  [[nodiscard]] Result<std::optional<TimestampedOffset>> offset_for_timestamp(std::int64_t timestamp,
                                                                              record::Scratch& scratch);
  // The first record with the largest time; nullopt if no record has a time.
  [[nodiscard]] Result<std::optional<TimestampedOffset>> max_timestamp(record::Scratch& scratch);

  // The largest epoch <= `epoch` known, and where the next begins (log_end() for the latest); nullopt: unknown.
  [[nodiscard]] std::optional<OffsetAndEpoch> end_offset_for_epoch(LeaderEpoch epoch) const;
  [[nodiscard]] std::optional<LeaderEpoch> latest_epoch() const;
  [[nodiscard]] std::optional<LeaderEpoch> epoch_for_offset(Offset offset) const;
  // Of the record at log_start(), if the epochs reach back so far.
  [[nodiscard]] std::optional<LeaderEpoch> earliest_epoch() const;

  // --- offsets ---

  [[nodiscard]] Offset log_start() const noexcept { return log_start_; }
  [[nodiscard]] Offset log_end() const noexcept { return log_end_; }
  [[nodiscard]] Offset durable_end() const noexcept { return durable_end_; }
  // Where the next start may begin to read: not above durable_end(), and below it while what recovery wrote anew of
  // closed segments (their indexes, snapshots) is not synced.
  [[nodiscard]] Offset recovery_point() const noexcept { return recovery_point_; }
  // The first offset of the oldest transaction that is open, or ended by a marker not yet below the high watermark.
  [[nodiscard]] std::optional<Offset> first_unstable_offset() const;
  [[nodiscard]] std::uint64_t size_bytes() const noexcept;
  [[nodiscard]] std::size_t segment_count() const noexcept;
  [[nodiscard]] Offset active_segment_base() const noexcept;
  // For flush.messages and flush.ms: records above durable_end(), and since when there are any (INT64_MAX: none).
  [[nodiscard]] std::int64_t unsynced_records() const noexcept { return log_end_ - durable_end_; }
  [[nodiscard]] std::int64_t unsynced_since_ms() const noexcept { return unsynced_since_ms_; }

  // --- events ---

  // Transactions whose markers lie below the high watermark no longer hold back the last stable offset.
  void on_high_watermark(Offset high_watermark);
  void on_config(const LogConfig& config);
  // Forgets producers idle for producer.id.expiration.ms. O(producers).
  void expire_producers(std::int64_t now_ms);

  // --- truncation and retention ---

  // Removes all records at and above `offset`. False: there were none. The epochs above are forgotten in any case.
  // kLocked: compacted segments are just being put in place; in a moment it can be done. So for the next one.
  [[nodiscard]] Result<bool> truncate_to(Offset offset, std::int64_t now_ms);
  // Removes everything; the log is then [offset, offset).
  [[nodiscard]] Result<> truncate_fully_and_start_at(Offset offset, std::int64_t now_ms);
  // DeleteRecords: readers no longer see what lies below. Lower than log_start() does nothing. kOutOfRange above
  // log_end().
  [[nodiscard]] Result<> advance_log_start(Offset offset);
  // Deletes whole segments, oldest first, below log_start(), beyond retention.bytes or older than retention.ms, never
  // at or above the high watermark. Their files are renamed to .deleted at once. Returns how many segments went.
  [[nodiscard]] Result<std::uint32_t> enforce_retention(std::int64_t now_ms, Offset high_watermark);
  // Begins a new segment at log_end(); false if the active one is empty.
  [[nodiscard]] Result<bool> roll(std::int64_t now_ms);

  // The log end moves up over offsets whose batches were compacted away in the log that this is a copy of; not lower
  // than log_end().
  [[nodiscard]] Result<> skip_to(Offset end, std::int64_t now_ms);

  // --- compaction (storage/compaction does the work, away from the shard) ---

  // What is dirty, if `cleaned` is where the last compaction ended (cleaner-offset-checkpoint), and how much of it lies
  // below `last_stable`, the durable end, the active segment and min.compaction.lag.ms. Reads at most the first batch
  // of each dirty segment and its time index, once.
  [[nodiscard]] Result<CleanableRange> cleanable_range(std::optional<Offset> cleaned, Offset last_stable,
                                                       std::int64_t now_ms);
  // Of a range with dirty bytes.
  [[nodiscard]] Result<CompactionTask> compaction_task(const CleanableRange& range, std::int64_t now_ms);
  // True: put_in_place() may begin; until finish_swap() the segments that it replaces are read through open files, and
  // are neither removed nor cut. False: they are not what they were: the group is to be discarded.
  [[nodiscard]] Result<bool> begin_swap(const CompactedGroup& group);
  // put_in_place() has succeeded. If it failed the directory is offline, and this is not called.
  [[nodiscard]] Result<> finish_swap(const CompactedGroup& group, std::int64_t now_ms);

  // Paths whose file.delete.delay.ms has passed. The caller removes them on Workers (remove_file; kNotFound is fine);
  // what a crash leaves behind is removed by the next open().
  [[nodiscard]] std::vector<std::string> take_due_deletions(std::int64_t now_ms);

  // --- durability ---

  [[nodiscard]] bool has_unsynced() const noexcept;
  // At most one ticket is out at a time: the next after on_synced(). Never fails; an offline log gives an empty ticket.
  [[nodiscard]] SyncTicket collect_unsynced();
  void on_synced(const SyncTicket& ticket);
  // The ticket failed: the log is offline from now on.
  void on_sync_failed(const Error& error);
  // The recovery point was checkpointed: producer snapshots that no recovery can need any more are removed.
  void on_recovery_point_checkpointed(Offset recovery_point);

  // Closes files and forgets indexes that can be read again. For partitions that are idle. Writes the active index out.
  void release_idle_resources();

  // A clean stop writes what Kafka writes: the last time index entry, both indexes, a producer snapshot at the log end,
  // the leader epochs; all synced: the recovery point to checkpoint is then log_end(). Not clean: closes files only.
  // Blocks. Call once, last.
  [[nodiscard]] Result<> close(bool clean);

  // --- questions ---

  [[nodiscard]] const TopicPartition& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& directory() const noexcept;
  [[nodiscard]] const LogConfig& config() const noexcept;
  [[nodiscard]] const OpenReport& open_report() const noexcept { return report_; }
  [[nodiscard]] bool fenced() const noexcept { return report_.fence.has_value(); }
  [[nodiscard]] bool offline() const noexcept { return offline_; }
  [[nodiscard]] std::size_t producer_count() const noexcept;
  // Every producer of the log, by id. O(producers).
  [[nodiscard]] std::vector<std::pair<ProducerId, ProducerEntry>> producers() const;
  // The caller renamed the directory (deletion, stray).
  void on_directory_renamed(std::string directory);

  void check_invariants() const;

 private:
  struct State;
  struct Place;
  Log(LogEnvironment environment, std::string directory, TopicPartition name, const LogConfig& config);

  void settle_unsynced(const OpenHints& hints);
  [[nodiscard]] Result<> usable() const;
  [[nodiscard]] Result<> not_swapping() const;
  Error go_offline(const Error& error);
  Error judge_read_error(const Error& error, Offset near);
  [[nodiscard]] std::optional<AppendError> refuse_append() const;
  [[nodiscard]] AppendError storage_failure(const Error& error);

  // Writes batches that were checked, as one piece of at most a segment; the producer state follows.
  [[nodiscard]] Result<> write_batches(Bytes batches, Offset last_offset, std::int64_t now_ms);
  [[nodiscard]] Result<bool> roll_if_due(Bytes batches, Offset first_offset, Offset last_offset,
                                         std::int64_t max_timestamp, std::int64_t now_ms);
  [[nodiscard]] Result<> roll_to(Offset base, std::int64_t now_ms);
  [[nodiscard]] Result<> take_producer_snapshot();
  [[nodiscard]] Result<> drop_producer_snapshot(Offset offset);

  [[nodiscard]] std::size_t segment_of(Offset offset) const;
  [[nodiscard]] Result<std::optional<Place>> locate(std::size_t segment, Offset offset);
  [[nodiscard]] Result<> judge_gap(std::size_t segment, Offset offset, std::optional<Offset> found);
  [[nodiscard]] Result<std::uint64_t> position_of_bound(std::size_t segment, Offset upper_bound);

  [[nodiscard]] Result<> rebuild_producers(Offset end, std::int64_t now_ms);
  [[nodiscard]] Result<> remove_segment(std::size_t n, std::int64_t now_ms);
  [[nodiscard]] Result<> remove_oldest(std::size_t count, std::int64_t now_ms);
  [[nodiscard]] Result<std::size_t> count_expired(std::int64_t now_ms, Offset high_watermark);
  [[nodiscard]] Result<std::size_t> count_oversized(Offset high_watermark);
  [[nodiscard]] std::size_t count_below_start(Offset high_watermark) const;
  [[nodiscard]] bool may_delete(std::size_t n, Offset high_watermark) const;
  [[nodiscard]] std::size_t first_closed_from(Offset offset) const;
  void move_log_start(Offset offset);
  void forget_positions();

  LogEnvironment environment_;
  TopicPartition name_;
  OpenReport report_;
  Offset log_start_{0};
  Offset log_end_{0};
  Offset durable_end_{0};
  Offset recovery_point_{0};
  std::int64_t unsynced_since_ms_ = INT64_MAX;
  bool offline_ = false;
  std::unique_ptr<State> state_;
};

}  // namespace moldau::storage

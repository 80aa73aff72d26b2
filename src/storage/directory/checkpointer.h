// Checkpointer: keeps a log directory's checkpoint files up to date.
//
//   every 1 s    moldau.durable-ends                 (also at once after a roll)
//   every 5 s    replication-offset-checkpoint       replica.high.watermark.checkpoint.interval.ms
//   every 60 s   recovery-point-offset-checkpoint    log.flush.offset.checkpoint.interval.ms; sooner if one went down
//   every 60 s   log-start-offset-checkpoint         log.flush.start.offset.checkpoint.interval.ms; before
//   DeleteRecords
//                                                    is answered
//
// Shard:      home shard; files are formatted, compared and written on Workers. A file whose content did not change is
//             not written.
// Invariants: C1  a recovery point or durable end is written only after the sync that it speaks of: the marks are read
//                 from logs that have been told so.
//             C2  one write per file at a time; an older snapshot never follows a newer one.
//             C3  Kafka's files name partitions without their topic ids: before a name is used again, forget() has
//                 taken what they say of its last holder off the disk. An entry therefore speaks of the directory of
//                 that name, or of one that was lost.
// Errors:     a failed write takes the directory offline.
// Source:     LogManager, ReplicaManager.checkpointHighWatermarks. Difference: all log starts above 0 are written, also
//             those that equal the first segment's base offset.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "runtime/shard.h"
#include "runtime/workers.h"
#include "storage/directory/log_directory.h"

namespace moldau::storage {

// Where one partition stands.
struct PartitionMarks {
  TopicPartition name;
  Uuid topic_id;
  Offset high_watermark{0};
  Offset recovery_point{0};
  Offset log_start{0};
  Offset durable_end{0};
  bool keep_durable_end = false;  // the topic waits for syncs (moldau.acks.all.sync): G13 needs its durable end
};

// Collects the marks of a directory's partitions, whatever shards they are on.
class MarkSource {
 public:
  virtual ~MarkSource() = default;
  // `done` on the home shard, now or in a later turn; marks as they were after this call began.
  virtual void collect_marks(const LogDirectory& directory, Function<void(std::vector<PartitionMarks>)> done) = 0;
  // These recovery points are on the disk: Log::on_recovery_point_checkpointed.
  virtual void on_recovery_points(const LogDirectory& directory, const PartitionOffsets& points) = 0;
};

struct CheckpointIntervals {
  std::chrono::milliseconds durable_ends{1000};
  std::chrono::milliseconds high_watermarks{5000};
  std::chrono::milliseconds recovery_points{60'000};
  std::chrono::milliseconds log_starts{60'000};
};

class Checkpointer {
 public:
  // `broker_epoch` is this process's registration, written with durable ends; -1 until set_broker_epoch, and no durable
  // ends are written before. Does nothing until start().
  Checkpointer(LogDirectory& directory, MarkSource& source, runtime::Shard& shard, runtime::Workers& workers,
               const CheckpointIntervals& intervals = {});
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void start();
  // Durable ends are written under this registration from now on: what the earlier ones say has been read.
  void set_broker_epoch(BrokerEpoch epoch);

  // A log rolled and was synced: durable ends are written soon instead of within a second.
  void on_roll();
  // `done(true)` once a log-start checkpoint collected after this call is on the disk.
  void keep_log_starts(Function<void(bool)> done);
  // `done` once no file holds an offset under this name, which nobody's marks have any more: at once if none does, else
  // after one write, which all who ask meanwhile share.
  void forget(const TopicPartition& name, Function<void(Result<>)> done);
  // Writes all four files now, from marks collected after this call.
  void write_all(Function<void(Result<>)> done);

  // Nothing is begun any more but stop()'s write, and who waits hears kClosed. To be called before the logs are taken
  // from where collect_marks() finds them: files written meanwhile would say that there are none.
  void rest();
  // A clean stop, after every log of the directory was closed cleanly: writes the last checkpoints from `marks`, then
  // .kafka_cleanshutdown with the broker epoch. Nothing is written after that. Logs that failed to close: give
  // `clean` = false, and no clean mark is left.
  void stop(std::vector<PartitionMarks> marks, bool clean, Function<void(Result<>)> done);

 private:
  enum File : unsigned { kDurableEnds = 1, kHighWatermarks = 2, kRecoveryPoints = 4, kLogStarts = 8, kAllFiles = 15 };
  static constexpr unsigned kOffsetFiles = kHighWatermarks | kRecoveryPoints | kLogStarts;
  // In the order in which they are written.
  using OffsetFiles = std::array<std::shared_ptr<const PartitionOffsets>, 3>;
  struct Waiter {
    unsigned files;
    Function<void(Result<>)> done;
  };
  struct Written;
  struct Job;

  void on_tick();
  void want(unsigned files, Function<void(Result<>)> done);
  void begin();
  void write(unsigned files, std::vector<Waiter> waiters, std::vector<PartitionMarks> marks);
  [[nodiscard]] bool any_lowered(const std::vector<PartitionMarks>& marks) const;
  void on_written(Job& job);
  [[nodiscard]] bool may_hold(const TopicPartition& name) const;

  LogDirectory& directory_;
  MarkSource& source_;
  runtime::Shard& shard_;
  runtime::Workers& workers_;
  const CheckpointIntervals intervals_;
  BrokerEpoch broker_epoch_ = kNoBrokerEpoch;
  runtime::MonoTime next_[4] = {};
  runtime::Timer timer_;
  unsigned wanted_ = 0;  // to be collected when the write in flight has ended
  std::vector<Waiter> waiters_;
  OffsetFiles on_disk_;     // what the files hold
  unsigned in_flight_ = 0;  // files being written
  bool busy_ = false;
  bool resting_ = false;
  Callback stop_;                     // waits for the write in flight
  std::shared_ptr<Written> written_;  // touched by the one job in flight
  std::shared_ptr<Checkpointer*> alive_;
};

}  // namespace moldau::storage

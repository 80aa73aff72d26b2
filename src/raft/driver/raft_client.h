// The metadata log of this node as its controller sees it: appends become committed records, leadership is told, state
// is loaded from a snapshot and the log behind it.
//
// Shard:      the metadata shard; every call and every listener call on it. Snapshots are filled and files are synced
// on
//             Workers. Outlives nothing it was given.
// Invariants: (check_invariants() of Quorum and Log run with it)
//   R1  the listener hears records in the order of their offsets, each once, only committed (durable) ones; after
//       on_load_snapshot it goes on behind the snapshot.
//   R2  on_leader_change(epoch, self) comes only when the listener has replayed everything before that epoch.
//   R3  nothing is appended before quorum-state on disk says that this node leads the epoch.
// Errors:     a failed write or sync is final: on_failure() once, and nothing is written again (G5). The node stops.
// Durability: an offset is committed when its bytes and all before them are synced (group commit with the data logs).
// Bound:      appended and not yet committed records are kept in memory: kUncommittedBytesMax, then append() refuses.
// Source:     KIP-595, KIP-630, KIP-853; org.apache.kafka.raft.KafkaRaftClient. Differences: this release runs alone: a
//             voter set with other members is refused at open.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "raft/driver/recovery.h"
#include "raft/driver/snapshot_policy.h"
#include "runtime/shard.h"
#include "runtime/timer.h"
#include "runtime/workers.h"
#include "storage/sync/sync_group.h"

namespace moldau::raft {

class RaftListener {
 public:
  virtual ~RaftListener() = default;
  // Replaces all state by what the reader yields (control batches come without records). `id.offset` is exclusive: the
  // last record contained is the one before it. The snapshot that formatting wrote has the id 0-0 and holds nothing.
  // An error ends the client (on_failure).
  [[nodiscard]] virtual Result<> on_load_snapshot(OffsetAndEpoch id, BatchFileReader& reader) = 0;
  // One committed batch; a control batch has no records, but moves the offset.
  virtual void on_commit(const MetadataBatch& batch) = 0;
  // leader kNoNode: unknown. If it is this node, append() under `epoch` works from now on.
  virtual void on_leader_change(LeaderEpoch epoch, NodeId leader) = 0;
  // The metadata log can no longer be written: the node must stop.
  virtual void on_failure(const Error& error) = 0;
};

enum class AppendRefused : std::uint8_t {
  kNotLeader,   // another epoch, or none
  kTooLarge,    // more than kMetadataBatchBytesWritten in one batch
  kOverloaded,  // kUncommittedBytesMax are waiting to be committed
  kFailed,      // on_failure() was called
};

class RaftClient final : private storage::SyncClient {
 public:
  static constexpr std::size_t kUncommittedBytesMax = std::size_t{64} << 20;
  static constexpr std::chrono::seconds kCleaningInterval{60};

  struct Options {
    std::string log_directory;  // metadata.log.dir; __cluster_metadata-0 lies in it
    Voter self;                 // node id, directory id of log_directory, this node's controller listeners
    VoterSet fixed_voters;      // controller.quorum.voters; empty in a dynamic quorum
    QuorumConfig quorum;
    MetadataLogConfig log;
  };
  struct Environment {
    runtime::Shard& shard;
    runtime::Workers& workers;
    storage::SyncGroup& sync;  // of that shard
    runtime::FileSystem& fs;
    Logger& logger;
  };

  // Recovers the directory. Blocks; before the shard runs, or on it at start-up. The error is one line for the
  // operator.
  [[nodiscard]] static std::expected<std::unique_ptr<RaftClient>, std::string> open(const Environment& environment,
                                                                                    Options options);
  ~RaftClient() override;

  // Takes up the election; the listener's calls begin. Once.
  void start(RaftListener& listener);

  // Appends the records as one batch, all or nothing. Gives the offset of the last one; they are committed when the
  // listener hears of them. Never calls the listener before it returns.
  [[nodiscard]] std::expected<Offset, AppendRefused> append(LeaderEpoch epoch,
                                                            std::vector<MetadataRecordAndVersion> records);
  // Would take the offset next, if this node leads: what a broker epoch is made of.
  [[nodiscard]] Offset next_offset() const noexcept { return quorum_->log().end(); }
  // Gives up leadership of that epoch; ignored if it is over.
  void resign(LeaderEpoch epoch);

  // --- snapshots ---

  // Enough was committed since the last snapshot to write one now.
  [[nodiscard]] bool snapshot_due() const noexcept;
  // Writes the snapshot of the state behind all records below `id.offset`, an end of a batch that the listener has
  // heard. `fill` runs on a worker thread and owns what it writes from. `done` runs on the shard. False: one is being
  // written, or the id is not behind the newest snapshot, or is not committed.
  [[nodiscard]] bool write_snapshot(OffsetAndEpoch id, std::int64_t last_contained_log_timestamp,
                                    SnapshotStore::Fill fill, Function<void(Result<>)> done);
  [[nodiscard]] std::optional<OffsetAndEpoch> latest_snapshot() const noexcept;

  // --- questions ---

  [[nodiscard]] const Quorum& quorum() const noexcept { return *quorum_; }
  [[nodiscard]] LeaderEpoch leader_epoch() const noexcept { return quorum_->epoch(); }
  [[nodiscard]] NodeId leader() const noexcept { return quorum_->record().leader; }
  [[nodiscard]] Offset high_watermark() const noexcept { return quorum_->high_watermark(); }
  [[nodiscard]] const storage::Log& metadata_log() const noexcept { return *log_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

  // Stops: no listener call comes any more; waits for what is in flight, closes the log as a clean stop does; `closed`
  // runs on the shard. Once, last.
  void close(Callback closed);

 private:
  struct Uncommitted {
    MetadataBatch batch;
    ByteVector bytes;  // emptied once appended
  };

  RaftClient(const Environment& environment, Options options, RecoveredMetadata recovered);

  [[nodiscard]] Instant now() const noexcept;
  void step(const Event& event);
  void take(Effects effects);
  void process();
  void carry_out(Effect effect);
  void persist_newest();
  void on_persisted(PersistTicket ticket, const Result<>& outcome);
  void append_epoch_start(const AppendEpochStart& start);
  void append_proposed(const AppendProposed& proposed);
  void append_bytes(Bytes bytes, LeaderEpoch epoch);
  void deliver_up_to(Offset high_watermark);
  [[nodiscard]] Result<> load();
  [[nodiscard]] Result<> deliver_tail(Offset upto);
  void tell_leader();
  void arm_timer();
  void clean();
  void note_durable_end();
  void remove_files(std::vector<OffsetAndEpoch> snapshots, std::vector<std::string> paths);
  void fail_with(const Error& error);
  void finish_close_when_idle();
  // Runs on Workers; `done` on the shard, if this object still lives. Counted, so that close() can wait.
  template <class T>
  void run(Function<T()> work, Function<void(T)> done);

  void begin_sync(std::vector<storage::SyncJob>& jobs) override;
  void end_sync(Result<> outcome) override;

  Environment environment_;
  Options options_;
  SnapshotStore store_;
  std::unique_ptr<storage::Log> log_;
  std::vector<SnapshotInfo> snapshots_;
  std::unique_ptr<RandomSource> random_;
  std::unique_ptr<Quorum> quorum_;
  SnapshotPolicy policy_;
  RaftListener* listener_ = nullptr;

  std::deque<Effect> effects_;
  bool processing_ = false;
  PersistTicket persisted_ = 0;
  bool persisting_ = false;
  std::deque<Uncommitted> uncommitted_;
  std::size_t uncommitted_bytes_ = 0;
  std::shared_ptr<storage::SyncTicket> ticket_;  // null: no sync in flight
  std::uint64_t ticket_truncations_ = 0;

  Offset applied_{0};   // the listener heard everything below
  Offset tail_end_{0};  // below lies what an earlier process wrote
  bool loaded_ = false;
  std::optional<LeaderChanged> leader_change_;  // not told yet
  bool snapshot_in_progress_ = false;
  bool failed_ = false;
  bool closing_ = false;
  Callback closed_;
  std::size_t jobs_ = 0;
  runtime::Timer timer_;
  runtime::Timer cleaning_timer_;
  runtime::Timer durable_end_timer_;
  Offset durable_end_noted_{0};
  bool noting_durable_end_ = false;
  record::Scratch scratch_;
  std::shared_ptr<RaftClient*> alive_;
};

}  // namespace moldau::raft

#include "raft/driver/raft_client.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "raft/driver/durable_end.h"
#include "raft/driver/format.h"
#include "raft/driver/log_batches.h"
#include "raft/driver/quorum_state_file.h"

namespace moldau::raft {
namespace {

class ShardRandom final : public RandomSource {
 public:
  explicit ShardRandom(runtime::Random& random) : random_(random) {}
  std::uint64_t next() override { return random_.next(); }

 private:
  runtime::Random& random_;
};

std::string partition_directory(const RaftClient::Options& options) {
  return runtime::join_path(options.log_directory, kMetadataPartitionName);
}

// Why this node cannot run on these voters; empty if it can.
std::string unfit(const VoterSet& voters, const ReplicaKey& self) {
  if (voters.empty()) {
    return "it names no voter: format the directory with --standalone, or set controller.quorum.voters";
  }
  if (!voters.contains(self)) {
    return fmt::format("node {} with directory id {} is not among its voters", self.id.value(),
                       self.directory_id.to_string());
  }
  if (voters.size() > 1) {
    return fmt::format("its quorum has {} voters; this release runs a single controller", voters.size());
  }
  return {};
}

}  // namespace

std::expected<std::unique_ptr<RaftClient>, std::string> RaftClient::open(const Environment& environment,
                                                                         Options options) {
  const std::int64_t now_ms = environment.shard.clock().wall_ms();
  const std::string directory = partition_directory(options);
  auto recovered = recover_metadata({environment.fs, environment.logger, environment.shard.random()}, directory,
                                    options.log, options.self.key.id, options.fixed_voters, now_ms);
  if (!recovered) {
    return std::unexpected(recovered.error());
  }
  if (const std::string why = unfit(recovered->restored.voters.voters(), options.self.key); !why.empty()) {
    (void)recovered->log->close(false);
    return std::unexpected(fmt::format("metadata log {}: {}", directory, why));
  }
  return std::unique_ptr<RaftClient>(new RaftClient(environment, std::move(options), *std::move(recovered)));
}

RaftClient::RaftClient(const Environment& environment, Options options, RecoveredMetadata recovered)
    : environment_(environment),
      options_(std::move(options)),
      store_(environment_.fs, partition_directory(options_), environment_.logger),
      log_(std::move(recovered.log)),
      snapshots_(std::move(recovered.snapshots)),
      random_(std::make_unique<ShardRandom>(environment_.shard.random())),
      policy_(options_.log, environment_.shard.clock().wall_ms()),
      tail_end_(log_->log_end()),
      timer_(environment_.shard.timers(), [this] { step(TimerFired{}); }),
      cleaning_timer_(environment_.shard.timers(), [this] { clean(); }),
      durable_end_timer_(environment_.shard.timers(), [this] { note_durable_end(); }),
      alive_(std::make_shared<RaftClient*>(this)) {
  quorum_ = std::make_unique<Quorum>(options_.self, options_.quorum, std::move(recovered.restored));
}

RaftClient::~RaftClient() {
  *alive_ = nullptr;
  environment_.sync.withdraw(*this);
}

void RaftClient::start(RaftListener& listener) {
  MOLDAU_ASSERT(listener_ == nullptr);
  listener_ = &listener;
  Effects effects;
  quorum_->start(now(), *random_, effects);
  cleaning_timer_.arm(environment_.shard.clock().now() + kCleaningInterval);
  take(std::move(effects));
}

Instant RaftClient::now() const noexcept {
  return std::chrono::duration_cast<Instant>(environment_.shard.clock().now().time_since_epoch());
}

void RaftClient::step(const Event& event) {
  if (failed_) {
    return;
  }
  Effects effects;
  quorum_->step(event, now(), *random_, effects);
  take(std::move(effects));
}

void RaftClient::take(Effects effects) {
  for (Effect& effect : effects) {
    effects_.push_back(std::move(effect));
  }
  process();
}

// In order; what waits for the vote file waits here, and all behind it.
void RaftClient::process() {
  if (processing_) {
    return;  // a listener called back: the loop below goes on with what it added
  }
  processing_ = true;
  while (!failed_ && !closing_ && !effects_.empty()) {
    const Effect& front = effects_.front();
    if (const auto* persist = std::get_if<Persist>(&front.what);
        persist != nullptr ? persist->ticket > persisted_ : front.after > persisted_) {
      persist_newest();
      break;
    }
    Effect effect = std::move(effects_.front());
    effects_.pop_front();
    carry_out(std::move(effect));
  }
  processing_ = false;
  arm_timer();
}

void RaftClient::carry_out(Effect effect) {
  if (const auto* start = std::get_if<AppendEpochStart>(&effect.what)) {
    append_epoch_start(*start);
  } else if (const auto* proposed = std::get_if<AppendProposed>(&effect.what)) {
    append_proposed(*proposed);
  } else if (const auto* moved = std::get_if<HighWatermarkMoved>(&effect.what)) {
    log_->on_high_watermark(moved->offset);
    deliver_up_to(moved->offset);
  } else if (const auto* changed = std::get_if<LeaderChanged>(&effect.what)) {
    log(environment_.logger, changed->leader == kNoNode ? LogLevel::kDebug : LogLevel::kInfo, "raft",
        "metadata epoch {}: leader {}", changed->epoch.value(), changed->leader.value());
    leader_change_ = *changed;
    tell_leader();
  } else if (const auto* complaint = std::get_if<Complaint>(&effect.what)) {
    log(environment_.logger, LogLevel::kWarn, "raft", "node {}: {}", complaint->peer.value(), complaint->what);
  } else {
    // A sole voter (checked at open) sends nothing, is asked nothing and follows nobody.
    MOLDAU_ASSERT(std::holds_alternative<Persist>(effect.what), static_cast<std::int64_t>(effect.what.index()));
  }
}

// --- the vote file ---

void RaftClient::persist_newest() {
  if (persisting_) {
    return;
  }
  const auto newest = std::ranges::find_if(effects_.rbegin(), effects_.rend(), [](const Effect& effect) {
    return std::holds_alternative<Persist>(effect.what);
  });
  MOLDAU_ASSERT(newest != effects_.rend());
  const auto& persist = std::get<Persist>(newest->what);
  persisting_ = true;
  run<Result<>>(
      [&fs = environment_.fs, directory = store_.directory(),
       content = format_quorum_state(persist.record, quorum_->voters().kraft_version(), quorum_->voters().voters())] {
        return write_quorum_state(fs, directory, content);
      },
      [this, ticket = persist.ticket](Result<> outcome) { on_persisted(ticket, outcome); });
}

void RaftClient::on_persisted(PersistTicket ticket, const Result<>& outcome) {
  persisting_ = false;
  if (!outcome) {
    fail_with(outcome.error());
    return;
  }
  persisted_ = ticket;
  process();
}

// --- appending ---

std::expected<Offset, AppendRefused> RaftClient::append(LeaderEpoch epoch,
                                                        std::vector<MetadataRecordAndVersion> records) {
  MOLDAU_ASSERT(!records.empty());
  if (failed_) {
    return std::unexpected(AppendRefused::kFailed);
  }
  if (closing_ || quorum_->role() != Role::kLeader || quorum_->epoch() != epoch) {
    return std::unexpected(AppendRefused::kNotLeader);
  }
  if (uncommitted_bytes_ >= kUncommittedBytesMax) {
    return std::unexpected(AppendRefused::kOverloaded);
  }
  const std::int64_t now_ms = environment_.shard.clock().wall_ms();
  const Offset base = quorum_->log().end();
  MetadataBatchWriter writer(base, epoch, now_ms, MetadataBatchWriter::Kind::kData);
  for (const MetadataRecordAndVersion& record : records) {
    if (!writer.try_add(record, kMetadataBatchBytesWritten)) {
      return std::unexpected(AppendRefused::kTooLarge);
    }
  }
  Effects effects;
  const auto proposed = quorum_->propose(epoch, writer.record_count(), now(), effects);
  if (!proposed) {
    return std::unexpected(AppendRefused::kNotLeader);
  }
  MOLDAU_ASSERT(*proposed == base, base.value());
  Uncommitted uncommitted;
  uncommitted.batch.base = base;
  uncommitted.batch.last = base + (writer.record_count() - 1);
  uncommitted.batch.epoch = epoch;
  uncommitted.batch.append_timestamp_ms = now_ms;
  uncommitted.batch.size_bytes = writer.size_bytes();
  uncommitted.batch.records = std::move(records);
  uncommitted.bytes = writer.finish();
  uncommitted_bytes_ += uncommitted.batch.size_bytes;
  const Offset last = uncommitted.batch.last;
  uncommitted_.push_back(std::move(uncommitted));
  take(std::move(effects));
  return last;
}

void RaftClient::append_epoch_start(const AppendEpochStart& start) {
  if (const auto noted = log_->assign_epoch_start(start.epoch); !noted) {
    fail_with(noted.error());
    return;
  }
  MetadataBatchWriter writer(start.base, start.epoch, environment_.shard.clock().wall_ms(),
                             MetadataBatchWriter::Kind::kControl);
  writer.add_leader_change(start);
  if (start.voter_change) {
    writer.add_voter_change(*start.voter_change);
  }
  const ByteVector bytes = writer.finish();
  // The listener hears what a reader of the log would.
  const auto view = record::BatchView::parse(bytes);
  MOLDAU_ASSERT(view.has_value());
  auto batch = decode_metadata_batch(*view, scratch_);
  MOLDAU_ASSERT(batch.has_value());
  uncommitted_bytes_ += batch->size_bytes;
  // Proposals of this epoch may be queued behind it already; the log is in this order too.
  const auto at = std::ranges::find_if(uncommitted_, [&](const Uncommitted& u) { return u.batch.base > start.base; });
  uncommitted_.insert(at, {*std::move(batch), {}});
  append_bytes(bytes, start.epoch);
}

void RaftClient::append_proposed(const AppendProposed& proposed) {
  const auto at =
      std::ranges::find_if(uncommitted_, [&](const Uncommitted& u) { return u.batch.base == proposed.base; });
  MOLDAU_ASSERT(at != uncommitted_.end(), proposed.base.value());
  const ByteVector bytes = std::exchange(at->bytes, {});
  append_bytes(bytes, proposed.epoch);
}

void RaftClient::append_bytes(Bytes bytes, LeaderEpoch epoch) {
  const auto appended =
      log_->append_as_is(bytes, epoch, storage::ProducerOrigin::kRaft, environment_.shard.clock().wall_ms());
  if (!appended) {
    fail_with(appended.error().cause);
    return;
  }
  environment_.sync.request(*this);
}

void RaftClient::resign(LeaderEpoch epoch) {
  step(ResignRequested{epoch});
}

// --- syncing ---

void RaftClient::begin_sync(std::vector<storage::SyncJob>& jobs) {
  MOLDAU_ASSERT(ticket_ == nullptr);
  ticket_ = std::make_shared<storage::SyncTicket>(log_->collect_unsynced());
  ticket_truncations_ = quorum_->log().truncations();
  for (const auto& file : ticket_->files) {
    jobs.push_back([file] { return file->sync(); });
  }
  if (!ticket_->replacements.empty() || !ticket_->directories.empty()) {
    jobs.push_back([ticket = ticket_, &fs = environment_.fs] { return ticket->run_names(fs); });
  }
}

void RaftClient::end_sync(Result<> outcome) {
  const auto ticket = std::exchange(ticket_, nullptr);
  if (!outcome) {
    log_->on_sync_failed(outcome.error());
    fail_with(outcome.error());
  } else {
    log_->on_synced(*ticket);
    if (!durable_end_timer_.armed() && !closing_ && !failed_) {
      durable_end_timer_.arm(environment_.shard.clock().now() + kDurableEndInterval);
    }
    step(LogSynced{log_->durable_end(), ticket_truncations_});
  }
  finish_close_when_idle();
}

void RaftClient::note_durable_end() {
  if (failed_ || closing_ || noting_durable_end_ || persisted_ == 0 || log_->durable_end() == durable_end_noted_) {
    return;
  }
  noting_durable_end_ = true;
  const Offset end = log_->durable_end();
  run<Result<>>([&fs = environment_.fs, directory = store_.directory(), epoch = quorum_->epoch(),
                 end] { return write_durable_end(fs, directory, epoch, end); },
                [this, end](Result<> outcome) {
                  noting_durable_end_ = false;
                  if (!outcome) {
                    fail_with(outcome.error());
                    return;
                  }
                  durable_end_noted_ = end;
                  if (log_->durable_end() != end && !durable_end_timer_.armed()) {
                    durable_end_timer_.arm(environment_.shard.clock().now() + kDurableEndInterval);
                  }
                });
}

// --- the listener ---

void RaftClient::deliver_up_to(Offset high_watermark) {
  if (!loaded_) {
    if (const auto loaded = load(); !loaded) {
      fail_with(loaded.error());
      return;
    }
  }
  if (applied_ < tail_end_) {
    if (const auto delivered = deliver_tail(std::min(high_watermark, tail_end_)); !delivered) {
      fail_with(delivered.error());
      return;
    }
  }
  while (!closing_ && !failed_ && !uncommitted_.empty() && uncommitted_.front().batch.last < high_watermark) {
    const MetadataBatch batch = std::move(uncommitted_.front().batch);
    uncommitted_.pop_front();
    uncommitted_bytes_ -= batch.size_bytes;
    MOLDAU_ASSERT(batch.base == applied_, batch.base.value(), applied_.value());
    applied_ = batch.last + 1;
    policy_.on_committed(batch.size_bytes);
    listener_->on_commit(batch);
  }
  tell_leader();
}

Result<> RaftClient::load() {
  loaded_ = true;
  if (snapshots_.empty()) {
    applied_ = log_->log_start();
    return {};
  }
  const SnapshotInfo& newest = snapshots_.back();
  MOLDAU_TRY(reader, store_.open(newest.id));
  log(environment_.logger, LogLevel::kInfo, "raft", "loading metadata snapshot {}", snapshot_file_name(newest.id));
  applied_ = newest.id.offset;
  return listener_->on_load_snapshot(newest.id, *reader);
}

Result<> RaftClient::deliver_tail(Offset upto) {
  LogBatches batches(*log_, applied_, upto);
  while (!closing_ && !failed_) {
    MOLDAU_TRY(view, batches.next());
    if (!view) {
      break;
    }
    MOLDAU_TRY(batch, decode_metadata_batch(*view, scratch_));
    applied_ = batch.last + 1;
    policy_.on_committed(batch.size_bytes);
    listener_->on_commit(batch);
  }
  return {};
}

void RaftClient::tell_leader() {
  if (!leader_change_ || closing_ || failed_) {
    return;
  }
  const bool leads = leader_change_->leader == options_.self.key.id;
  if (leads && applied_ <= leader_change_->epoch_start) {
    return;  // it has not seen all that was committed before
  }
  const LeaderChanged change = *std::exchange(leader_change_, std::nullopt);
  listener_->on_leader_change(change.epoch, change.leader);
}

// --- snapshots ---

bool RaftClient::snapshot_due() const noexcept {
  return !snapshot_in_progress_ && !failed_ && policy_.due(environment_.shard.clock().wall_ms());
}

std::optional<OffsetAndEpoch> RaftClient::latest_snapshot() const noexcept {
  return snapshots_.empty() ? std::nullopt : std::optional(snapshots_.back().id);
}

bool RaftClient::write_snapshot(OffsetAndEpoch id, std::int64_t last_contained_log_timestamp, SnapshotStore::Fill fill,
                                Function<void(Result<>)> done) {
  if (snapshot_in_progress_ || failed_ || closing_ || id.offset > applied_ || !quorum_->can_snapshot(id)) {
    return false;
  }
  // A replica that loads the snapshot goes on at its end: a batch must begin there.
  const auto next = log_->read(id.offset, log_->log_end(), 1, true);
  if (!next || (!next->empty() && next->base_offset != id.offset)) {
    return false;
  }
  snapshot_in_progress_ = true;
  policy_.on_snapshot_begun(environment_.shard.clock().wall_ms());
  BatchFileWriter::Header header;
  header.epoch = id.epoch;
  header.last_contained_log_timestamp = last_contained_log_timestamp;
  header.now_ms = environment_.shard.clock().wall_ms();
  if (const auto version = quorum_->voters().kraft_version_at(id.offset - 1); version >= kKraftVersionDynamic) {
    header.voters = {version, quorum_->voters().voters_at(id.offset - 1)};
  }
  run<Result<SnapshotInfo>>([store = store_, id, header,
                             fill = std::move(fill)]() mutable { return store.write(id, header, std::move(fill)); },
                            [this, done = std::move(done)](Result<SnapshotInfo> written) mutable {
                              snapshot_in_progress_ = false;
                              if (!written) {
                                log(environment_.logger, LogLevel::kError, "raft",
                                    "cannot write a metadata snapshot: {}", written.error().message());
                                done(std::unexpected(written.error()));
                                return;
                              }
                              log(environment_.logger, LogLevel::kInfo, "raft", "wrote metadata snapshot {} ({} bytes)",
                                  snapshot_file_name(written->id), written->size_bytes);
                              snapshots_.push_back(*written);
                              step(SnapshotWritten{written->id});
                              done({});
                              clean();
                            });
  return true;
}

void RaftClient::clean() {
  if (failed_ || closing_) {
    return;
  }
  cleaning_timer_.arm(environment_.shard.clock().now() + kCleaningInterval);
  const std::int64_t now_ms = environment_.shard.clock().wall_ms();
  std::vector<OffsetAndEpoch> doomed;
  if (const auto keep = policy_.keep_from(snapshots_, log_->size_bytes(), now_ms)) {
    const auto prefix_deleted = [&]() -> Result<> {
      MOLDAU_CHECK(log_->advance_log_start(keep->offset));
      MOLDAU_CHECK(log_->enforce_retention(now_ms, quorum_->high_watermark()));
      return {};
    };
    if (const auto deleted = prefix_deleted(); !deleted) {
      fail_with(deleted.error());
      return;
    }
    while (snapshots_.front().id < *keep) {
      doomed.push_back(snapshots_.front().id);
      snapshots_.erase(snapshots_.begin());
    }
    step(LogPrefixDeleted{*keep});
    log(environment_.logger, LogLevel::kInfo, "raft", "metadata log now begins at offset {}", keep->offset.value());
    environment_.sync.request(*this);
  }
  remove_files(std::move(doomed), log_->take_due_deletions(now_ms));
}

void RaftClient::remove_files(std::vector<OffsetAndEpoch> snapshots, std::vector<std::string> paths) {
  if (snapshots.empty() && paths.empty()) {
    return;
  }
  run<Result<>>(
      [store = store_, &fs = environment_.fs, snapshots = std::move(snapshots), paths = std::move(paths)]() mutable {
        Result<> outcome = store.remove(snapshots);
        for (const std::string& path : paths) {
          if (const auto removed = fs.remove_file(path);
              !removed && removed.error().kind() != ErrorKind::kNotFound && outcome) {
            outcome = removed;
          }
        }
        return outcome;
      },
      [this](Result<> outcome) {
        if (!outcome) {
          // They are in nobody's way, and the next start removes them.
          log(environment_.logger, LogLevel::kWarn, "raft", "cannot remove old metadata files: {}",
              outcome.error().message());
        }
      });
}

// --- the end ---

void RaftClient::fail_with(const Error& error) {
  if (failed_) {
    return;
  }
  failed_ = true;
  effects_.clear();
  timer_.cancel();
  cleaning_timer_.cancel();
  durable_end_timer_.cancel();
  log(environment_.logger, LogLevel::kError, "raft", "the metadata log in {} failed and is not written any more: {}",
      store_.directory(), error.message());
  // In a turn of its own: whoever appended does not expect to be called.
  environment_.shard.post([alive = alive_, error] {
    if (RaftClient* self = *alive; self != nullptr && self->listener_ != nullptr && !self->closing_) {
      self->listener_->on_failure(error);
    }
  });
}

void RaftClient::close(Callback closed) {
  MOLDAU_ASSERT(!closing_);
  if (listener_ != nullptr) {
    step(ShutdownRequested{});
  }
  closing_ = true;
  closed_ = std::move(closed);
  effects_.clear();
  timer_.cancel();
  cleaning_timer_.cancel();
  durable_end_timer_.cancel();
  finish_close_when_idle();
}

void RaftClient::finish_close_when_idle() {
  if (!closing_ || !closed_ || ticket_ != nullptr || jobs_ != 0) {
    return;
  }
  environment_.sync.withdraw(*this);
  // What was appended and not yet committed is synced by the clean close; the next start finds it.
  const bool clean = !failed_;
  run<Result<>>(
      [this, clean, leads = clean && persisted_ != 0, epoch = quorum_->epoch(), end = log_->log_end()]() -> Result<> {
        MOLDAU_CHECK(log_->close(clean));
        return leads ? write_durable_end(environment_.fs, store_.directory(), epoch, end) : Result<>();
      },
      [this, closed = std::exchange(closed_, {})](Result<> outcome) mutable {
        if (!outcome) {
          log(environment_.logger, LogLevel::kError, "raft", "cannot close the metadata log cleanly: {}",
              outcome.error().message());
        }
        closed();
      });
}

void RaftClient::arm_timer() {
  if (failed_ || closing_ || listener_ == nullptr) {
    return;
  }
  const Instant due = quorum_->deadline();
  if (due == kNeverInstant) {
    timer_.cancel();
  } else {
    timer_.arm(runtime::MonoTime(std::chrono::duration_cast<runtime::MonoTime::duration>(due)));
  }
}

template <class T>
void RaftClient::run(Function<T()> work, Function<void(T)> done) {
  ++jobs_;
  auto result = std::make_shared<std::optional<T>>();
  environment_.workers.run([work = std::move(work), result]() mutable { result->emplace(work()); }, environment_.shard,
                           [alive = alive_, result, done = std::move(done)]() mutable {
                             RaftClient* self = *alive;
                             if (self == nullptr) {
                               return;
                             }
                             --self->jobs_;
                             done(*std::move(*result));
                             // `done` may have destroyed the client: the last one does.
                             if (*alive != nullptr) {
                               self->finish_close_when_idle();
                             }
                           });
}

}  // namespace moldau::raft

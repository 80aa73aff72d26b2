#include "storage/recovery/log_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/probe.h"
#include "storage/epoch/leader_epoch_file.h"
#include "storage/recovery/directory_files.h"

namespace moldau::storage {
namespace {

bool is_damage(const Error& error) noexcept {
  return error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kTruncated;
}

struct Damage {
  std::size_t segment = 0;     // its index
  std::uint64_t position = 0;  // the good batches end here
  Offset next{0};              // the first offset that may be missing
  Error error{ErrorKind::kCorrupt, "unknown"};
};

class LogRecovery {
 public:
  LogRecovery(SegmentContext& context, const OpenHints& hints, runtime::Random& random, OpenReport& report)
      : context_(context),
        hints_(hints),
        random_(random),
        report_(report),
        bound_(std::max(hints.recovery_point, hints.durable_end.value_or(Offset(0)))) {}

  Result<RecoveredLog> run() {
    MOLDAU_TRY(files, settle_directory(context_, report_));
    files_ = std::move(files);
    MOLDAU_CHECK(open_segments());
    MOLDAU_CHECK(read_epochs());
    MOLDAU_CHECK(check_closed_segments());
    if (!report_.fence) {
      MOLDAU_CHECK(find_log_end());
    }
    if (report_.fence) {
      return finish_fenced();
    }
    MOLDAU_CHECK(settle_ends());
    if (report_.fence) {
      return finish_fenced();
    }
    for (auto step : {&LogRecovery::settle_epochs, &LogRecovery::load_producers, &LogRecovery::settle_durability}) {
      if (auto outcome = (this->*step)(); !outcome) {
        if (!is_damage(outcome.error())) {
          return std::unexpected(outcome.error());
        }
        fence({reading_, static_cast<std::uint64_t>(outcome.error().detail()), log_.segments[reading_]->base(),
               outcome.error()});
        return finish_fenced();
      }
    }
    return std::move(log_);
  }

 private:
  [[nodiscard]] static std::string name_of(const Segment& segment) {
    return log_file_name(segment.base(), FileRole::kLog);
  }
  [[nodiscard]] Segment& active() { return *log_.segments.back(); }

  // --- segments ---

  Result<> open_segments() {
    for (const auto& [base, files] : files_.segments) {
      MOLDAU_TRY(size, context_.fs.file_size(log_file_path(context_.directory, base, FileRole::kLog)));
      if (size > INT32_MAX) {
        return fail(ErrorKind::kTooLarge, "segment above 2 GiB", 0, base.value());
      }
      log_.segments.push_back(std::make_unique<Segment>(context_, base, size, files.has_transaction_index,
                                                        draw_roll_jitter(context_.config, random_), hints_.now_ms));
    }
    first_scanned_ = log_.segments.size();
    if (!hints_.clean_shutdown) {
      // The last batch below the recovery point may have been in the active segment, whose indexes were in memory:
      // where a segment begins just there, the files of the one before may not be on the disk.
      scan_from(std::max(Offset(0), hints_.recovery_point - 1));
    }
    return {};
  }

  // Segments from the one that holds `offset` on are scanned.
  void scan_from(Offset offset) { first_scanned_ = index_of(offset); }

  // Segments that are not scanned: a missing index is made anew; a damaged one is found when it is first used.
  Result<> check_closed_segments() {
    for (std::size_t i = 0; i < first_scanned_ && !report_.fence; ++i) {
      const SegmentFiles& files = files_.segments.at(log_.segments[i]->base());
      const bool is_active = i + 1 == log_.segments.size();
      if (!files.has_offset_index || !files.has_time_index || is_active) {
        MOLDAU_CHECK(load_or_rebuild(i));
      }
    }
    return {};
  }

  Result<> load_or_rebuild(std::size_t i) {
    Segment& segment = *log_.segments[i];
    const std::uint32_t before = context_.indexes_rebuilt;
    if (auto loaded = segment.load_indexes(); !loaded) {
      if (!is_damage(loaded.error())) {
        return loaded;
      }
      fence({i, static_cast<std::uint64_t>(loaded.error().detail()), segment.base(), loaded.error()});
    } else if (context_.indexes_rebuilt != before) {
      ++report_.indexes_rebuilt;
      report_.add(Severity::kWarn,
                  fmt::format("{}: index missing or damaged, made anew from the batches", name_of(segment)));
    }
    return {};
  }

  // Of the segments that are not scanned: the others' are written again in any case.
  Result<> check_transactions() {
    for (std::size_t i = 0; i < first_scanned_; ++i) {
      Segment& segment = *log_.segments[i];
      const Offset end = i + 1 < log_.segments.size() ? log_.segments[i + 1]->base() : log_.log_end;
      auto index = segment.transactions();
      if (index && ((*index)->empty() || (*index)->entries().back().last_offset < end)) {
        continue;
      }
      if (!index && !is_damage(index.error())) {
        return std::unexpected(index.error());
      }
      report_.add(Severity::kWarn, fmt::format("{}: {}, made anew from the batches",
                                               log_file_name(segment.base(), FileRole::kTransactionIndex),
                                               index ? "reaches beyond its segment" : index.error().message()));
      ++report_.indexes_rebuilt;
      broken_transactions_.push_back(&segment);
    }
    return {};
  }

  // --- the end of the log ---

  Result<> find_log_end() {
    if (log_.segments.empty()) {
      return {};
    }
    if (first_scanned_ == log_.segments.size()) {
      auto end = active().next_offset();
      if (end) {
        log_.log_end = *end;
        return {};
      }
      if (!is_damage(end.error())) {
        return std::unexpected(end.error());
      }
      report_.add(Severity::kWarn, fmt::format("{}: {}; scanned although the last stop was clean", name_of(active()),
                                               end.error().message()));
      --first_scanned_;
    }
    MOLDAU_TRY(damage, scan());
    if (!damage) {
      return {};
    }
    if (damage->next < bound_) {
      fence(*damage);
      return {};
    }
    return cut(*damage);
  }

  // Nothing is changed on the disk.
  Result<std::optional<Damage>> scan() {
    std::optional<Offset> expected;
    // The epochs' file may be older than a truncation of these segments: their batches say what is true.
    log_.epochs.truncate_from_end(log_.segments[first_scanned_]->base());
    for (std::size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      Segment& segment = *log_.segments[i];
      if (expected && !follows(segment, *expected)) {
        // The tail of the segment before, or a segment between, was lost without a trace.
        return Damage{
            i - 1, log_.segments[i - 1]->size_bytes(), *expected,
            Error(ErrorKind::kTruncated, "batches before the next segment are missing", 0, segment.base().value())};
      }
      MOLDAU_TRY(damage, scan_segment(i));
      if (damage) {
        return damage;
      }
      expected = log_.log_end;
    }
    return std::nullopt;
  }

  // Segments follow each other without a gap, but where compaction or the copy of a compacted log leaves some.
  [[nodiscard]] bool follows(const Segment& segment, Offset expected) const {
    return segment.base() == expected || (segment.base() > expected && context_.config.cleanup_compact);
  }

  Result<std::optional<Damage>> scan_segment(std::size_t i) {
    Segment& segment = *log_.segments[i];
    ++report_.segments_recovered;
    segment.reset_indexes();
    Offset next = segment.base();
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, 0, segment.size_bytes(), scan_buffer_, BatchScanner::kRecoveryChunk);
    for (;;) {
      const std::uint64_t position = scanner.position();
      auto batch = scanner.next();
      std::optional<Error> error;
      if (!batch) {
        error = batch.error();
      } else if (*batch) {
        auto good = check_batch(segment, (*batch)->header, next, scanner);
        if (!good) {
          error = good.error();
        }
      } else {
        segment.close_time_index();
        log_.log_end = next;
        return std::nullopt;
      }
      if (error) {
        if (!is_damage(*error)) {
          return std::unexpected(*error);
        }
        return Damage{i, position, next, *error};
      }
      const record::BatchHeader& header = (*batch)->header;
      segment.note(header, position);
      note_epoch(header);
      next = header.next_offset();
      report_.bytes_scanned += header.size_bytes();
    }
  }

  Result<> check_batch(const Segment& segment, const record::BatchHeader& header, Offset next,
                       BatchScanner& scanner) const {
    if (!segment.continues(header, next)) {
      return fail(ErrorKind::kCorrupt, "batch with an offset out of order");
    }
    if (header.next_offset() <= hints_.recovery_point) {
      return {};
    }
    MOLDAU_TRY(bytes, scanner.bytes());
    if (!record::BatchView{header, bytes}.crc_matches()) {
      return fail(ErrorKind::kCorrupt, "batch fails its checksum");
    }
    return {};
  }

  void fence(const Damage& damage) {
    MOLDAU_PROBE("recovery.fenced");
    const Segment& segment = *log_.segments[damage.segment];
    report_.fence = FenceReason{segment.base(), damage.position, damage.next, damage.error};
    report_.add(
        Severity::kError,
        fmt::format(
            "{} is damaged at position {} (offset {}): {}. All below offset {} was on the disk once, so this is not "
            "the "
            "end of an interrupted write: the log stays closed and unchanged. Restore the file from a replica or a "
            "backup, or move the directory away to give the partition up",
            name_of(segment), damage.position, damage.next.value(), damage.error.message(), bound_.value()));
  }

  // Later segments go first, and their names durably: were they still there after a cut, a second recovery would take
  // them for the continuation.
  Result<> cut(const Damage& damage) {
    MOLDAU_PROBE("recovery.cut_tail");
    while (log_.segments.size() > damage.segment + 1) {
      MOLDAU_CHECK(remove_segment("behind a damaged batch"));
    }
    if (context_.names_unsynced) {
      MOLDAU_CHECK(context_.fs.sync_dir(context_.directory));
    }
    Segment& segment = active();
    const std::uint64_t bytes = segment.size_bytes() - damage.position;
    report_.add(Severity::kWarn, fmt::format("{}: cut {} bytes from position {} (offset {}): {}", name_of(segment),
                                             bytes, damage.position, damage.next.value(), damage.error.message()));
    report_.bytes_cut += bytes;
    if (bytes > 0) {
      MOLDAU_CHECK(segment.cut(damage.position));
    }
    segment.close_time_index();
    log_.log_end = damage.next;
    return {};
  }

  Result<> remove_segment(std::string_view why) {
    Segment& segment = active();
    report_.add(Severity::kWarn,
                fmt::format("{}: removed with {} bytes, {}", name_of(segment), segment.size_bytes(), why));
    report_.bytes_cut += segment.size_bytes();
    ++report_.segments_removed;
    MOLDAU_TRY(paths, segment.rename_deleted());
    log_.deleted_paths.insert(log_.deleted_paths.end(), paths.begin(), paths.end());
    log_.segments.pop_back();
    return {};
  }

  // --- log start and log end ---

  Result<> settle_ends() {
    if (log_.segments.empty()) {
      log_.log_end = hints_.log_start;
    }
    if (hints_.durable_end && log_.log_end < *hints_.durable_end) {
      lose_end(*hints_.durable_end);
      return {};
    }
    if (log_.log_end < hints_.recovery_point) {
      report_.add(Severity::kWarn,
                  fmt::format("the log ends at offset {}, below its recovery point {}: records in between are gone",
                              log_.log_end.value(), hints_.recovery_point.value()));
    }
    if (!log_.segments.empty() && log_.log_end < hints_.log_start) {
      report_.add(Severity::kWarn, fmt::format("the log ends at offset {}, below its start {}: it begins anew there",
                                               log_.log_end.value(), hints_.log_start.value()));
      while (!log_.segments.empty()) {
        MOLDAU_CHECK(remove_segment("below the log start"));
      }
      log_.epochs.clear();
      log_.log_end = hints_.log_start;
    }
    if (log_.segments.empty()) {
      MOLDAU_TRY(segment,
                 Segment::create(context_, log_.log_end, draw_roll_jitter(context_.config, random_), hints_.now_ms));
      log_.segments.push_back(std::move(segment));
      first_scanned_ = 1;
    }
    log_.log_start = std::max(hints_.log_start, log_.segments.front()->base());
    return {};
  }

  // The trusted durable end says that there was more.
  void lose_end(Offset durable_end) {
    const Error error(ErrorKind::kTruncated, "the log ends below its durable end", 0, durable_end.value());
    if (!log_.segments.empty()) {
      fence({log_.segments.size() - 1, active().size_bytes(), log_.log_end, error});
      return;
    }
    report_.fence = FenceReason{hints_.log_start, 0, log_.log_end, error};
    report_.add(Severity::kError,
                fmt::format("no segment is left of a log that was on the disk up to offset {}: it stays closed. "
                            "Restore the files, or move the directory away to give the partition up",
                            durable_end.value()));
  }

  // --- leader epochs ---

  Result<> read_epochs() {
    const std::string path = runtime::join_path(context_.directory, kLeaderEpochFile);
    auto content = runtime::read_file(context_.fs, path, kLeaderEpochFileBytesMax);
    if (!content) {
      const ErrorKind kind = content.error().kind();
      if (kind != ErrorKind::kNotFound && kind != ErrorKind::kTooLarge) {
        return std::unexpected(content.error());
      }
      epochs_from_batches_ = true;
      epochs_problem_ = content.error().message();
      return {};
    }
    auto file = parse_leader_epochs(*content);
    if (!file || file->contradictory) {
      epochs_from_batches_ = true;
      epochs_problem_ = file ? "its entries contradict each other" : file.error().message();
      return {};
    }
    log_.epochs = std::move(file->cache);
    epochs_on_disk_ = log_.epochs;
    return {};
  }

  void note_epoch(const record::BatchHeader& header) {
    const auto latest = log_.epochs.latest();
    if (!latest || header.leader_epoch > latest->epoch) {
      log_.epochs.assign(header.leader_epoch, header.base_offset);
    }
  }

  // The epochs' file may tell of a log start whose checkpoint a crash lost: then records of the first epoch lie below
  // it.
  Result<> look_below_the_epochs() {
    const auto earliest = log_.epochs.earliest();
    if (epochs_from_batches_ || !earliest || earliest->start <= log_.log_start) {
      return {};
    }
    reading_ = index_of(log_.log_start);
    MOLDAU_TRY(first, log_.segments[reading_]->find(log_.log_start));
    if (first && first->header.leader_epoch >= LeaderEpoch(0) && first->header.leader_epoch <= earliest->epoch) {
      epochs_from_batches_ = true;
      epochs_problem_ = "begins above the log start";
    }
    return {};
  }

  Result<> settle_epochs() {
    const bool has_batches = std::ranges::any_of(log_.segments, [](const auto& segment) { return !segment->empty(); });
    MOLDAU_CHECK(look_below_the_epochs());
    if (epochs_from_batches_ && has_batches) {
      report_.add(Severity::kWarn,
                  fmt::format("{}: {}; made anew from the batches", kLeaderEpochFile, epochs_problem_));
      log_.epochs.clear();
      for (reading_ = 0; reading_ < log_.segments.size(); ++reading_) {
        MOLDAU_TRY(file, log_.segments[reading_]->file());
        BatchScanner scanner(*file, 0, log_.segments[reading_]->size_bytes(), scan_buffer_,
                             BatchScanner::kRecoveryChunk);
        for (;;) {
          MOLDAU_TRY(batch, scanner.next());
          if (!batch) {
            break;
          }
          note_epoch(batch->header);
        }
      }
    }
    log_.epochs.truncate_from_end(log_.log_end);
    log_.epochs.truncate_from_start(log_.log_start);
    log_.epochs_unsynced =
        epochs_from_batches_ ? has_batches : !std::ranges::equal(log_.epochs.entries(), epochs_on_disk_.entries());
    return {};
  }

  // --- producer state ---

  // Above the recovery point a snapshot may be older than the transaction indexes beside it, or newer than what is
  // left.
  [[nodiscard]] Offset snapshot_bound() const {
    return first_scanned_ == log_.segments.size() ? log_.log_end : std::min(hints_.recovery_point, log_.log_end);
  }

  Result<> load_producers() {
    MOLDAU_CHECK(check_transactions());
    log_.snapshots = files_.snapshots;
    MOLDAU_CHECK(drop_snapshots());
    MOLDAU_TRY(from, load_snapshot());
    // Only what the snapshot says can be too old here, as in Kafka: what the log itself says is as new as it gets, even
    // if the client's record times are not.
    log_.producers.expire(hints_.now_ms, context_.config.producer_id_expiration_ms);
    MOLDAU_CHECK(prepare_transaction_indexes(from));
    ReplayHooks hooks;
    reading_ = index_of(from);
    hooks.on_segment = [this](Segment& segment) {
      reading_ = index_of(segment.base());
      return snapshot_at(segment);
    };
    hooks.on_completed = [this](Segment& segment, const CompletedTxn& txn) { return write_completed(segment, txn); };
    return replay_producers(log_.segments, from, log_.log_end, log_.producers, hooks);
  }

  [[nodiscard]] std::size_t index_of(Offset offset) const {
    const auto above =
        std::ranges::find_if(log_.segments, [&](const auto& segment) { return segment->base() > offset; });
    return above == log_.segments.begin() ? 0 : static_cast<std::size_t>(above - log_.segments.begin()) - 1;
  }

  [[nodiscard]] const char* reason_to_drop(Offset snapshot, Offset bound, Offset kept) const {
    if (snapshot > log_.log_end) {
      return "the log ends before it";
    }
    if (snapshot > bound) {
      return "it lies above the recovery point";
    }
    if (snapshot < log_.log_start) {
      return "it lies below the log start";
    }
    return snapshot != kept && !is_segment_base(snapshot) ? "a newer one takes its place" : nullptr;
  }

  Result<> drop_snapshots() {
    const Offset bound = snapshot_bound();
    const auto newest = log_.snapshots.upper_bound(bound);
    const Offset kept = newest == log_.snapshots.begin() ? kNoOffset : *std::prev(newest);
    std::vector<Offset> dropped;
    for (const Offset offset : log_.snapshots) {
      if (const char* why = reason_to_drop(offset, bound, kept)) {
        report_.add(offset > log_.log_end ? Severity::kWarn : Severity::kInfo,
                    fmt::format("{}: removed, {}", log_file_name(offset, FileRole::kProducerSnapshot), why));
        dropped.push_back(offset);
      }
    }
    for (const Offset offset : dropped) {
      MOLDAU_CHECK(remove_snapshot(offset));
    }
    return {};
  }

  Result<> remove_snapshot(Offset offset) {
    log_.snapshots.erase(offset);
    return remove_producer_snapshot(context_, offset);
  }

  [[nodiscard]] bool is_segment_base(Offset offset) const {
    return std::ranges::any_of(log_.segments, [&](const auto& segment) { return segment->base() == offset; });
  }

  // The newest one that is whole; where to read on from.
  Result<Offset> load_snapshot() {
    while (!log_.snapshots.empty()) {
      const Offset offset = *log_.snapshots.rbegin();
      auto entries = read_producer_snapshot(context_, offset);
      if (entries) {
        log_.producers.load(*std::move(entries), offset);
        // Damage there is found when it is read: the state without the older batches is still right.
        if (auto restored = restore_windows(log_.segments, offset, log_.producers);
            !restored && !is_damage(restored.error())) {
          return std::unexpected(restored.error());
        }
        return offset;
      }
      if (entries.error().kind() == ErrorKind::kIo) {
        return std::unexpected(entries.error());
      }
      MOLDAU_PROBE("recovery.bad_snapshot");
      report_.add(Severity::kWarn, fmt::format("{}: removed, {}", log_file_name(offset, FileRole::kProducerSnapshot),
                                               entries.error().message()));
      MOLDAU_CHECK(remove_snapshot(offset));
    }
    log_.producers.reset(log_.log_start);
    return log_.log_start;
  }

  [[nodiscard]] bool rewrites_transactions(const Segment& segment) const {
    const bool scanned =
        first_scanned_ < log_.segments.size() && segment.base() >= log_.segments[first_scanned_]->base();
    return scanned || std::ranges::find(broken_transactions_, &segment) != broken_transactions_.end();
  }

  Result<> prepare_transaction_indexes(Offset& from) {
    for (Segment* segment : broken_transactions_) {
      MOLDAU_CHECK(segment->reset_transactions());
      if (segment->base() < from) {  // the snapshot is of no use: the transactions' begins lie before it
        from = log_.log_start;
        log_.producers.reset(from);
      }
    }
    for (std::size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      MOLDAU_CHECK(log_.segments[i]->keep_transactions_below(from));
    }
    return {};
  }

  Result<> write_completed(Segment& segment, const CompletedTxn& txn) {
    if (!txn.aborted || !rewrites_transactions(segment)) {
      return {};
    }
    return segment.append_aborted({txn.producer_id, txn.first_offset, txn.last_offset, txn.last_stable_offset});
  }

  // One for each segment above the recovery point, so that the next recovery need not read further back.
  Result<> snapshot_at(const Segment& segment) {
    if (segment.base() <= log_.log_start || log_.snapshots.contains(segment.base()) ||
        !rewrites_transactions(segment)) {
      return {};
    }
    MOLDAU_CHECK(write_producer_snapshot(context_, log_.producers));
    log_.snapshots.insert(segment.base());
    return {};
  }

  // --- durability ---

  Result<> settle_durability() {
    log_.durable_end =
        hints_.clean_shutdown && first_scanned_ == log_.segments.size() ? log_.log_end : std::min(bound_, log_.log_end);
    log_.recovery_point = std::min(snapshot_bound(), log_.durable_end);
    for (std::size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      MOLDAU_CHECK(log_.segments[i]->mark_unsynced());
      if (i + 1 < log_.segments.size()) {
        MOLDAU_CHECK(log_.segments[i]->write_indexes());
      }
      context_.names_unsynced = true;
    }
    return {};
  }

  Result<RecoveredLog> finish_fenced() {
    log_.log_start =
        log_.segments.empty() ? hints_.log_start : std::max(hints_.log_start, log_.segments.front()->base());
    log_.log_end = std::max(log_.log_start, report_.fence->offset);
    log_.durable_end = std::min(bound_, log_.log_end);
    log_.recovery_point = std::min(hints_.recovery_point, log_.durable_end);
    return std::move(log_);
  }

  SegmentContext& context_;
  const OpenHints& hints_;
  runtime::Random& random_;
  OpenReport& report_;
  const Offset bound_;  // damage below it fences, damage above it is cut
  DirectoryFiles files_;
  RecoveredLog log_;
  std::size_t first_scanned_ = 0;  // index of the first segment that is scanned
  std::size_t reading_ = 0;        // index of the one whose batches are read again
  ByteVector scan_buffer_;
  std::vector<Segment*> broken_transactions_;
  LeaderEpochCache epochs_on_disk_;
  std::string epochs_problem_;
  bool epochs_from_batches_ = false;
};

}  // namespace

Result<RecoveredLog> recover_log(SegmentContext& context, const OpenHints& hints, runtime::Random& random,
                                 OpenReport& report) {
  return LogRecovery(context, hints, random, report).run();
}

}  // namespace moldau::storage

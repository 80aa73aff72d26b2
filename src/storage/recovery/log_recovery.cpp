#include "storage/recovery/log_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/probe.h"
#include "storage/recovery/damage.h"
#include "storage/recovery/directory_files.h"
#include "storage/recovery/epoch_recovery.h"
#include "storage/recovery/producer_recovery.h"
#include "storage/recovery/segment_scan.h"
#include "storage/recovery/tail_cut.h"

namespace moldau::storage {
namespace {

// Without a durable end the topic does not wait for syncs, or the log was idle: all that was never synced may lie above
// the recovery point, gigabytes of it that nobody was promised.
constexpr std::uint64_t kWrittenAgainMax = 16 << 20;

// The order of the steps, and between which bounds each of them works.
class LogRecovery {
 public:
  LogRecovery(SegmentContext& context, const OpenHints& hints, runtime::Random& random, OpenReport& report)
      : context_(context),
        hints_(hints),
        random_(random),
        report_(report),
        bound_(std::max(hints.recovery_point, hints.durable_end.value_or(Offset(0)))) {}

  Result<RecoveredLog> run() {
    for (auto step : {&LogRecovery::settle_names, &LogRecovery::open_segments, &LogRecovery::read_epochs,
                      &LogRecovery::check_closed_segments, &LogRecovery::find_log_end, &LogRecovery::check_ends,
                      &LogRecovery::settle_ends, &LogRecovery::settle_epochs, &LogRecovery::load_producers,
                      &LogRecovery::settle_durability}) {
      MOLDAU_CHECK((this->*step)());
      if (report_.fence) {
        settle_fenced();
        break;
      }
    }
    return std::move(log_);
  }

 private:
  [[nodiscard]] Segment& active() { return *log_.segments.back(); }
  [[nodiscard]] bool scanned_any() const noexcept { return first_scanned_ < log_.segments.size(); }
  // Above it a producer snapshot may be older than the transaction indexes beside it, or newer than what is left.
  [[nodiscard]] Offset trusted_end() const {
    return scanned_any() ? std::min(hints_.recovery_point, log_.log_end) : log_.log_end;
  }

  // --- segments ---

  Result<> settle_names() {
    MOLDAU_TRY(found, settle_directory(context_, report_));
    files_ = std::move(found);
    return {};
  }

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
      first_scanned_ = holder_of(log_.segments, std::max(Offset(0), hints_.recovery_point - 1));
    }
    return {};
  }

  Result<> read_epochs() { return epochs_.read(); }

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
      return fence_if_damage(log_.segments, i, loaded.error(), bound_, report_);
    }
    if (context_.indexes_rebuilt != before) {
      ++report_.indexes_rebuilt;
      report_.add(Severity::kWarn,
                  fmt::format("{}: index missing or damaged, made anew from the batches", name_of(segment)));
    }
    return {};
  }

  // --- the ends of the log ---

  Result<> find_log_end() {
    if (log_.segments.empty()) {
      return {};
    }
    if (!scanned_any()) {
      MOLDAU_TRY(trusted, take_clean_end());
      if (trusted) {
        return {};
      }
    }
    SegmentScan scan(log_.segments, epochs_, context_.config, hints_, report_);
    MOLDAU_TRY(outcome, scan.run(first_scanned_));
    if (!outcome.damage) {
      log_.log_end = outcome.end;
      return {};
    }
    if (hints_.clean_shutdown && bound_ == Offset(0)) {
      bound_ =
          outcome.damage->next + 1;  // the log was closed somewhere: that no checkpoint says where is no leave to cut
    }
    if (outcome.damage->next < bound_) {
      fence(log_.segments, *outcome.damage, bound_, report_);
      return {};
    }
    return cut_tail(context_, *outcome.damage, log_, report_);
  }

  // False: the end that a clean stop should have left is not there, and the log must be scanned.
  Result<bool> take_clean_end() {
    MOLDAU_CHECK(remove_surplus_segments());
    auto end = active().next_offset();
    if (end && *end <= hints_.recovery_point) {
      log_.log_end = *end;
      return true;
    }
    if (!end && !is_damage(end.error())) {
      return std::unexpected(end.error());
    }
    // A log that is fenced is not closed: its recovery point stays where it was, below the damage.
    report_.add(Severity::kWarn, fmt::format("{}: {}; scanned although the last stop was clean", name_of(active()),
                                             end ? "the log ends above its recovery point" : end.error().message()));
    first_scanned_ =
        end ? holder_of(log_.segments, std::max(Offset(0), hints_.recovery_point - 1)) : log_.segments.size() - 1;
    return false;
  }

  // A clean stop leaves no segment that begins above the log end: an empty one there is nobody's.
  Result<> remove_surplus_segments() {
    while (log_.segments.size() > 1 && active().empty() && hints_.recovery_point > Offset(0) &&
           active().base() > hints_.recovery_point) {
      MOLDAU_CHECK(remove_last_segment(log_, "empty, and above the log end", report_));
    }
    first_scanned_ = log_.segments.size();
    return {};
  }

  // Whether the log reaches as far as its checkpoints say, at both ends.
  Result<> check_ends() {
    if (log_.segments.empty()) {
      log_.log_end = hints_.log_start;
    }
    if (hints_.log_start > kBaseOffsetMax) {
      close_log({ErrorKind::kCorrupt, "no log begins there", 0, hints_.log_start.value()}, log_.log_end,
                fmt::format("the log start is {} in log-start-offset-checkpoint", hints_.log_start.value()));
    } else if (log_.log_end < bound_) {
      const bool at_recovery_point = bound_ == hints_.recovery_point;
      close_log({ErrorKind::kTruncated,
                 at_recovery_point ? "the log ends below its recovery point" : "the log ends below its durable end", 0,
                 bound_.value()},
                log_.log_end,
                fmt::format("the log ends at offset {}, and was on the disk up to offset {}", log_.log_end.value(),
                            bound_.value()));
    } else if (log_.log_end < hints_.log_start && hints_.clean_shutdown && has_batches()) {
      close_log({ErrorKind::kTruncated, "the log ends below its log start", 0, hints_.log_start.value()}, log_.log_end,
                fmt::format("the log ends at offset {}, and its log start is {} in log-start-offset-checkpoint",
                            log_.log_end.value(), hints_.log_start.value()));
    } else if (hints_.clean_shutdown && !log_.segments.empty() && first_known() < log_.segments.front()->base()) {
      const Offset front = log_.segments.front()->base();
      close_log({ErrorKind::kTruncated, "segments before the first are missing", 0, front.value()}, first_known(),
                fmt::format("the first segment begins at offset {}, and the log began at offset {}", front.value(),
                            first_known().value()));
    }
    return {};
  }

  [[nodiscard]] bool has_batches() const {
    return std::ranges::any_of(log_.segments, [](const auto& segment) { return !segment->empty(); });
  }
  // Where the log began at a clean stop, as far as the files tell: without an entry in the checkpoint (Kafka writes
  // none where the log begins with its first segment) the leader epochs do, which are cut at the log start.
  [[nodiscard]] Offset first_known() const {
    if (hints_.log_start > Offset(0)) {
      return hints_.log_start;
    }
    const auto earliest = log_.epochs.earliest();
    return earliest ? earliest->start : log_.segments.front()->base();
  }

  Result<> settle_ends() {
    if (!log_.segments.empty() && log_.log_end < hints_.log_start) {
      MOLDAU_CHECK(set_aside());
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

  // Records may have been deleted behind the durable end, and the tail that held them lost: what is left lies below the
  // log start. But the checkpoint that says so has no checksum, so its word deletes nothing.
  Result<> set_aside() {
    MOLDAU_PROBE("recovery.set_aside");
    const std::string suffix = fmt::format(".aside-{}", hints_.log_start.value());
    report_.add(
        Severity::kError,
        fmt::format("the log ends at offset {}, below its start {} in log-start-offset-checkpoint: it begins anew "
                    "there, its files are kept with the suffix {}. Remove them, or, if the checkpoint is wrong, "
                    "mend it and give them their names back while the broker is stopped",
                    log_.log_end.value(), hints_.log_start.value(), suffix));
    for (; !log_.segments.empty(); log_.segments.pop_back()) {
      MOLDAU_TRY(paths, log_.segments.back()->rename_files(suffix));
      static_cast<void>(paths);
    }
    return {};
  }

  // Records are missing, and no file says where they were.
  void close_log(const Error& error, Offset missing, const std::string& finding) {
    const Offset base = log_.segments.empty() ? hints_.log_start : active().base();
    report_.fence = FenceReason{base, log_.segments.empty() ? 0 : active().size_bytes(), missing, error};
    report_.add(
        Severity::kError,
        fmt::format("{}{}: the log stays closed and unchanged. Restore its files, or the checkpoint, or delete the "
                    "topic to give them up",
                    log_.segments.empty() ? "no segment is left: " : "", finding));
  }

  // --- what is known of the batches ---

  Result<> settle_epochs() {
    auto settled = epochs_.settle();
    return settled ? settled : fence_if_damage(log_.segments, epochs_.reading(), settled.error(), bound_, report_);
  }

  Result<> load_producers() {
    ProducerRecovery producers(context_, first_scanned_, log_, report_);
    auto loaded = producers.run(std::move(files_.snapshots), trusted_end(), hints_.now_ms);
    return loaded ? loaded : fence_if_damage(log_.segments, producers.reading(), loaded.error(), bound_, report_);
  }

  // --- durability ---

  Result<> settle_durability() {
    log_.durable_end = hints_.clean_shutdown && !scanned_any() ? log_.log_end : std::min(bound_, log_.log_end);
    log_.recovery_point = std::min(trusted_end(), log_.durable_end);
    for (std::size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      MOLDAU_CHECK(log_.segments[i]->mark_unsynced());
      if (i + 1 < log_.segments.size()) {
        MOLDAU_CHECK(log_.segments[i]->write_indexes());
      }
      context_.names_unsynced = true;
    }
    return write_unsynced_again();
  }

  // After a sync that failed, the kernel holds the pages for clean that it could not write: they are read as if they
  // were on the disk, and no later sync writes them. What lies above the durable end is therefore written once more.
  Result<> write_unsynced_again() {
    struct Rest {
      Segment* segment;
      std::uint64_t position;
    };
    std::vector<Rest> rests;
    std::uint64_t bytes = 0;
    for (std::size_t i = first_scanned_; i < log_.segments.size(); ++i) {
      Segment& segment = *log_.segments[i];
      MOLDAU_TRY(first, segment.find(log_.durable_end));
      if (first) {
        rests.push_back({&segment, first->position});
        bytes += segment.size_bytes() - first->position;
      }
    }
    if (hints_.durable_end.value_or(Offset(0)) == Offset(0) && bytes > kWrittenAgainMax) {
      return {};
    }
    for (const Rest& rest : rests) {
      MOLDAU_CHECK(rest.segment->write_again(rest.position));
    }
    return {};
  }

  // The marks of a fenced log stay what they were: what is checkpointed from them bounds the next recovery too.
  void settle_fenced() {
    log_.log_start = hints_.log_start;
    log_.durable_end = bound_;
    log_.recovery_point = hints_.recovery_point;
    log_.log_end = std::max({log_.log_start, log_.durable_end, report_.fence->offset});
  }

  SegmentContext& context_;
  const OpenHints& hints_;
  runtime::Random& random_;
  OpenReport& report_;
  Offset bound_;  // damage below it fences, damage above it is cut
  DirectoryFiles files_;
  RecoveredLog log_;
  EpochRecovery epochs_{context_, log_, report_};
  std::size_t first_scanned_ = 0;  // index of the first segment that is scanned
};

}  // namespace

Result<RecoveredLog> recover_log(SegmentContext& context, const OpenHints& hints, runtime::Random& random,
                                 OpenReport& report) {
  return LogRecovery(context, hints, random, report).run();
}

}  // namespace moldau::storage

#include "storage/recovery/log_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/recovery/damage.h"
#include "storage/recovery/directory_files.h"
#include "storage/recovery/epoch_recovery.h"
#include "storage/recovery/producer_recovery.h"
#include "storage/recovery/segment_scan.h"
#include "storage/recovery/tail_cut.h"

namespace moldau::storage {
namespace {

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
                      &LogRecovery::check_closed_segments, &LogRecovery::find_log_end, &LogRecovery::settle_ends,
                      &LogRecovery::settle_epochs, &LogRecovery::load_producers, &LogRecovery::settle_durability}) {
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
    SegmentScan scan(log_.segments, epochs_, context_.config, hints_.recovery_point, report_);
    MOLDAU_TRY(outcome, scan.run(first_scanned_));
    if (!outcome.damage) {
      log_.log_end = outcome.end;
      return {};
    }
    if (outcome.damage->next < bound_) {
      fence(log_.segments, *outcome.damage, bound_, report_);
      return {};
    }
    return cut_tail(context_, *outcome.damage, log_, report_);
  }

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
        MOLDAU_CHECK(remove_last_segment(log_, "below the log start", report_));
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
      fence(log_.segments, {log_.segments.size() - 1, active().size_bytes(), log_.log_end, error}, bound_, report_);
      return;
    }
    report_.fence = FenceReason{hints_.log_start, 0, log_.log_end, error};
    report_.add(Severity::kError,
                fmt::format("no segment is left of a log that was on the disk up to offset {}: it stays closed. "
                            "Restore the files, or move the directory away to give the partition up",
                            durable_end.value()));
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
    return {};
  }

  void settle_fenced() {
    log_.log_start =
        log_.segments.empty() ? hints_.log_start : std::max(hints_.log_start, log_.segments.front()->base());
    log_.log_end = std::max(log_.log_start, report_.fence->offset);
    log_.durable_end = std::min(bound_, log_.log_end);
    log_.recovery_point = std::min(hints_.recovery_point, log_.durable_end);
  }

  SegmentContext& context_;
  const OpenHints& hints_;
  runtime::Random& random_;
  OpenReport& report_;
  const Offset bound_;  // damage below it fences, damage above it is cut
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

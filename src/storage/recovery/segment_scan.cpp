#include "storage/recovery/segment_scan.h"

#include "base/assert.h"

namespace moldau::storage {

SegmentScan::SegmentScan(Segments& segments, EpochRecovery& epochs, const LogConfig& config, const OpenHints& hints,
                         OpenReport& report)
    : segments_(segments),
      epochs_(epochs),
      config_(config),
      recovery_point_(hints.recovery_point),
      compacted_below_(hints.compacted_below),
      report_(report) {}

Result<ScanOutcome> SegmentScan::run(std::size_t first) {
  MOLDAU_ASSERT(first < segments_.size(), static_cast<std::int64_t>(first));
  // The epochs' file may be older than a truncation of these segments: their batches say what is true.
  epochs_.forget_from(segments_[first]->base());
  std::optional<Offset> expected;
  for (std::size_t i = first; i < segments_.size(); ++i) {
    const Segment& segment = *segments_[i];
    if (expected && !follows(segment, *expected)) {
      // The tail of the segment before, or a segment between, was lost without a trace.
      const Error error(ErrorKind::kTruncated, "batches before the next segment are missing", 0,
                        segment.base().value());
      return ScanOutcome{*expected, Damage{i - 1, segments_[i - 1]->size_bytes(), *expected, error}};
    }
    MOLDAU_TRY(outcome, scan(i));
    if (outcome.damage) {
      return outcome;
    }
    expected = outcome.end;
  }
  return ScanOutcome{*expected, std::nullopt};
}

bool SegmentScan::gap_is_fine(Offset at) const {
  return config_.cleanup_compact || saw_gaps_ || at < compacted_below_;
}

bool SegmentScan::follows(const Segment& segment, Offset expected) const {
  return segment.base() == expected || (segment.base() > expected && gap_is_fine(expected));
}

Result<ScanOutcome> SegmentScan::scan(std::size_t i) {
  Segment& segment = *segments_[i];
  ++report_.segments_recovered;
  segment.reset_indexes();
  doubtful_.reset();
  Offset next = segment.base();
  MOLDAU_TRY(file, segment.file());
  BatchScanner scanner(*file, 0, segment.size_bytes(), buffer_, BatchScanner::kRecoveryChunk);
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
      return end_of(i, next);
    }
    if (error) {
      if (!is_damage(*error)) {
        return std::unexpected(*error);
      }
      return doubtful_ ? ScanOutcome{doubtful_->expected, Damage{i, doubtful_->position, doubtful_->expected, *error}}
                       : ScanOutcome{next, Damage{i, position, next, *error}};
    }
    const record::BatchHeader& header = (*batch)->header;
    if (header.base_offset == next) {
      confirm(segment);
      accept(segment, header, position);
    } else if (gap_is_fine(next)) {
      accept(segment, header, position);
    } else {
      confirm(segment);
      doubtful_ = Doubtful{header, position, next};
    }
    next = header.next_offset();
  }
}

// The segment's file ends behind the batches up to `next`.
Result<ScanOutcome> SegmentScan::end_of(std::size_t i, Offset next) {
  Segment& segment = *segments_[i];
  if (doubtful_) {
    const bool is_confirmed = i + 1 < segments_.size() && segments_[i + 1]->base() == next;
    if (!is_confirmed) {
      const Error error(ErrorKind::kCorrupt, "batch with an offset out of order");
      return ScanOutcome{doubtful_->expected, Damage{i, doubtful_->position, doubtful_->expected, error}};
    }
    confirm(segment);
  }
  segment.close_time_index();
  return ScanOutcome{next, std::nullopt};
}

void SegmentScan::confirm(Segment& segment) {
  if (doubtful_) {
    saw_gaps_ = true;
    accept(segment, doubtful_->header, doubtful_->position);
    doubtful_.reset();
  }
}

void SegmentScan::accept(Segment& segment, const record::BatchHeader& header, std::uint64_t position) {
  segment.note(header, position);
  epochs_.note(header);
  report_.bytes_scanned += header.size_bytes();
}

Result<> SegmentScan::check_batch(const Segment& segment, const record::BatchHeader& header, Offset next,
                                  BatchScanner& scanner) const {
  if (!segment.continues(header, next)) {
    return fail(ErrorKind::kCorrupt, "batch with an offset out of order");
  }
  if (header.next_offset() <= recovery_point_) {
    return {};
  }
  MOLDAU_TRY(bytes, scanner.bytes());
  if (!record::BatchView{header, bytes}.crc_matches()) {
    return fail(ErrorKind::kCorrupt, "batch fails its checksum");
  }
  return {};
}

}  // namespace moldau::storage

#include "storage/recovery/epoch_recovery.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/epoch/leader_epoch_file.h"
#include "storage/segment/batch_scanner.h"

namespace moldau::storage {

Result<> EpochRecovery::read() {
  const std::string path = runtime::join_path(context_.directory, kLeaderEpochFile);
  auto content = runtime::read_file(context_.fs, path, kLeaderEpochFileBytesMax);
  if (!content) {
    const ErrorKind kind = content.error().kind();
    if (kind != ErrorKind::kNotFound && kind != ErrorKind::kTooLarge) {
      return std::unexpected(content.error());
    }
    distrust(content.error().message());
    return {};
  }
  auto file = parse_leader_epochs(*content);
  if (!file || file->contradictory) {
    distrust(file ? "its entries contradict each other" : file.error().message());
    return {};
  }
  log_.epochs = std::move(file->cache);
  on_disk_ = log_.epochs;
  return {};
}

void EpochRecovery::distrust(std::string problem) {
  from_batches_ = true;
  problem_ = std::move(problem);
}

void EpochRecovery::note(const record::BatchHeader& header) {
  const auto latest = log_.epochs.latest();
  if (!latest || header.leader_epoch > latest->epoch) {
    log_.epochs.assign(header.leader_epoch, header.base_offset);
  }
}

// The file may tell of a log start whose checkpoint a crash lost: then records of the first epoch lie below it.
Result<> EpochRecovery::look_below_the_first() {
  const auto earliest = log_.epochs.earliest();
  if (from_batches_ || !earliest || earliest->start <= log_.log_start) {
    return {};
  }
  reading_ = holder_of(log_.segments, log_.log_start);
  MOLDAU_TRY(first, log_.segments[reading_]->find(log_.log_start));
  if (first && first->header.leader_epoch >= LeaderEpoch(0) && first->header.leader_epoch <= earliest->epoch) {
    distrust("begins above the log start");
  }
  return {};
}

Result<> EpochRecovery::settle() {
  const bool has_batches = std::ranges::any_of(log_.segments, [](const auto& segment) { return !segment->empty(); });
  MOLDAU_CHECK(look_below_the_first());
  if (from_batches_ && has_batches) {
    report_.add(Severity::kWarn, fmt::format("{}: {}; made anew from the batches", kLeaderEpochFile, problem_));
    MOLDAU_CHECK(read_batches());
  }
  log_.epochs.truncate_from_end(log_.log_end);
  log_.epochs.truncate_from_start(log_.log_start);
  log_.epochs_unsynced = from_batches_ ? has_batches : !std::ranges::equal(log_.epochs.entries(), on_disk_.entries());
  return {};
}

Result<> EpochRecovery::read_batches() {
  log_.epochs.clear();
  ByteVector buffer;
  for (reading_ = 0; reading_ < log_.segments.size(); ++reading_) {
    Segment& segment = *log_.segments[reading_];
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, 0, segment.size_bytes(), buffer, BatchScanner::kRecoveryChunk);
    for (;;) {
      MOLDAU_TRY(batch, scanner.next());
      if (!batch) {
        break;
      }
      note(batch->header);
    }
  }
  return {};
}

}  // namespace moldau::storage

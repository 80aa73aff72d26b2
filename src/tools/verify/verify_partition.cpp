#include "tools/verify/verify_partition.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "protocol/record/batch.h"
#include "protocol/record/control_record.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/scratch.h"
#include "storage/checkpoint/partition_metadata.h"
#include "storage/epoch/leader_epoch_file.h"
#include "storage/producer_state/producer_snapshot.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/segment_files.h"
#include "tools/verify/index_check.h"

namespace moldau::tools {
namespace {

using storage::FileRole;
using storage::FileStage;

constexpr std::size_t kDecompressedBytesMax = std::size_t{1} << 30;  // a tool may look at what a broker would refuse

class PartitionCheck {
 public:
  PartitionCheck(VerifyReport& report, const std::string& directory, const PartitionClaims& claims)
      : report_(report), directory_(directory), claims_(claims) {}

  std::optional<LogExtent> run() {
    const auto listed = report_.fs().list(directory_);
    if (!listed) {
      report_.refuse(directory_, listed.error().message());
      return std::nullopt;
    }
    ++report_.counts.partitions;
    sort_files(*listed);
    if (claims_.needs_metadata_file) {
      check_partition_metadata();
    }
    read_epochs();
    const auto snapshots = std::exchange(snapshots_, {});
    auto snapshot = snapshots.begin();
    if (!logs_.empty()) {
      extent_.first = extent_.end = logs_.front();
    }
    for (std::size_t i = 0; i < logs_.size(); ++i) {
      for (; snapshot != snapshots.end() && *snapshot <= logs_[i]; ++snapshot) {
        check_snapshot(*snapshot);  // those of later segments, by the walk so far
      }
      check_segment(logs_[i], i + 1 == logs_.size());
    }
    for (; snapshot != snapshots.end(); ++snapshot) {
      check_snapshot(*snapshot);
    }
    check_epochs_end();
    if (claims_.durable && extent_.end < *claims_.durable) {
      report_.fault(directory_, fmt::format("the log ends at offset {}; records up to {} were on the disk",
                                            extent_.end.value(), claims_.durable->value()));
    }
    return extent_;
  }

 private:
  struct Producer {
    ProducerEpoch epoch = kNoProducerEpoch;
    std::int32_t last_sequence = kNoSequence;
    Offset last_offset = kNoOffset;  // of its last batch with records
    Offset txn_first = kNoOffset;    // of the open transaction
  };

  void sort_files(const std::vector<runtime::DirEntry>& entries) {
    for (const runtime::DirEntry& entry : entries) {
      const auto name = storage::parse_log_file_name(entry.name);
      if (!name) {
        continue;
      }
      if (name->stage != FileStage::kLive) {
        report_.note(file(entry.name), "left by an operation that was not finished");
      } else if (name->role == FileRole::kLog) {
        logs_.push_back(name->base);
      } else if (name->role == FileRole::kProducerSnapshot) {
        snapshots_.push_back(name->base);
      } else {
        indexed_.push_back({name->base, entry.name});
      }
    }
    std::ranges::sort(logs_);
    std::ranges::sort(snapshots_);
    for (const auto& [base, name] : indexed_) {
      if (!std::ranges::binary_search(logs_, base)) {
        report_.note(file(name), "an index without its log");
      }
    }
  }

  [[nodiscard]] std::string file(std::string_view name) const { return runtime::join_path(directory_, name); }

  void check_partition_metadata() {
    const auto metadata = storage::read_partition_metadata(report_.fs(), directory_);
    if (!metadata && metadata.error().kind() == ErrorKind::kNotFound) {
      report_.note(file(storage::kPartitionMetadataFile), "is missing: no topic id is known here");
    } else if (!metadata) {
      report_.fault(file(storage::kPartitionMetadataFile), metadata.error());
    }
  }

  void read_epochs() {
    const std::string path = file(storage::kLeaderEpochFile);
    const auto content = runtime::read_file(report_.fs(), path, storage::kLeaderEpochFileBytesMax);
    if (!content) {
      if (content.error().kind() != ErrorKind::kNotFound) {
        report_.fault(path, content.error());
      }
      return;
    }
    auto epochs = storage::parse_leader_epochs(*content);
    if (!epochs) {
      return report_.fault(path, epochs.error());
    }
    if (epochs->contradictory) {
      report_.fault(path, "entries contradict each other");
    }
    epochs_ = std::move(epochs->cache);
  }

  // Damage above what is known to be on the disk, in the newest segment of a node that did not stop cleanly, is what
  // the next start cuts.
  [[nodiscard]] bool may_be_cut(bool newest, Offset at) const {
    return newest && !claims_.cleanly_stopped && (!claims_.durable || at >= *claims_.durable);
  }

  void tail_fault(const std::string& path, bool newest, const std::string& what, std::uint64_t position) {
    if (may_be_cut(newest, extent_.end)) {
      report_.note(path, what + "; above what was on the disk for certain: the next start cuts here", position);
    } else {
      report_.fault(path, what, position);
    }
    extent_.sound = false;
  }

  void check_segment(Offset base, bool newest) {
    const std::string path = storage::log_file_path(directory_, base, FileRole::kLog);
    ++report_.counts.segments;
    if (base < extent_.end) {
      report_.fault(
          path, fmt::format("begins at offset {}, the segment before ends at {}", base.value(), extent_.end.value()));
    } else if (base > extent_.end && extent_.sound && !claims_.cleaned) {
      report_.fault(path, fmt::format("begins at offset {}, the segment before ends at {}: offsets are missing",
                                      base.value(), extent_.end.value()));
    }
    extent_.end = std::max(extent_.end, base);
    const auto log = report_.fs().open(path, runtime::OpenMode::kRead);
    if (!log) {
      return report_.fault(path, log.error());
    }
    const auto size = (*log)->size();
    if (!size) {
      return report_.fault(path, size.error());
    }
    const bool indexed = !newest || claims_.cleanly_stopped;
    OffsetIndexCheck offsets(report_, storage::log_file_path(directory_, base, FileRole::kOffsetIndex), base, indexed);
    TimeIndexCheck times(report_, storage::log_file_path(directory_, base, FileRole::kTimeIndex), base, indexed);
    TransactionIndexCheck aborted(report_, storage::log_file_path(directory_, base, FileRole::kTransactionIndex), base);
    const bool was_sound = std::exchange(extent_.sound, true);
    ByteVector buffer;
    storage::BatchScanner scanner(**log, 0, *size, buffer, storage::BatchScanner::kRecoveryChunk);
    for (;;) {
      const auto found = scanner.next();
      if (!found) {
        const bool torn = found.error().kind() == ErrorKind::kTruncated;
        tail_fault(path, newest,
                   torn ? fmt::format("{} bytes that are no whole batch", *size - scanner.position())
                        : found.error().message(),
                   scanner.position());
        break;
      }
      if (!*found) {
        break;
      }
      const auto bytes = scanner.bytes();
      if (!bytes) {
        report_.fault(path, bytes.error().message(), (*found)->position);
        extent_.sound = false;
        break;
      }
      if (!check_batch(path, newest, {.header = (*found)->header, .bytes = *bytes}, (*found)->position, base,
                       aborted)) {
        break;
      }
      offsets.on_batch((*found)->position, (*found)->header);
      times.on_batch((*found)->header);
      report_.counts.bytes += (*found)->header.size_bytes();
    }
    // Behind damage nothing can be held against the log.
    const bool lenient = !extent_.sound || (newest && !claims_.cleanly_stopped);
    offsets.finish(lenient);
    times.finish(lenient, !newest && extent_.sound);
    aborted.finish(lenient);
    extent_.sound = extent_.sound && was_sound;
  }

  // False: nothing behind it can be trusted.
  bool check_batch(const std::string& path, bool newest, const record::BatchView& batch, std::uint64_t position,
                   Offset base, TransactionIndexCheck& aborted) {
    const record::BatchHeader& header = batch.header;
    if (!batch.crc_matches()) {
      tail_fault(path, newest, fmt::format("the batch's checksum is {}, computed {}", header.crc, batch.computed_crc()),
                 position);
      return false;
    }
    ++report_.counts.batches;
    if (header.base_offset < base || header.base_offset < extent_.end) {
      report_.fault(path,
                    fmt::format("a batch begins at offset {}, the one before ends with {}", header.base_offset.value(),
                                extent_.end.value() - 1),
                    position);
    } else if (header.base_offset > extent_.end && !claims_.cleaned) {
      report_.fault(path,
                    fmt::format("a batch begins at offset {}, the one before ends with {}: offsets are missing",
                                header.base_offset.value(), extent_.end.value() - 1),
                    position);
    }
    if (header.last_offset_delta < 0) {
      report_.fault(path, "a batch ends before it begins", position);
      return true;
    }
    extent_.end = std::max(extent_.end, header.next_offset());
    check_epoch(path, header, position);
    check_records(path, batch, position, aborted);
    return true;
  }

  void check_epoch(const std::string& path, const record::BatchHeader& header, std::uint64_t position) {
    if (header.leader_epoch == epoch_) {
      return;
    }
    if (header.leader_epoch < epoch_) {
      report_.fault(path, fmt::format("leader epoch {} follows {}", header.leader_epoch.value(), epoch_.value()),
                    position);
      return;
    }
    epoch_ = header.leader_epoch;
    // Where the log was cut from the front, its first epoch may begin anywhere in its first batches.
    if (epochs_ && !epochs_->empty() && header.base_offset >= epochs_->entries().front().start &&
        epochs_->epoch_for(header.base_offset) != epoch_ && claims_.cleanly_stopped) {
      report_.fault(file(storage::kLeaderEpochFile), fmt::format("does not say that epoch {} is in force at offset {}",
                                                                 epoch_.value(), header.base_offset.value()));
    }
  }

  void check_epochs_end() {
    if (!epochs_ || !extent_.sound) {
      return;
    }
    if (const auto latest = epochs_->latest(); latest && latest->start > extent_.end) {
      report_.fault(file(storage::kLeaderEpochFile),
                    fmt::format("epoch {} begins at offset {}, the log ends at {}", latest->epoch.value(),
                                latest->start.value(), extent_.end.value()));
    }
  }

  void check_records(const std::string& path, const record::BatchView& batch, std::uint64_t position,
                     TransactionIndexCheck& aborted) {
    const record::BatchHeader& header = batch.header;
    record::RecordWalker walker(batch, scratch_, kDecompressedBytesMax);
    std::int32_t previous = -1;
    std::int64_t youngest = kNoTimestamp;
    while (const record::RecordView* record = walker.next()) {
      ++report_.counts.records;
      if (record->offset_delta <= previous || record->offset_delta > header.last_offset_delta) {
        report_.fault(
            path,
            fmt::format("offset {} follows {} in a batch of [{}, {}]", header.offset_at(record->offset_delta).value(),
                        header.offset_at(previous).value(), header.base_offset.value(), header.last_offset().value()),
            position);
        return;
      }
      previous = record->offset_delta;
      youngest = std::max(youngest, header.timestamp_at(record->timestamp_delta));
      if (header.is_control() && header.has_producer_id()) {
        on_marker(header, *record, aborted);
      }
    }
    if (!walker.ok()) {
      return report_.fault(path, "the batch's records: " + walker.error().message(), position);
    }
    // A batch from which a cleaner took records keeps the time that it had.
    if (header.record_count > 0 && youngest > header.max_timestamp) {
      report_.fault(path,
                    fmt::format("the batch's largest time is said to be {}, it is {}", header.max_timestamp, youngest),
                    position);
    }
    if (header.has_producer_id() && !header.is_control()) {
      on_batch_of_producer(header);
    }
  }

  void on_batch_of_producer(const record::BatchHeader& header) {
    Producer& producer = producers_[header.producer_id];
    producer.epoch = header.producer_epoch;
    producer.last_sequence = header.last_sequence();
    producer.last_offset = header.last_offset();
    if (header.is_transactional() && producer.txn_first == kNoOffset) {
      producer.txn_first = header.base_offset;
    }
  }

  void on_marker(const record::BatchHeader& header, const record::RecordView& record, TransactionIndexCheck& aborted) {
    const auto type = record::parse_control_record_key(record.key.value_or(Bytes()));
    Producer& producer = producers_[header.producer_id];
    if (type && *type == record::ControlRecordType::kAbort) {
      aborted.on_abort(header.producer_id, producer.txn_first, header.offset_at(record.offset_delta));
    }
    if (producer.epoch != header.producer_epoch) {
      producer.epoch = header.producer_epoch;
      producer.last_offset = kNoOffset;  // another epoch forgets the batches
    }
    producer.txn_first = kNoOffset;
  }

  // By the walk up to the segment that begins at or above it: snapshots lie at segments' beginnings and at clean stops.
  void check_snapshot(Offset at) {
    const std::string path = storage::log_file_path(directory_, at, FileRole::kProducerSnapshot);
    const auto content = runtime::read_file(report_.fs(), path, storage::kProducerSnapshotBytesMax);
    if (!content) {
      return report_.fault(path, content.error());
    }
    const auto entries = storage::parse_producer_snapshot(*content);
    if (!entries) {
      return report_.fault(path, entries.error());
    }
    if (!extent_.sound || at != extent_.end) {
      return;  // between batches that this walk has not stopped at: its form is all that can be told
    }
    for (const auto& [id, entry] : *entries) {
      const auto found = producers_.find(id);
      const Offset last = entry.batches().empty() ? kNoOffset : entry.batches().back().last_offset;
      if (last >= at) {
        report_.fault(path, fmt::format("producer {} is said to have written offset {}", id.value(), last.value()));
      } else if (found != producers_.end() && last != kNoOffset && found->second.last_offset != kNoOffset &&
                 (found->second.last_offset != last || found->second.last_sequence != entry.last_sequence() ||
                  found->second.epoch != entry.epoch)) {
        report_.fault(
            path,
            fmt::format("producer {} is said to have epoch {}, sequence {} at offset {}; the log has epoch {}, "
                        "sequence {} at offset {}",
                        id.value(), entry.epoch.value(), entry.last_sequence(), last.value(),
                        found->second.epoch.value(), found->second.last_sequence, found->second.last_offset.value()));
      }
    }
  }

  VerifyReport& report_;
  const std::string& directory_;
  const PartitionClaims& claims_;
  std::vector<Offset> logs_;
  std::vector<Offset> snapshots_;
  std::vector<std::pair<Offset, std::string>> indexed_;
  std::optional<storage::LeaderEpochCache> epochs_;
  LogExtent extent_;
  LeaderEpoch epoch_ = kNoLeaderEpoch;
  std::map<ProducerId, Producer> producers_;
  record::Scratch scratch_;
};

}  // namespace

std::optional<LogExtent> verify_partition(VerifyReport& report, const std::string& directory,
                                          const PartitionClaims& claims) {
  return PartitionCheck(report, directory, claims).run();
}

}  // namespace moldau::tools

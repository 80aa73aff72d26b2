#include "sim/checker/stored_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "protocol/record/batch.h"
#include "storage/epoch/leader_epoch_file.h"
#include "storage/index/offset_index.h"
#include "storage/index/time_index.h"
#include "storage/producer_state/producer_snapshot.h"
#include "storage/segment/segment_files.h"

namespace moldau::sim {
namespace {

using storage::FileRole;

constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} << 20;

struct StoredBatch {
  record::BatchHeader header;
  std::uint64_t position = 0;
};

class StoredLog {
 public:
  StoredLog(runtime::FileSystem& fs, const std::string& directory, Function<void(std::string)>& report)
      : fs_(fs), directory_(directory), report_(report) {}

  void check(const ReadRange& read) {
    const auto listed = fs_.list(directory_);
    if (!listed) {
      return fault("cannot be listed");
    }
    std::map<FileRole, std::vector<Offset>> files;
    for (const runtime::DirEntry& entry : *listed) {
      const auto name = storage::parse_log_file_name(entry.name);
      if (name && name->stage == storage::FileStage::kLive) {
        files[name->role].push_back(name->base);
      }
    }
    std::ranges::sort(files[FileRole::kLog]);
    std::ranges::sort(files[FileRole::kProducerSnapshot]);
    read_ = read;
    for (const Offset base : files[FileRole::kLog]) {
      read_segment(base);
    }
    const Offset first = first_.value_or(next_);
    if (first > read.start || next_ != read.end) {
      fault(fmt::format("I13: the stored log is [{}, {}), clients read [{}, {})", first.value(), next_.value(),
                        read.start.value(), read.end.value()));
    }
    whole_ = first == Offset(0);
    for (const Offset base : files[FileRole::kProducerSnapshot]) {
      if (!read.compacted || base == files[FileRole::kProducerSnapshot].back()) {
        check_snapshot(base);
      }
    }
    check_epochs();
  }

 private:
  void fault(const std::string& what) { report_(directory_ + ": " + what); }

  ByteVector content(const std::string& name) {
    auto bytes = runtime::read_file(fs_, runtime::join_path(directory_, name), kFileBytesMax);
    if (!bytes) {
      fault(name + " cannot be read");
      return {};
    }
    return *std::move(bytes);
  }

  [[nodiscard]] bool follows(Offset offset) const { return read_.compacted ? offset >= next_ : offset == next_; }

  void read_segment(Offset base) {
    const ByteVector bytes = content(storage::log_file_name(base, FileRole::kLog));
    if (!first_ || (!follows(base) && base <= read_.start)) {
      first_ = base;
      batches_.clear();  // what a crash left of a deletion: of several names some are lost, in any order
    } else if (!batches_.empty() && !follows(base)) {
      fault(fmt::format("I13: a segment begins at {}, the one before ends at {}", base.value(), next_.value()));
    }
    const std::size_t first = batches_.size();
    next_ = base;
    record::BatchIterator iterator{Bytes(bytes)};
    for (;;) {
      const std::uint64_t position = iterator.position();
      const auto batch = iterator.next();
      if (!batch || !*batch) {
        break;
      }
      const record::BatchHeader& header = (*batch)->header;
      if (!(*batch)->crc_matches() || !follows(header.base_offset) ||
          (!batches_.empty() && header.leader_epoch < batches_.back().header.leader_epoch)) {
        fault(fmt::format("I13: segment {} has a bad batch of offset {} at {}", base.value(),
                          header.base_offset.value(), position));
      }
      next_ = header.next_offset();
      batches_.push_back({header, position});
    }
    if (!iterator.tail().empty()) {
      fault(fmt::format("I13: segment {} ends with {} bytes that are no batch", base.value(), iterator.tail().size()));
    }
    check_offset_index(base, first, bytes.size());
    check_time_index(base, first);
  }

  void check_offset_index(Offset base, std::size_t first, std::uint64_t log_bytes) {
    const auto index =
        storage::OffsetIndex::parse(content(storage::log_file_name(base, FileRole::kOffsetIndex)), base, log_bytes);
    if (!index) {
      return fault(fmt::format("the offset index of segment {} is broken", base.value()));
    }
    for (std::size_t i = 0; i < index->count(); ++i) {
      const auto entry = index->entry(i);
      const StoredBatch* batch = batch_ending_with(entry.offset, first);
      if (batch == nullptr || batch->position != entry.position) {
        fault(fmt::format("the offset index of segment {} says that {} is at {}", base.value(), entry.offset.value(),
                          entry.position));
      }
    }
  }

  void check_time_index(Offset base, std::size_t first) {
    const auto index = storage::TimeIndex::parse(content(storage::log_file_name(base, FileRole::kTimeIndex)), base);
    if (!index) {
      return fault(fmt::format("the time index of segment {} is broken", base.value()));
    }
    for (std::size_t i = 0; i < index->count(); ++i) {
      const auto entry = index->entry(i);
      const StoredBatch* batch = batch_ending_with(entry.offset, first);
      const bool too_old = std::any_of(
          batches_.begin() + static_cast<std::ptrdiff_t>(first), batches_.end(), [&](const StoredBatch& other) {
            return other.header.last_offset() <= entry.offset && other.header.max_timestamp > entry.timestamp;
          });
      if (batch == nullptr || batch->header.max_timestamp != entry.timestamp || too_old) {
        fault(fmt::format("the time index of segment {} says that nothing up to {} is younger than {}", base.value(),
                          entry.offset.value(), entry.timestamp));
      }
    }
    std::int64_t youngest = kNoTimestamp;
    for (std::size_t i = first; i < batches_.size(); ++i) {
      youngest = std::max(youngest, batches_[i].header.max_timestamp);
    }
    if (index->last().timestamp != youngest) {
      fault(fmt::format("the time index of segment {} ends with {}, its youngest record is of {}", base.value(),
                        index->last().timestamp, youngest));
    }
  }

  // In the segment whose batches begin with number `first`: the last one read.
  [[nodiscard]] const StoredBatch* batch_ending_with(Offset offset, std::size_t first) const {
    const auto from = batches_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto found = std::lower_bound(from, batches_.end(), offset, [](const StoredBatch& batch, Offset wanted) {
      return batch.header.last_offset() < wanted;
    });
    return found != batches_.end() && found->header.last_offset() == offset ? &*found : nullptr;
  }

  void check_snapshot(Offset base) {
    const auto entries =
        storage::parse_producer_snapshot(content(storage::log_file_name(base, FileRole::kProducerSnapshot)));
    if (!entries) {
      return fault(fmt::format("the producer snapshot at {} is broken", base.value()));
    }
    std::map<ProducerId, const record::BatchHeader*> last;
    for (const StoredBatch& batch : batches_) {
      if (batch.header.next_offset() <= base && batch.header.has_producer_id()) {
        last[batch.header.producer_id] = &batch.header;
      }
    }
    // What lies below the log start may be known or forgotten.
    bool equal = true;
    std::size_t needed = static_cast<std::size_t>(
        std::ranges::count_if(last, [this](const auto& batch) { return batch.second->last_offset() >= read_.start; }));
    for (const auto& [id, entry] : *entries) {
      const auto found = last.find(id);
      if (found == last.end()) {
        equal = equal && !whole_;
        continue;
      }
      needed -= found->second->last_offset() >= read_.start ? 1 : 0;
      equal = equal && entry.epoch == found->second->producer_epoch && entry.batches().size() == 1 &&
              entry.last_sequence() == found->second->last_sequence() &&
              entry.batches().back().last_offset == found->second->last_offset();
    }
    equal = equal && needed == 0;
    if (!equal) {
      fault(fmt::format("I17: the producer snapshot at {} is not the state of the records below it", base.value()));
    }
  }

  void check_epochs() {
    const ByteVector bytes = content(storage::kLeaderEpochFile);
    const auto epochs = storage::parse_leader_epochs(Bytes(bytes));
    if (!epochs || epochs->contradictory) {
      return fault("leader-epoch-checkpoint is broken");
    }
    LeaderEpoch last = kNoLeaderEpoch;
    for (const StoredBatch& batch : batches_) {
      if (batch.header.leader_epoch == last) {
        continue;
      }
      last = batch.header.leader_epoch;
      const auto start = std::ranges::find(epochs->cache.entries(), last, &storage::EpochStart::epoch);
      // The epoch in force at the log start begins there.
      const bool begins =
          read_.compacted || (start != epochs->cache.entries().end() &&
                              (start->start == batch.header.base_offset || start->start == read_.start));
      if (batch.header.last_offset() >= read_.start && (known_at(epochs->cache, batch) != last || !begins)) {
        fault(fmt::format("leader-epoch-checkpoint does not say that epoch {} starts at {}", last.value(),
                          batch.header.base_offset.value()));
      }
    }
  }

  [[nodiscard]] std::optional<LeaderEpoch> known_at(const storage::LeaderEpochCache& cache,
                                                    const StoredBatch& batch) const {
    return cache.epoch_for(std::max(batch.header.base_offset, read_.start));
  }

  runtime::FileSystem& fs_;
  const std::string& directory_;
  Function<void(std::string)>& report_;
  std::vector<StoredBatch> batches_;  // of all segments read so far
  Offset next_{0};
  ReadRange read_;
  std::optional<Offset> first_;  // of the segments that follow each other to the end
  bool whole_ = true;            // no segment was deleted
};

}  // namespace

void check_stored_log(runtime::FileSystem& fs, const std::string& directory, const ReadRange& read,
                      Function<void(std::string)>& report) {
  StoredLog(fs, directory, report).check(read);
}

}  // namespace moldau::sim

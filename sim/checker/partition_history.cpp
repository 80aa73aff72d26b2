#include "sim/checker/partition_history.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/probe.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_walker.h"

namespace moldau::sim {
namespace {

constexpr std::size_t kDecompressedBytesMax = std::size_t{16} << 20;

}  // namespace

void PartitionHistory::fault(const std::string& what) {
  report_(fmt::format("partition {}: {}", partition_, what));
}

void PartitionHistory::on_sent(const RecordName& first, std::uint32_t count, Kind kind) {
  Producer& producer = producers_[first.producer];
  producer.sent_end = std::max(producer.sent_end, first.number + count);
  producer.kind = kind;
}

void PartitionHistory::on_acked_by_leader(const RecordName& first, std::uint32_t count, Offset base, Era era) {
  acked_by_leader_.push_back({first, count, base, era.power_cuts});
}

void PartitionHistory::on_acked(const RecordName& first, std::uint32_t count, Offset base) {
  if (base.value() < 0) {
    return fault(fmt::format("{} was acknowledged at offset {}", to_string(first), base.value()));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    RecordName name = first;
    name.number += i;
    const auto [at, added] = acked_.try_emplace(base.value() + i, name);
    if (!added && at->second != name) {
      fault(fmt::format("inconsistent offsets: {} and {} were both acknowledged at {}", to_string(at->second),
                        to_string(name), at->first));
    }
  }
  acked_end_ = std::max(acked_end_, base + count);
}

void PartitionHistory::on_duplicate_acked(const RecordName& first, Offset expected, Offset base) {
  if (base != expected) {
    fault(fmt::format("I17: {} was acknowledged at {}, and when it was sent again at {}", to_string(first),
                      expected.value(), base.value()));
  }
}

LeaderEpoch PartitionHistory::epoch_before(Offset from) const {
  const auto seen = seen_.find(from.value() - 1);
  return seen == seen_.end() ? kNoLeaderEpoch : seen->second.epoch;
}

void PartitionHistory::on_marks(const Marks& marks, const Known& before, Era era) {
  if (marks.high_watermark < before.acked_end.value()) {
    fault(fmt::format("I2: the high watermark is {}, records up to {} were acknowledged before it was asked for",
                      marks.high_watermark, before.acked_end.value()));
  }
  if (marks.log_start > marks.high_watermark || marks.last_stable > marks.high_watermark) {
    fault(fmt::format("I12: log start {}, last stable {}, high watermark {}", marks.log_start, marks.last_stable,
                      marks.high_watermark));
  }
  const bool same_life = era.life == before.marks_era.life;
  if (marks.log_start != kNotTold && same_life && marks.log_start < before.marks.log_start) {
    fault(fmt::format("I12: the log start went from {} to {} in one life", before.marks.log_start, marks.log_start));
  }
  if (marks.log_start != kNotTold &&
      (marks.log_start < before.deleted.value() || marks.log_start > delete_sent_.value())) {
    fault(fmt::format("G11: the log start is {}; deletions up to {} were acknowledged before, up to {} sent",
                      marks.log_start, before.deleted.value(), delete_sent_.value()));
  }
  if (same_life && marks.high_watermark < before.marks.high_watermark) {
    fault(fmt::format("I2: the high watermark went from {} to {} in one life", before.marks.high_watermark,
                      marks.high_watermark));
  }
  // Answers to several clients come in any order.
  const Marks told = era.life == marks_era_.life ? marks_ : Marks{};
  marks_ = {.log_start = std::max(told.log_start, marks.log_start),
            .high_watermark = std::max(told.high_watermark, marks.high_watermark),
            .last_stable = std::max(told.last_stable, marks.last_stable)};
  marks_era_ = era;
}

Offset PartitionHistory::on_batches(Bytes bytes, Offset from, Era era) {
  Offset next = from;
  LeaderEpoch epoch = kNoLeaderEpoch;
  bool first = true;
  record::BatchIterator batches(bytes);
  for (;;) {
    const auto batch = batches.next();
    if (!batch) {
      fault(
          fmt::format("I13: a fetch from {} gave bytes that are no batch: {}", from.value(), batch.error().message()));
      return next;
    }
    if (!*batch) {
      return next;
    }
    const record::BatchHeader& header = (*batch)->header;
    if (!(*batch)->crc_matches()) {
      fault(fmt::format("I13: a fetch from {} gave a batch at {} with a wrong CRC", from.value(),
                        header.base_offset.value()));
      return next;
    }
    const bool contiguous =
        first ? header.base_offset <= from && from <= header.last_offset() : header.base_offset == next;
    if (!contiguous || header.leader_epoch < epoch) {
      fault(fmt::format("I13: a fetch from {} gave a batch of offsets {} to {}, epoch {}, after offset {}, epoch {}",
                        from.value(), header.base_offset.value(), header.last_offset().value(),
                        header.leader_epoch.value(), next.value(), epoch.value()));
      return next;
    }
    first = false;
    epoch = header.leader_epoch;
    if (reading_whole_ && header.has_producer_id() && header.base_offset >= from) {
      const auto known = sequences_.find(header.producer_id);
      const bool follows = known == sequences_.end() ? header.base_sequence == 0 || whole_start_ > Offset(0)
                                                     : known->second.epoch == header.producer_epoch &&
                                                           known->second.next == header.base_sequence;
      if (!follows) {
        fault(fmt::format("I17: producer id {}: the batch at {} has sequence {}, expected {}",
                          header.producer_id.value(), header.base_offset.value(), header.base_sequence,
                          known == sequences_.end() ? 0 : known->second.next));
      }
      sequences_[header.producer_id] = {header.producer_epoch, record::increment_sequence(header.last_sequence(), 1)};
    }
    record::RecordWalker walker(**batch, scratch_, kDecompressedBytesMax);
    std::int32_t delta = 0;
    while (const record::RecordView* record = walker.next()) {
      if (record->offset_delta != delta++) {
        fault(fmt::format("I13: offsets inside the batch at {} have a gap", header.base_offset.value()));
      }
      const auto name = record->value ? name_of(*record->value) : std::nullopt;
      const Offset offset = header.offset_at(record->offset_delta);
      if (!name) {
        fault(fmt::format("the value at {} is none that was ever sent", offset.value()));
      } else if (offset >= from) {
        on_record(offset, header.leader_epoch, header.timestamp_at(record->timestamp_delta), *name, era);
      }
    }
    if (!walker.ok() || delta != header.last_offset_delta + 1) {
      fault(fmt::format("I13: the records of the batch at {} cannot be read", header.base_offset.value()));
    }
    next = header.next_offset();
  }
}

void PartitionHistory::on_record(Offset offset, LeaderEpoch epoch, std::int64_t timestamp, const RecordName& name,
                                 Era era) {
  const auto producer = producers_.find(name.producer);
  if (name.partition != partition_ || producer == producers_.end() || name.number >= producer->second.sent_end) {
    fault(fmt::format("{} at {} was never sent here", to_string(name), offset.value()));
  }
  if (const auto acked = acked_.find(offset.value()); acked != acked_.end() && acked->second != name) {
    fault(fmt::format("I10: {} is at {}, where {} was acknowledged", to_string(name), offset.value(),
                      to_string(acked->second)));
  }
  const auto [seen, added] = seen_.try_emplace(offset.value(), Seen{name, epoch, era.power_cuts});
  if (!added) {
    const bool rewritten = epoch > seen->second.epoch && era.power_cuts > seen->second.power_cuts;
    if (seen->second.name != name && !rewritten) {
      fault(fmt::format("I16: offset {} was {} in epoch {} and is {} in epoch {}, with {} power cuts between",
                        offset.value(), to_string(seen->second.name), seen->second.epoch.value(), to_string(name),
                        epoch.value(), era.power_cuts - seen->second.power_cuts));
    } else if (seen->second.name == name && epoch != seen->second.epoch && era.power_cuts == seen->second.power_cuts) {
      fault(fmt::format("I3: offset {} changed its epoch from {} to {}", offset.value(), seen->second.epoch.value(),
                        epoch.value()));
    }
    if (rewritten) {
      MOLDAU_PROBE("sim.read_record_rewritten");
    }
    seen->second = {name, epoch, era.power_cuts};
  }
  if (newest_epoch_seen_ != kNoLeaderEpoch && epoch > newest_epoch_seen_) {
    MOLDAU_PROBE("sim.leader_epoch_raised");
  }
  newest_epoch_seen_ = std::max(newest_epoch_seen_, epoch);
  highest_seen_ = std::max(highest_seen_, offset + 1);
  if (reading_whole_) {
    if (offset.value() != static_cast<std::int64_t>(whole_.size())) {
      fault(fmt::format("I13: the whole reading came to {} after {} records", offset.value(), whole_.size()));
    }
    if (!whole_.empty() && whole_.back().epoch > epoch) {
      fault(fmt::format("I13: the epoch falls at {}", offset.value()));
    }
    whole_.push_back({name, epoch, timestamp});
  }
}

void PartitionHistory::begin_whole_reading(Offset start) {
  reading_whole_ = true;
  whole_start_ = start;
  whole_.assign(static_cast<std::size_t>(start.value()),
                {.name = {}, .epoch = kNoLeaderEpoch, .timestamp = std::numeric_limits<std::int64_t>::min()});
  sequences_.clear();
  if (start < deleted_ || start > delete_sent_) {
    fault(fmt::format("G11: the log starts at {}; deletions up to {} were acknowledged, up to {} sent", start.value(),
                      deleted_.value(), delete_sent_.value()));
  }
}

void PartitionHistory::finish_whole_reading(Offset end, Era era) {
  reading_whole_ = false;
  if (end.value() != static_cast<std::int64_t>(whole_.size())) {
    fault(fmt::format("the whole reading gave {} records below the end {}", whole_.size(), end.value()));
  }
  for (const auto& [offset, seen] : seen_) {
    if (offset >= end.value() && seen.power_cuts == era.power_cuts) {
      fault(fmt::format("I16: {} was read at {}, no power was cut since, and the log ends at {}", to_string(seen.name),
                        offset, end.value()));
    }
  }
  check_acked(era);
  check_producers();
  check_epochs(era);
}

void PartitionHistory::check_epochs(Era era) {
  std::vector<LeaderEpoch> epochs;
  epochs.reserve(whole_.size());
  for (const Stored& stored : whole_) {
    epochs.push_back(stored.epoch);
  }
  Report report([this](const std::string& line) { fault(line); });
  epochs_.judge(epochs, era, report);
}

void PartitionHistory::check_acked(Era era) {
  for (const auto& [offset, name] : acked_) {
    check_acked_at(Offset(offset), name);
  }
  for (const Acked& batch : acked_by_leader_) {
    if (batch.power_cuts != era.power_cuts) {
      continue;
    }
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      RecordName name = batch.first;
      name.number += i;
      check_acked_at(batch.base + i, name);
    }
  }
}

void PartitionHistory::check_acked_at(Offset offset, const RecordName& name) {
  if (offset < whole_start_) {
    return;  // deleted
  }
  if (offset >= whole_end()) {
    fault(fmt::format("I10: lost write: {} was acknowledged at {}, the log ends at {}", to_string(name), offset.value(),
                      whole_.size()));
  } else if (const RecordName& found = whole_[static_cast<std::size_t>(offset.value())].name; found != name) {
    fault(
        fmt::format("I10: {} was acknowledged at {}, where {} is", to_string(name), offset.value(), to_string(found)));
  }
}

// Each producer's numbers: an idempotent one's come each once and in order; a plain one's may come again, but no number
// comes first after a later one did; with acks=1 a power cut may leave gaps.
void PartitionHistory::check_producers() {
  std::map<std::uint32_t, std::uint64_t> next;
  for (auto offset = static_cast<std::size_t>(whole_start_.value()); offset < whole_.size(); ++offset) {
    const RecordName& name = whole_[offset].name;
    // The first one that is left of a producer may be any.
    std::uint64_t& expected = next.try_emplace(name.producer, whole_start_ > Offset(0) ? name.number : 0).first->second;
    const Kind kind = producers_[name.producer].kind;
    const bool again = name.number < expected && !kind.idempotent;
    if (name.number == expected || (name.number > expected && !kind.synced)) {
      expected = name.number + 1;
    } else if (!again) {
      fault(fmt::format("I14/I17: {} is at {}, expected number {}: {}", to_string(name), offset, expected,
                        name.number < expected ? "a duplicate" : "a gap"));
      expected = std::max(expected, name.number + 1);
    }
  }
}

Offset PartitionHistory::first_at(std::int64_t timestamp) const {
  for (std::size_t offset = 0; offset < whole_.size(); ++offset) {
    if (whole_[offset].timestamp >= timestamp) {
      return Offset(static_cast<std::int64_t>(offset));
    }
  }
  return Offset(static_cast<std::int64_t>(whole_.size()));
}

std::int64_t PartitionHistory::timestamp_at(Offset offset) const {
  return whole_.at(static_cast<std::size_t>(offset.value())).timestamp;
}

}  // namespace moldau::sim

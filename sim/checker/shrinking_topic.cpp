#include "sim/checker/shrinking_topic.h"

#include <iterator>

#include <fmt/format.h>

#include "sim/checker/record_name.h"

namespace moldau::sim {

std::uint64_t ShrinkingTopic::on_sent(std::int64_t timestamp) {
  sent_.push_back(timestamp);
  return sent_.size() - 1;
}

void ShrinkingTopic::on_acked(std::uint64_t first, std::uint32_t count, Offset base, std::size_t batch_bytes) {
  batch_bytes_max_ = std::max(batch_bytes_max_, batch_bytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t number = first + i;
    const auto [known, is_new] =
        acked_.emplace(base + i, Record{.number = number,
                                        .timestamp = sent_.at(static_cast<std::size_t>(number)),
                                        .batch_bytes = i + 1 == count ? batch_bytes : 0});
    if (!is_new && known->second.number != number) {
      report_(fmt::format("shrinking: record {} was acknowledged at {}, where record {} is", number, (base + i).value(),
                          known->second.number));
    }
  }
  if (base < deleted_) {
    report_(fmt::format("I12: shrinking: record {} was acknowledged at {}, below the log start {}", first, base.value(),
                        deleted_.value()));
  }
}

Offset ShrinkingTopic::acked_end() const noexcept {
  return acked_.empty() ? Offset(0) : acked_.rbegin()->first + 1;
}

void ShrinkingTopic::on_log_start(Offset start, Offset deleted_before, std::int64_t now_ms) {
  if (start < deleted_before) {
    report_(fmt::format("G11: shrinking: the log starts at {}, records below {} were deleted", start.value(),
                        deleted_before.value()));
  }
  if (start <= delete_sent_) {
    return;
  }
  auto behind = acked_.lower_bound(start);
  std::size_t left = 0;
  for (auto record = behind; record != acked_.end(); ++record) {
    left += record->second.batch_bytes;
  }
  // One batch whose answer was lost may have counted, and be lost as well.
  const bool by_size =
      rules_.retention_bytes >= 0 && static_cast<std::int64_t>(left + batch_bytes_max_) >= rules_.retention_bytes;
  if (behind == acked_.begin() || by_size) {
    return;
  }
  const auto& [offset, record] = *std::prev(behind);
  const bool by_time = rules_.retention_ms >= 0 && now_ms - record.timestamp > rules_.retention_ms;
  if (offset >= delete_sent_ && !by_time) {
    report_(fmt::format(
        "I29: shrinking: the log starts at {}; the record at {} is {} ms old, retention.ms is {}; {} "
        "bytes are left, retention.bytes is {}",
        start.value(), offset.value(), now_ms - record.timestamp, rules_.retention_ms, left, rules_.retention_bytes));
  }
}

void ShrinkingTopic::begin_reading(Offset start, Offset end) {
  start_ = start;
  end_ = end;
  read_.clear();
  if (end < acked_end()) {
    report_(fmt::format("I10: shrinking: the log ends at {}, acknowledged were records up to {}", end.value(),
                        acked_end().value()));
  }
}

void ShrinkingTopic::on_read(Offset at, Bytes value, std::int64_t timestamp) {
  if (at < start_ || at >= end_) {
    return;
  }
  const auto name = name_of(value);
  if (!name || name->producer != kShrinkProducer || name->number >= sent_.size() ||
      sent_[static_cast<std::size_t>(name->number)] != timestamp) {
    return report_(fmt::format("shrinking: the record at {} was never sent", at.value()));
  }
  if (const auto known = acked_.find(at); known != acked_.end() && known->second.number != name->number) {
    report_(fmt::format("G9: shrinking: offset {} holds record {}, acknowledged there was {}", at.value(), name->number,
                        known->second.number));
  }
  if (at != start_ + static_cast<std::int64_t>(read_.size())) {
    return report_(fmt::format("I13: shrinking: the reading of [{}, {}) came to {} after {} records", start_.value(),
                               end_.value(), at.value(), read_.size()));
  }
  if (!read_.empty() && read_.back().number >= name->number) {
    report_(fmt::format("I17: shrinking: record {} at {} follows record {}", name->number, at.value(),
                        read_.back().number));
  }
  read_.push_back({.number = name->number, .timestamp = timestamp});
}

void ShrinkingTopic::end_reading() {
  if (static_cast<std::int64_t>(read_.size()) != end_ - start_) {
    report_(
        fmt::format("I10: shrinking: {} records were read in [{}, {})", read_.size(), start_.value(), end_.value()));
  }
}

std::int64_t ShrinkingTopic::timestamp_at(Offset offset) const {
  return read_.at(static_cast<std::size_t>(offset - start_)).timestamp;
}

void ShrinkingTopic::on_offset_for_time(std::int64_t timestamp, Offset found, Offset start) {
  const auto first = std::ranges::lower_bound(read_, timestamp, {}, &Record::timestamp) - read_.begin();
  const bool none = static_cast<std::size_t>(first) == read_.size();
  const Offset low = start_ + static_cast<std::int64_t>(first);
  const Offset high = std::max(low, start);
  if (found == kNoOffset) {
    // Kafka looks in the first segment that is young enough, and gives up where DeleteRecords took all of it.
    if (!none && high < end_ && start_ > delete_sent_) {
      report_(fmt::format("shrinking: ListOffsets at {} found nothing, a scan gives {}", timestamp, low.value()));
    }
  } else if (none || found < low || found > high) {
    report_(fmt::format("shrinking: ListOffsets at {} gave {}, a scan gives {}", timestamp, found.value(),
                        none ? -1 : low.value()));
  }
}

}  // namespace moldau::sim

#include "sim/checker/compacted_topic.h"

#include <utility>

#include <fmt/format.h>

#include "sim/checker/record_name.h"

namespace moldau::sim {

std::string CompactedTopic::key_of(std::uint32_t key) {
  return fmt::format("key-{}", key);
}

std::optional<ByteVector> CompactedTopic::value_of(std::uint64_t number, const Upsert& upsert) {
  if (upsert.tombstone) {
    return std::nullopt;
  }
  return sim::value_of({.producer = kUpsertProducer, .partition = upsert.key, .number = number});
}

std::uint64_t CompactedTopic::on_sent(const Upsert& upsert) {
  sent_.push_back(upsert);
  return sent_.size() - 1;
}

void CompactedTopic::on_sent_again(std::uint64_t first, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    sent_again_.insert(first + i);
  }
}

void CompactedTopic::on_acked(std::uint64_t first, std::uint32_t count, Offset base, bool synced, Era era) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const Acked acked{.number = first + i, .synced = synced, .power_cuts = era.power_cuts};
    const auto [known, is_new] = acked_.try_emplace(base + i, acked);
    if (!is_new && known->second.number != acked.number && holds(known->second, era)) {
      report_(fmt::format("keyed: record {} was acknowledged at {}, where record {} is", acked.number,
                          (base + i).value(), known->second.number));
    }
    known->second = acked;
  }
}

Offset CompactedTopic::acked_end(Era era) const {
  for (auto entry = acked_.rbegin(); entry != acked_.rend(); ++entry) {
    if (holds(entry->second, era)) {
      return entry->first + 1;
    }
  }
  return Offset(0);
}

void CompactedTopic::begin_reading(Offset start, Offset end, Era era) {
  start_ = start;
  end_ = end;
  found_.clear();
  suspected_.clear();
  if (start != Offset(0)) {
    report_(fmt::format("I28: keyed: the log starts at {}, nothing was to be deleted from its front", start.value()));
  }
  if (end < acked_end(era)) {
    report_(fmt::format("I10: keyed: the log ends at {}, acknowledged were records up to {}", end.value(),
                        acked_end(era).value()));
  }
}

void CompactedTopic::on_read(Offset at, std::uint64_t number, Bytes key, std::optional<Bytes> value,
                             std::int64_t timestamp) {
  if (at < start_ || at >= end_) {
    return;
  }
  if (number >= sent_.size()) {
    return report_(fmt::format("I28: keyed: offset {} holds record {}, which was never sent", at.value(), number));
  }
  const Upsert& sent = sent_[static_cast<std::size_t>(number)];
  const std::optional<ByteVector> expected = value_of(number, sent);
  const bool same_value = value.has_value() == expected.has_value() && (!value || equal(*value, Bytes(*expected)));
  if (as_text(key) != key_of(sent.key) || !same_value || timestamp != sent.timestamp) {
    report_(fmt::format("I28: keyed: record {} at offset {} is not what was sent", number, at.value()));
  }
  found_.emplace(at, number);
}

void CompactedTopic::suspect(std::uint32_t key, std::string what) {
  suspected_.emplace(key, std::move(what));
}

// A tombstone sent later than record `after`, and not known to be lost, may have been the key's last and have gone.
bool CompactedTopic::may_be_deleted(std::uint32_t key, std::uint64_t after, std::int64_t now_ms) const {
  for (std::uint64_t number = 0; number < sent_.size(); ++number) {
    const Upsert& sent = sent_[static_cast<std::size_t>(number)];
    const bool uncertain = (number > after && !held_.contains(number)) || sent_again_.contains(number);
    if (sent.key == key && sent.tombstone && uncertain && now_ms >= sent.timestamp + rules_.delete_retention_ms) {
      return true;
    }
  }
  return false;
}

// `newest` is the last offset at which a record of the key was acknowledged.
void CompactedTopic::check_key(std::uint32_t key, Offset newest, std::int64_t now_ms) {
  std::optional<Offset> older;
  for (const auto& [offset, number] : found_) {
    if (sent_[static_cast<std::size_t>(number)].key == key) {
      if (offset >= newest) {
        return;
      }
      older = offset;
    }
  }
  const std::uint64_t number = acked_.at(newest).number;
  const Upsert& last = sent_[static_cast<std::size_t>(number)];
  if (may_be_deleted(key, number, now_ms)) {
    return;
  }
  if (!last.tombstone) {
    return suspect(key, fmt::format("I28: keyed: key {} lost its last value, acknowledged at {}", key, newest.value()));
  }
  if (now_ms < last.timestamp + rules_.delete_retention_ms) {
    return suspect(key, fmt::format("I28: keyed: the tombstone of key {} at {} is gone after {} of {} ms", key,
                                    newest.value(), now_ms - last.timestamp, rules_.delete_retention_ms));
  }
  if (older) {
    suspect(key, fmt::format("I28: keyed: key {} was deleted at {}, and its value at {} is back", key, newest.value(),
                             older->value()));
  }
}

bool CompactedTopic::end_reading(std::int64_t now_ms, Era era) {
  std::map<std::uint32_t, Offset> newest;
  gone_ = 0;
  held_.clear();
  for (auto entry = acked_.begin(); entry != acked_.end();) {
    const auto& [offset, acked] = *entry;
    if (!holds(acked, era)) {
      entry = acked_.erase(entry);
      continue;
    }
    const Upsert& sent = sent_[static_cast<std::size_t>(acked.number)];
    const auto found = found_.find(offset);
    if (found != found_.end() && found->second != acked.number) {
      report_(fmt::format("I28: keyed: offset {} holds record {}, acknowledged there was {}", offset.value(),
                          found->second, acked.number));
    }
    const bool gone = found == found_.end();
    gone_ += gone ? 1 : 0;
    if (gone && offset < end_ && now_ms < sent.timestamp + rules_.min_compaction_lag_ms) {
      report_(fmt::format("I28: keyed: record {} at {} was compacted away after {} of {} ms", acked.number,
                          offset.value(), now_ms - sent.timestamp, rules_.min_compaction_lag_ms));
    }
    newest[sent.key] = offset;
    held_.insert(acked.number);
    ++entry;
  }
  for (const auto& [key, offset] : newest) {
    check_key(key, offset, now_ms);
  }
  if (rules_.idempotent) {
    std::map<std::uint64_t, Offset> places;
    for (const auto& [offset, number] : found_) {
      if (const auto [place, is_new] = places.emplace(number, offset); !is_new) {
        report_(fmt::format("I17: keyed: record {} is at {} and at {}", number, place->second.value(), offset.value()));
      }
    }
  }
  for (const auto& [key, what] : suspected_) {
    if (suspicions_.contains(key)) {
      report_(what);
    }
  }
  suspicions_ = suspected_;
  return suspected_.empty();
}

}  // namespace moldau::sim

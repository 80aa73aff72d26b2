#include "sim/checker/topic_life.h"

#include <fmt/format.h>

namespace moldau::sim {

void TopicLife::begin(std::uint64_t first_number) {
  first_number_ = next_number_ = first_number;
  acked_.clear();
  deleted_ = delete_sent_ = Offset(0);
}

void TopicLife::on_acked(std::uint64_t number, Offset at) {
  const auto [entry, is_new] = acked_.emplace(at, number);
  if (!is_new && entry->second != number) {
    report_(fmt::format("churn: record {} was acknowledged at offset {}, where record {} is", number, at.value(),
                        entry->second));
  }
  if (at < deleted_) {
    report_(fmt::format("churn: record {} was acknowledged at offset {}, below the log start {}", number, at.value(),
                        deleted_.value()));
  }
}

Offset TopicLife::acked_end() const noexcept {
  return acked_.empty() ? Offset(0) : acked_.rbegin()->first + 1;
}

void TopicLife::begin_reading(Offset start, Offset end) {
  start_ = start;
  end_ = end;
  read_ = 0;
  if (start < deleted_ || start > delete_sent_) {
    report_(fmt::format("G11: churn: the log starts at {}, DeleteRecords answered {} and was asked for {}",
                        start.value(), deleted_.value(), delete_sent_.value()));
  }
  if (end < acked_end()) {
    report_(fmt::format("I10: churn: the log ends at {}, acknowledged were records up to {}", end.value(),
                        acked_end().value()));
  }
}

void TopicLife::on_read(Offset at, std::uint64_t number) {
  if (at < start_ || at >= end_) {
    return;
  }
  ++read_;
  if (number < first_number_ || number >= next_number_) {
    report_(fmt::format("churn: record {} at offset {} is of another life: this one has {} to {}", number, at.value(),
                        first_number_, next_number_));
  }
  const auto known = acked_.find(at);
  if (known != acked_.end() && known->second != number) {
    report_(fmt::format("G9: churn: offset {} holds record {}, acknowledged there was {}", at.value(), number,
                        known->second));
  }
}

void TopicLife::end_reading() {
  if (const std::int64_t wanted = end_ - start_; static_cast<std::int64_t>(read_) != wanted) {
    report_(fmt::format("I10: churn: {} records were read in [{}, {})", read_, start_.value(), end_.value()));
  }
}

}  // namespace moldau::sim

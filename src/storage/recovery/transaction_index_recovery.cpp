#include "storage/recovery/transaction_index_recovery.h"

#include <algorithm>

#include <fmt/format.h>

#include "storage/recovery/damage.h"

namespace moldau::storage {

Result<> TransactionIndexRecovery::find_broken(Offset log_end) {
  for (std::size_t i = 0; i < first_scanned_; ++i) {
    Segment& segment = *segments_[i];
    const Offset end = i + 1 < segments_.size() ? segments_[i + 1]->base() : log_end;
    auto index = segment.transactions();
    if (index && ((*index)->empty() || (*index)->entries().back().last_offset < end)) {
      continue;
    }
    if (!index && !is_damage(index.error())) {
      return std::unexpected(index.error());
    }
    report_.add(Severity::kWarn, fmt::format("{}: {}, made anew from the batches",
                                             log_file_name(segment.base(), FileRole::kTransactionIndex),
                                             index ? "reaches beyond its segment" : index.error().message()));
    ++report_.indexes_rebuilt;
    broken_.push_back(&segment);
  }
  return {};
}

bool TransactionIndexRecovery::broken_below(Offset offset) const {
  return std::ranges::any_of(broken_, [&](const Segment* segment) { return segment->base() < offset; });
}

Result<> TransactionIndexRecovery::empty_broken() {
  for (Segment* segment : broken_) {
    MOLDAU_CHECK(segment->reset_transactions());
  }
  return {};
}

Result<> TransactionIndexRecovery::keep_scanned_below(Offset from) {
  for (std::size_t i = first_scanned_; i < segments_.size(); ++i) {
    MOLDAU_CHECK(segments_[i]->keep_transactions_below(from));
  }
  return {};
}

bool TransactionIndexRecovery::rewrites(const Segment& segment) const {
  const bool scanned = first_scanned_ < segments_.size() && segment.base() >= segments_[first_scanned_]->base();
  return scanned || std::ranges::find(broken_, &segment) != broken_.end();
}

Result<> TransactionIndexRecovery::write(Segment& segment, const CompletedTxn& txn) const {
  if (!txn.aborted || !rewrites(segment)) {
    return {};
  }
  return segment.append_aborted({txn.producer_id, txn.first_offset, txn.last_offset, txn.last_stable_offset});
}

}  // namespace moldau::storage

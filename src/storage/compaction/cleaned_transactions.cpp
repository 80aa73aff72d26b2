#include "storage/compaction/cleaned_transactions.h"

#include <algorithm>
#include <utility>

#include "protocol/record/control_record.h"
#include "protocol/record/record_walker.h"

namespace moldau::storage {
namespace {

constexpr std::size_t kControlBatchBytesMax = std::size_t{1} << 20;

}  // namespace

CleanedTransactions::CleanedTransactions(std::vector<AbortedTxn> aborted) : aborted_(std::move(aborted)) {
  std::ranges::sort(aborted_, {}, &AbortedTxn::first_offset);
}

void CleanedTransactions::begin_up_to(Offset offset) {
  for (; next_ < aborted_.size() && aborted_[next_].first_offset <= offset; ++next_) {
    open_aborted_.try_emplace(aborted_[next_].producer_id, Open{aborted_[next_]});
  }
}

bool CleanedTransactions::on_data(const record::BatchHeader& batch) {
  begin_up_to(batch.last_offset());
  if (!batch.is_transactional()) {
    return false;
  }
  if (const auto open = open_aborted_.find(batch.producer_id); open != open_aborted_.end()) {
    open->second.met = true;
    return true;
  }
  open_committed_.insert(batch.producer_id);
  return false;
}

Result<bool> CleanedTransactions::on_control(const record::BatchView& batch, record::Scratch& scratch) {
  begin_up_to(batch.header.last_offset());
  record::RecordWalker walker(batch, scratch, kControlBatchBytesMax);
  const record::RecordView* first = walker.next();
  if (first == nullptr) {
    if (!walker.ok()) {
      return std::unexpected(walker.error());
    }
    return true;  // emptied by an earlier compaction
  }
  if (!first->key) {
    return fail(ErrorKind::kCorrupt, "control record without a key");
  }
  MOLDAU_TRY(type, record::parse_control_record_key(*first->key));
  switch (type) {
    case record::ControlRecordType::kAbort: {
      const auto open = open_aborted_.extract(batch.header.producer_id);
      if (open.empty() || !open.mapped().met) {
        return true;
      }
      kept_.push_back(open.mapped().txn);
      return false;
    }
    case record::ControlRecordType::kCommit: return open_committed_.erase(batch.header.producer_id) == 0;
    default: return false;
  }
}

std::vector<AbortedTxn> CleanedTransactions::take_kept() {
  return std::exchange(kept_, {});
}

}  // namespace moldau::storage

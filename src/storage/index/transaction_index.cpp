#include "storage/index/transaction_index.h"

#include "base/assert.h"

namespace moldau::storage {
namespace {

constexpr std::int16_t kVersion = 0;

}  // namespace

void AbortedTxn::store(std::byte* to) const noexcept {
  store_be(to, kVersion);
  store_be(to + 2, producer_id.value());
  store_be(to + 10, first_offset.value());
  store_be(to + 18, last_offset.value());
  store_be(to + 26, last_stable_offset.value());
}

Result<TransactionIndex> TransactionIndex::parse(Bytes content, Offset base) {
  TransactionIndex index;
  Offset previous = base - 1;
  for (std::size_t at = 0; at < content.size(); at += AbortedTxn::kBytes) {
    const auto number = static_cast<std::int64_t>(at / AbortedTxn::kBytes);
    if (content.size() - at < AbortedTxn::kBytes) {
      return fail(ErrorKind::kCorrupt, "transaction index ends inside an entry", 0, number);
    }
    const std::byte* from = content.data() + at;
    const AbortedTxn txn{ProducerId(load_be<std::int64_t>(from + 2)), Offset(load_be<std::int64_t>(from + 10)),
                         Offset(load_be<std::int64_t>(from + 18)), Offset(load_be<std::int64_t>(from + 26))};
    if (load_be<std::int16_t>(from) != kVersion) {
      return fail(ErrorKind::kCorrupt, "transaction index entry of an unknown version", 0, number);
    }
    if (txn.last_offset <= previous || txn.first_offset > txn.last_offset || txn.first_offset < Offset(0)) {
      return fail(ErrorKind::kCorrupt, "transaction index entry out of order", 0, number);
    }
    previous = txn.last_offset;
    index.entries_.push_back(txn);
  }
  return index;
}

void TransactionIndex::append(const AbortedTxn& txn) {
  MOLDAU_ASSERT(empty() || txn.last_offset > entries_.back().last_offset, txn.last_offset.value());
  entries_.push_back(txn);
}

bool TransactionIndex::collect(Offset from, Offset upto, std::vector<AbortedTxn>& found) const {
  for (const AbortedTxn& txn : entries_) {
    if (txn.last_offset >= from && txn.first_offset < upto) {
      found.push_back(txn);
    }
    if (txn.last_stable_offset >= upto) {
      return true;
    }
  }
  return false;
}

void TransactionIndex::truncate_to(Offset offset) {
  while (!empty() && entries_.back().last_offset >= offset) {
    entries_.pop_back();
  }
}

ByteVector TransactionIndex::bytes() const {
  ByteVector content(entries_.size() * AbortedTxn::kBytes);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].store(content.data() + i * AbortedTxn::kBytes);
  }
  return content;
}

}  // namespace moldau::storage

// CleanedTransactions: walks the batches of a log in their order and says which belong to aborted transactions, and
// which markers have no records left before them.
//
// Invariants: T1 a data batch is of an aborted transaction if one of its producer's was begun at or below its last
//                offset and its marker was not met yet.
//             T2 an abort marker keeps its entry in the transaction index if a batch of it was met since it began; then
//                neither may go.
// Errors:     on_control(): kCorrupt, kTruncated: the marker does not parse.
// Bound:      one entry per aborted transaction of the range, one per producer with an open one.
// Source:     org.apache.kafka.storage.internals.log.CleanedTransactionMetadata (KIP-98).
#pragma once

#include <cstddef>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "protocol/record/scratch.h"
#include "storage/index/transaction_index.h"

namespace moldau::storage {

class CleanedTransactions {
 public:
  // All aborted transactions that touch the range to be walked, in any order.
  explicit CleanedTransactions(std::vector<AbortedTxn> aborted);

  // True: the batch's records were aborted and may go.
  [[nodiscard]] bool on_data(const record::BatchHeader& batch);
  // True: no record of the marker's transaction was met, so that it may go once its delete horizon has passed.
  [[nodiscard]] Result<bool> on_control(const record::BatchView& batch, record::Scratch& scratch);

  // Index entries of the abort markers that stay, met since the last call.
  [[nodiscard]] std::vector<AbortedTxn> take_kept();

 private:
  struct Open {
    AbortedTxn txn;
    bool met = false;  // a batch of it
  };
  void begin_up_to(Offset offset);

  std::vector<AbortedTxn> aborted_;  // by first offset
  std::size_t next_ = 0;
  std::unordered_map<ProducerId, Open> open_aborted_;
  std::unordered_set<ProducerId> open_committed_;
  std::vector<AbortedTxn> kept_;
};

}  // namespace moldau::storage

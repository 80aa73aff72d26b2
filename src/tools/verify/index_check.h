// The indexes of one segment, held against its batches as a walk meets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "protocol/record/batch.h"
#include "storage/index/transaction_index.h"
#include "tools/verify/verify_report.h"

namespace moldau::tools {

// .index: each entry names the last offset of a batch and where that batch begins.
class OffsetIndexCheck {
 public:
  // Zeros behind the entries are what a crash leaves of Kafka's preallocated file. A missing file has no entries, which
  // is noted where one is `expected`.
  OffsetIndexCheck(VerifyReport& report, std::string path, Offset base, bool expected);
  void on_batch(std::uint64_t position, const record::BatchHeader& header);
  // `lenient`: entries behind the log's end belong to a tail that a crash took.
  void finish(bool lenient);

 private:
  [[nodiscard]] bool at_end() const noexcept { return at_ >= content_.size(); }
  [[nodiscard]] Offset entry_offset() const noexcept;
  [[nodiscard]] std::int64_t entry_position() const noexcept;
  void complain();

  VerifyReport& report_;
  std::string path_;
  Offset base_;
  ByteVector content_;
  std::size_t at_ = 0;
};

// .timeindex: each entry names the last offset of the batch that has the largest time up to it; the last entry of a
// closed segment has its largest.
class TimeIndexCheck {
 public:
  TimeIndexCheck(VerifyReport& report, std::string path, Offset base, bool expected);
  void on_batch(const record::BatchHeader& header);
  void finish(bool lenient, bool closed);

 private:
  [[nodiscard]] bool at_end() const noexcept { return at_ >= content_.size(); }
  [[nodiscard]] std::int64_t entry_timestamp() const noexcept;
  [[nodiscard]] Offset entry_offset() const noexcept;

  VerifyReport& report_;
  std::string path_;
  Offset base_;
  ByteVector content_;
  std::size_t at_ = 0;
  bool missing_ = false;
  std::int64_t previous_ = kNoTimestamp;
  std::int64_t youngest_ = kNoTimestamp;  // of the batches so far
};

// .txnindex: the aborted transactions whose markers lie in the segment.
class TransactionIndexCheck {
 public:
  TransactionIndexCheck(VerifyReport& report, std::string path, Offset base);
  // An abort marker; `first` is where its transaction began, kNoOffset if that was not seen.
  void on_abort(ProducerId producer, Offset first, Offset marker);
  void finish(bool lenient);

 private:
  VerifyReport& report_;
  std::string path_;
  std::vector<storage::AbortedTxn> entries_;
  std::size_t next_ = 0;
  bool readable_ = true;
};

}  // namespace moldau::tools

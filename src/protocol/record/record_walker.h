// Gives the records of one batch, one after the other, in place.
//
//   RecordWalker walker(batch, scratch, bytes_max);
//   while (const RecordView* record = walker.next()) { … }
//   if (!walker.ok()) … walker.error() …
//
// Lifetime: the batch's bytes and the scratch must outlive the walker; a record's views end at the next call.
// Errors:   kCorrupt: a record's size or structure is impossible, the batch holds fewer or more bytes than its records,
//           a negative count, or a broken codec stream; kTooLarge: more than `bytes_max` decompressed bytes;
//           kUnsupported: codec ids 5 to 7. The CRC is not looked at.
// Bound:    no allocation per record; a compressed batch uses the scratch up to its largest record (scratch.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"
#include "protocol/record/record_source.h"

namespace moldau::record {

class RecordWalker {
 public:
  RecordWalker(const BatchView& batch, Scratch& scratch, std::size_t bytes_max);

  // The next record; nullptr after the last one and after an error. The call after the last record is the one that
  // finds what follows it, so ok() speaks for the batch only once nullptr was given.
  [[nodiscard]] const RecordView* next();

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] Error error() const noexcept { return error_; }  // of !ok()

 private:
  [[nodiscard]] const RecordView* check_end();
  [[nodiscard]] const RecordView* stop(ErrorKind kind, const char* context) noexcept;
  [[nodiscard]] const RecordView* stop_with_source(const char* context) noexcept;

  RecordSource source_;
  RecordView record_;
  std::int32_t left_;
  std::int32_t index_ = 0;
  bool ok_ = true;
  Error error_{ErrorKind::kInvalid, "no error"};
};

}  // namespace moldau::record

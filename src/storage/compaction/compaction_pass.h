// CompactionPass: compacts one log once: reads its dirty part into an offset map, then writes each group of segments
// anew without the records that the map has newer ones for.
//
// Shard:      made on the log's shard; work(), install() and discard() block and run on Workers, one at a time. It
//             touches the files of closed segments alone, by name, and needs nothing of the log meanwhile.
// Order:      work() until kGroupReady; the log agrees (Log::begin_swap): install(), then Log::finish_swap; or
// discard().
//             Again until kDone. After an error: discard(), and no more.
// Invariants: A1 no record above end() is left out, and no key's last record at or below it but a tombstone whose time
//                has come.
//             A2 groups come in the order of their offsets; the files of one are synced when it is ready.
// Errors:     kCorrupt, kTruncated, kTooLarge, kUnsupported: the log cannot be compacted as it is. kNotFound: a segment
//             went meanwhile (retention, truncation, deletion). kNoSpace. kIo. kOutOfMemory, kInvalid: the table of
//             keys. install(): as put_in_place().
// Bound:      the offset map, two buffers that grow to the largest batch; a call of work() reads and writes its budget
//             and a batch more.
// Source:     org.apache.kafka.storage.internals.log.Cleaner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/compaction/batch_filter.h"
#include "storage/compaction/compaction_task.h"
#include "storage/compaction/offset_map.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/segment.h"

namespace moldau::storage {

// A cleaner thread's share of the broker's limits.
struct CompactionLimits {
  std::size_t map_bytes = std::size_t{128} << 20;     // log.cleaner.dedupe.buffer.size
  double map_load_factor = 0.9;                       // log.cleaner.io.buffer.load.factor
  std::size_t buffer_bytes = std::size_t{256} << 10;  // log.cleaner.io.buffer.size, for reading and for writing
};

struct CompactionCounts {
  std::uint64_t indexed_bytes = 0;  // read for the map
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  FilterCounts records;
  double map_utilization = 0.0;
};

class CompactionPass {
 public:
  enum class Progress : std::uint8_t { kMore, kGroupReady, kDone };

  CompactionPass(runtime::FileSystem& fs, Logger& logger, CompactionTask task, const CompactionLimits& limits,
                 const KeyHashSecret& secret);
  ~CompactionPass();
  CompactionPass(const CompactionPass&) = delete;
  CompactionPass& operator=(const CompactionPass&) = delete;

  // Goes on until about `bytes` were read and written.
  [[nodiscard]] Result<Progress> work(std::size_t bytes);

  // Of kGroupReady.
  [[nodiscard]] const CompactedGroup& group() const noexcept { return group_; }
  [[nodiscard]] Result<> install();
  // The files of the group at hand go, finished or not.
  [[nodiscard]] Result<> discard();

  // The first offset that this pass does not clean: the next one's first dirty. After the first kGroupReady or kDone.
  [[nodiscard]] Offset end() const noexcept { return end_; }
  [[nodiscard]] const CompactionTask& task() const noexcept { return task_; }
  [[nodiscard]] CompactionCounts counts() const noexcept;
  // Bytes read and written so far, for the throttle.
  [[nodiscard]] std::uint64_t io_bytes() const noexcept;

 private:
  enum class Stage : std::uint8_t { kIndex, kPlan, kFilter, kSeal, kDone };
  struct Scan;

  [[nodiscard]] Result<> open_scan(std::size_t segment);
  [[nodiscard]] Offset end_of(std::size_t segment) const;
  [[nodiscard]] Result<std::optional<record::BatchView>> next_batch();

  [[nodiscard]] Result<> index_some();
  [[nodiscard]] Result<bool> index_batch(const record::BatchView& batch);
  [[nodiscard]] Result<> plan();
  [[nodiscard]] Result<> filter_some();
  [[nodiscard]] Result<> begin_group();
  [[nodiscard]] Result<> append(Bytes batch);
  [[nodiscard]] Result<> flush();
  [[nodiscard]] Result<> seal();
  void end_index();

  runtime::FileSystem& fs_;
  CompactionTask task_;
  CompactionLimits limits_;
  KeyHashSecret secret_;

  Stage stage_ = Stage::kIndex;
  std::size_t segment_ = 0;  // being read, an index into the task's
  std::unique_ptr<Scan> scan_;
  ByteVector read_buffer_;

  std::optional<OffsetMap> map_;
  std::optional<CleanedTransactions> transactions_;
  PlainBatch plain_;
  record::Scratch scratch_;
  Offset end_{0};

  std::vector<SegmentGroup> groups_;
  std::size_t next_group_ = 0;
  std::optional<BatchFilter> filter_;
  SegmentContext context_;
  std::unique_ptr<Segment> output_;
  ByteVector write_buffer_;
  CompactedGroup group_;
  bool has_files_ = false;  // .cleaned files of the group at hand
  CompactionCounts counts_;
};

}  // namespace moldau::storage

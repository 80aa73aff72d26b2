// Segment: one stretch of a log: its .log file and the three indexes over it.
//
// Shard:      owned by its Log. Files are opened at first use and closed by release().
// Invariants: G1  an index entry is added only for a batch that was written, and never beyond index.interval.bytes
// rules.
//             G2  max_timestamp() is the largest time of the records, as far as the time index and what was appended
//             since
//                 tell; offset_of_max_timestamp() is the last offset of the batch that has it.
// Errors:     kCorrupt, kTruncated (detail: the position): the file holds no batch where one must be; kIo, kNoSpace.
// After
//             a failed write the segment's end is unknown: the owner goes offline.
// Durability: what was written since the last collect_unsynced() is in the page cache only.
// Bound:      indexes in memory while loaded: 8 + 12 bytes for each index.interval.bytes of log.
// Source:     LogSegment. Differences: indexes of the active segment live in memory and are written by write_indexes().
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "protocol/record/batch.h"
#include "runtime/fs.h"
#include "runtime/random.h"
#include "storage/index/offset_index.h"
#include "storage/index/time_index.h"
#include "storage/index/transaction_index.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/log_config.h"
#include "storage/segment/segment_files.h"

namespace moldau::storage {

// What the segments of one log share. Outlives them.
struct SegmentContext {
  runtime::FileSystem& fs;
  Logger& logger;
  std::string directory;
  LogConfig config;
  ByteVector scan_buffer = {};                                // one scan at a time
  std::vector<std::shared_ptr<runtime::File>> unsynced = {};  // written files that no segment keeps track of
  bool names_unsynced = false;                                // names were made, changed or removed in the directory
  std::uint32_t indexes_rebuilt = 0;
};

// How much earlier than segment.ms a new segment may be rolled (segment.jitter.ms), so that not all roll at once.
[[nodiscard]] std::int64_t draw_roll_jitter(const LogConfig& config, runtime::Random& random);

class Segment {
 public:
  // Makes an empty .log file; one left behind there is emptied. `stage`: all its files have that suffix (kCleaned: what
  // compaction writes).
  [[nodiscard]] static Result<std::unique_ptr<Segment>> create(SegmentContext& context, Offset base,
                                                               std::int64_t jitter_ms, std::int64_t now_ms,
                                                               FileStage stage = FileStage::kLive);
  // Takes a .log file of `size_bytes` that exists. `has_transactions`: there is a .txnindex beside it.
  Segment(SegmentContext& context, Offset base, std::uint64_t size_bytes, bool has_transactions, std::int64_t jitter_ms,
          std::int64_t now_ms);
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] Offset base() const noexcept { return base_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] Result<std::shared_ptr<runtime::File>> file();

  // --- writing ---

  // Appends whole batches; note() follows for each of them.
  [[nodiscard]] Result<> write(Bytes batches, std::int64_t now_ms);
  // Index entries and times for a batch at `position`. Indexes must be loaded.
  void note(const record::BatchHeader& batch, std::uint64_t position);
  // True if a batch like this begins a new segment: size, time since the first batch, full index, offset out of reach.
  [[nodiscard]] Result<bool> should_roll(std::uint64_t bytes, std::int64_t max_timestamp, Offset last_offset,
                                         std::int64_t now_ms);
  [[nodiscard]] bool can_append(Offset last_offset) const noexcept { return offsets_.can_append(last_offset); }
  // True if a batch read from the file can come after those below `next`.
  [[nodiscard]] bool continues(const record::BatchHeader& batch, Offset next) const noexcept;
  [[nodiscard]] Result<> append_aborted(const AbortedTxn& txn);
  // No batch will follow: the last time index entry is added, the indexes are written.
  [[nodiscard]] Result<> become_inactive();
  // Writes what the index files lack.
  [[nodiscard]] Result<> write_indexes();
  // Removes the batches that hold offsets at and above `offset`; bytes removed.
  [[nodiscard]] Result<std::uint64_t> truncate_to(Offset offset, std::int64_t now_ms);
  // Writes the bytes from `position` on once more, as they are read, a chunk at a time.
  [[nodiscard]] Result<> write_again(std::uint64_t position);
  // Removes all bytes from `position` on, when the caller has noted just the batches before it.
  [[nodiscard]] Result<> cut(std::uint64_t position);

  // --- indexes ---

  // Reads the index files, or makes the indexes anew from the batches if they are missing or wrong (a warning says so).
  [[nodiscard]] Result<> load_indexes();
  [[nodiscard]] bool indexes_loaded() const noexcept { return loaded_; }
  // Empty indexes, to be filled by note().
  void reset_indexes();
  // Adds the segment's largest time, as closing does.
  void close_time_index() { times_.maybe_append(max_time_.timestamp, max_time_.offset); }
  // Makes them anew from the batches' headers, and the files with them, durably. Blocks; damage is rare.
  [[nodiscard]] Result<> rebuild_indexes();
  [[nodiscard]] Result<const TransactionIndex*> transactions();
  [[nodiscard]] Result<> reset_transactions();
  // Forgets the aborted transactions whose markers lie at or above `offset`; all, if the file is not an index.
  [[nodiscard]] Result<> keep_transactions_below(Offset offset);
  [[nodiscard]] const OffsetIndex& offset_index() const noexcept { return offsets_; }
  [[nodiscard]] const TimeIndex& time_index() const noexcept { return times_; }

  // --- reading ---

  // The first batch whose last offset is at or above `target`. An index that leads astray is made anew.
  [[nodiscard]] Result<std::optional<FoundBatch>> find(Offset target);
  // Whether offsets are missing between the batches, as compaction leaves it. Walks all headers, once; kCorrupt if they
  // are out of order or reach beyond `end`, where the segment ends.
  [[nodiscard]] Result<bool> has_gaps(Offset end);
  // The offset behind the last batch; base() if there is none.
  [[nodiscard]] Result<Offset> next_offset();
  // Loads the time index once if need be.
  [[nodiscard]] Result<std::int64_t> max_timestamp();
  [[nodiscard]] Offset offset_of_max_timestamp() const noexcept { return max_time_.offset; }
  // Of the first batch, by which segment.ms and max.compaction.lag.ms count: its largest time; -1 if there is none.
  [[nodiscard]] Result<std::int64_t> first_timestamp();
  // When it was last written, made or opened.
  [[nodiscard]] std::int64_t written_ms() const noexcept { return std::max(written_ms_, created_ms_); }
  // By which retention.ms counts: the largest record time, or, without times, written_ms().
  [[nodiscard]] Result<std::int64_t> age_timestamp();
  // The same for those who delete by it: the batch that is said to have the largest time is asked, and if it has
  // another, the indexes are made anew.
  [[nodiscard]] Result<std::int64_t> confirmed_age_timestamp();

  // --- files ---

  // Adds the .log file if it was written since the last call.
  void collect_unsynced(std::vector<std::shared_ptr<runtime::File>>& files);
  // The bytes may not be durable: a crash lies between them and us. Opens the file.
  [[nodiscard]] Result<> mark_unsynced();
  [[nodiscard]] bool unsynced() const noexcept { return unsynced_; }
  // Closes the file and forgets indexes that the files hold; not of a pinned one.
  [[nodiscard]] Result<> release();
  // Opens the file and reads all indexes: from now on no file is opened or written by its name, which another may take.
  [[nodiscard]] Result<> pin();
  // Adds `suffix` to the names of what exists; the new paths. The segment is of no use any more.
  [[nodiscard]] Result<std::vector<std::string>> rename_files(std::string_view suffix);

 private:
  [[nodiscard]] std::string path(FileRole role) const { return log_file_path(context_.directory, base_, role, stage_); }
  [[nodiscard]] Result<bool> read_indexes();
  [[nodiscard]] Result<> replace_indexes();
  [[nodiscard]] Result<> write_index(FileRole role, Bytes content, std::uint64_t& written, bool& shorten);
  [[nodiscard]] Result<> find_largest_time();
  [[nodiscard]] Result<std::optional<FoundBatch>> find_by_index(Offset target);
  [[nodiscard]] Result<> distrust_indexes();
  [[nodiscard]] Result<> load_first_timestamp();

  SegmentContext& context_;
  Offset base_;
  std::uint64_t size_;
  std::shared_ptr<runtime::File> file_;
  OffsetIndex offsets_;
  TimeIndex times_;
  std::optional<TransactionIndex> transactions_;
  TimeIndex::Entry max_time_;
  std::optional<std::int64_t> first_timestamp_;  // of the first batch, by which segment.ms counts
  std::int64_t created_ms_;                      // or opened
  std::int64_t written_ms_ = 0;
  std::int64_t jitter_ms_;
  std::uint64_t bytes_since_entry_ = 0;
  std::uint64_t offsets_written_ = 0;  // bytes of the index that its file holds
  std::uint64_t times_written_ = 0;
  bool offsets_shorten_ = false;  // the file may hold more than that
  bool times_shorten_ = false;
  bool loaded_ = false;
  bool max_time_known_ = false;
  std::optional<bool> has_gaps_;
  bool has_transactions_file_;
  bool unsynced_ = false;
  bool pinned_ = false;
  FileStage stage_ = FileStage::kLive;
};

}  // namespace moldau::storage

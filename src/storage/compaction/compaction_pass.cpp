#include "storage/compaction/compaction_pass.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/record/record_walker.h"
#include "storage/compaction/segment_swap.h"

namespace moldau::storage {

// One walk over one segment's batches.
struct CompactionPass::Scan {
  std::shared_ptr<runtime::File> file;
  BatchScanner batches;
  Offset next;  // no batch begins below it
  Offset end;   // nor reaches to it
  std::uint64_t counted = 0;
};

namespace {

// The keys of a dirty range are at most as many as its offsets.
std::size_t map_bytes_for(const CompactionTask& task, const CompactionLimits& limits) {
  const double offsets = static_cast<double>(task.first_uncleanable - task.first_dirty) + 2;
  const double bytes = (offsets / std::max(limits.map_load_factor, 0.01) + 2) * OffsetMap::kSlotBytes;
  return bytes >= static_cast<double>(limits.map_bytes) ? limits.map_bytes : static_cast<std::size_t>(bytes);
}

std::vector<AbortedTxn> ending_from(const std::vector<AbortedTxn>& aborted, Offset offset) {
  std::vector<AbortedTxn> found;
  std::ranges::copy_if(aborted, std::back_inserter(found),
                       [&](const AbortedTxn& txn) { return txn.last_offset >= offset; });
  return found;
}

}  // namespace

CompactionPass::CompactionPass(runtime::FileSystem& fs, Logger& logger, CompactionTask task,
                               const CompactionLimits& limits, const KeyHashSecret& secret)
    : fs_(fs),
      task_(std::move(task)),
      limits_(limits),
      secret_(secret),
      context_{.fs = fs, .logger = logger, .directory = task_.directory, .config = task_.config} {
  MOLDAU_ASSERT(task_.first_dirty < task_.first_uncleanable, task_.first_dirty.value(),
                task_.first_uncleanable.value());
  limits_.buffer_bytes = std::max(limits_.buffer_bytes, BatchScanner::kLookupChunk);
  while (segment_ + 1 < task_.segments.size() && task_.segments[segment_ + 1].base <= task_.first_dirty) {
    ++segment_;
  }
}

CompactionPass::~CompactionPass() = default;

CompactionCounts CompactionPass::counts() const noexcept {
  CompactionCounts counts = counts_;
  if (filter_) {
    counts.records = filter_->counts();
  }
  if (map_) {
    counts.map_utilization = static_cast<double>(map_->size()) / static_cast<double>(map_->slots());
  }
  return counts;
}

std::uint64_t CompactionPass::io_bytes() const noexcept {
  return counts_.indexed_bytes + counts_.read_bytes + counts_.written_bytes;
}

Result<CompactionPass::Progress> CompactionPass::work(std::size_t bytes) {
  const std::uint64_t until = io_bytes() + bytes;
  while (stage_ != Stage::kDone && io_bytes() < until) {
    switch (stage_) {
      case Stage::kIndex: MOLDAU_CHECK(index_some()); break;
      case Stage::kPlan: MOLDAU_CHECK(plan()); break;
      case Stage::kFilter: MOLDAU_CHECK(filter_some()); break;
      case Stage::kSeal: MOLDAU_CHECK(seal()); return Progress::kGroupReady;
      case Stage::kDone: break;
    }
  }
  return stage_ == Stage::kDone ? Progress::kDone : Progress::kMore;
}

// --- reading ---

Offset CompactionPass::end_of(std::size_t segment) const {
  return segment + 1 < task_.segments.size() ? task_.segments[segment + 1].base : task_.first_uncleanable;
}

Result<> CompactionPass::open_scan(std::size_t segment) {
  const SegmentFacts& facts = task_.segments[segment];
  MOLDAU_TRY(file, fs_.open(log_file_path(task_.directory, facts.base, FileRole::kLog), runtime::OpenMode::kRead));
  scan_ = std::make_unique<Scan>(file, BatchScanner(*file, 0, facts.size_bytes, read_buffer_, limits_.buffer_bytes),
                                 facts.base, end_of(segment));
  return {};
}

// Of the segment at hand; nullopt behind its last.
Result<std::optional<record::BatchView>> CompactionPass::next_batch() {
  MOLDAU_TRY(found, scan_->batches.next());
  if (!found) {
    return std::nullopt;
  }
  const record::BatchHeader& header = found->header;
  if (header.base_offset < scan_->next || header.last_offset_delta < 0 || header.next_offset() > scan_->end) {
    return fail(ErrorKind::kCorrupt, "batch with an offset out of order", 0,
                static_cast<std::int64_t>(found->position));
  }
  scan_->next = header.next_offset();
  MOLDAU_TRY(bytes, scan_->batches.bytes());
  return record::BatchView{header, bytes};
}

// --- the offset map ---

Result<> CompactionPass::index_some() {
  if (!map_) {
    MOLDAU_TRY(map, OffsetMap::make(map_bytes_for(task_, limits_), limits_.map_load_factor, secret_));
    map_.emplace(std::move(map));
    transactions_.emplace(ending_from(task_.aborted, task_.first_dirty));
  }
  if (!scan_) {
    MOLDAU_CHECK(open_scan(segment_));
  }
  MOLDAU_TRY(batch, next_batch());
  if (!batch) {
    map_->set_latest(end_of(segment_) - 1);  // compacted before, it may end in a gap
    scan_.reset();
    if (++segment_ == task_.segments.size()) {
      end_index();
    }
    return {};
  }
  counts_.indexed_bytes += batch->bytes.size();
  if (batch->header.last_offset() < task_.first_dirty) {
    return {};
  }
  MOLDAU_TRY(taken, index_batch(*batch));
  if (!taken) {
    MOLDAU_PROBE("compaction.map_full");
    end_index();
    return {};
  }
  map_->set_latest(batch->header.last_offset());
  return {};
}

// False: the map is full. What it took of the batch counts.
Result<bool> CompactionPass::index_batch(const record::BatchView& batch) {
  if (batch.header.is_control()) {
    MOLDAU_CHECK(transactions_->on_control(batch, scratch_));
    return true;
  }
  if (transactions_->on_data(batch.header)) {
    return true;
  }
  if (!batch.crc_matches()) {
    return fail(ErrorKind::kCorrupt, "batch fails its checksum", 0, batch.header.base_offset.value());
  }
  MOLDAU_TRY(plain, plain_.open(batch, task_.config.decompressed_bytes_max));
  record::RecordWalker walker(plain, scratch_, task_.config.decompressed_bytes_max);
  std::int32_t next_delta = 0;
  while (const record::RecordView* record = walker.next()) {
    if (record->offset_delta < next_delta || record->offset_delta > plain.header.last_offset_delta) {
      return fail(ErrorKind::kCorrupt, "record with an offset out of order", 0, batch.header.base_offset.value());
    }
    next_delta = record->offset_delta + 1;
    const Offset offset = plain.header.offset_at(record->offset_delta);
    if (record->key && offset >= task_.first_dirty && !map_->put(*record->key, offset)) {
      return false;
    }
  }
  if (!walker.ok()) {
    return std::unexpected(walker.error());
  }
  return true;
}

void CompactionPass::end_index() {
  scan_.reset();
  end_ = map_->latest() + 1;
  stage_ = Stage::kPlan;
}

// --- the groups ---

Result<> CompactionPass::plan() {
  std::erase_if(task_.segments, [this](const SegmentFacts& segment) { return segment.base >= end_; });
  const auto size_of = [this](Offset base, FileRole role) -> Result<std::uint64_t> {
    auto size = fs_.file_size(log_file_path(task_.directory, base, role));
    return !size && size.error().kind() == ErrorKind::kNotFound ? Result<std::uint64_t>(0) : size;
  };
  for (SegmentFacts& segment : task_.segments) {
    MOLDAU_TRY(offsets, size_of(segment.base, FileRole::kOffsetIndex));
    MOLDAU_TRY(times, size_of(segment.base, FileRole::kTimeIndex));
    segment.offset_index_bytes = offsets;
    segment.time_index_bytes = times;
  }
  groups_ = group_segments(task_.segments, static_cast<std::uint64_t>(task_.config.segment_bytes),
                           static_cast<std::uint64_t>(task_.config.segment_index_bytes), task_.first_uncleanable);
  transactions_.emplace(std::move(task_.aborted));
  filter_.emplace(FilterRules{.now_ms = task_.now_ms,
                              .delete_retention_ms = task_.config.delete_retention_ms,
                              .upper_bound = task_.first_uncleanable,
                              .decompressed_bytes_max = task_.config.decompressed_bytes_max},
                  *map_, task_.producers, *transactions_);
  stage_ = groups_.empty() ? Stage::kDone : Stage::kFilter;
  return {};
}

Result<> CompactionPass::begin_group() {
  const SegmentGroup& group = groups_[next_group_];
  segment_ = group.first;
  const auto first = task_.segments.begin() + static_cast<std::ptrdiff_t>(group.first);
  group_ = {.base = first->base,
            .end = end_of(group.first + group.count - 1),
            .replaced = {first, first + static_cast<std::ptrdiff_t>(group.count)},
            .truncations = task_.truncations};
  has_files_ = true;
  MOLDAU_CHECK(remove_cleaned(fs_, task_.directory, group_.base));
  MOLDAU_TRY(output, Segment::create(context_, group_.base, 0, task_.now_ms, FileStage::kCleaned));
  output_ = std::move(output);
  return {};
}

Result<> CompactionPass::filter_some() {
  if (!output_) {
    MOLDAU_CHECK(begin_group());
  }
  if (!scan_) {
    MOLDAU_CHECK(open_scan(segment_));
  }
  MOLDAU_TRY(batch, next_batch());
  if (batch) {
    counts_.read_bytes += batch->bytes.size();
    MOLDAU_TRY(left, filter_->filter(*batch));
    return left.empty() ? Result<>{} : append(left);
  }
  scan_.reset();
  const SegmentGroup& group = groups_[next_group_];
  if (++segment_ == group.first + group.count) {
    stage_ = Stage::kSeal;
  }
  return {};
}

Result<> CompactionPass::append(Bytes batch) {
  const std::uint64_t position = output_->size_bytes() + write_buffer_.size();
  const auto header = record::BatchHeader::load(batch.data());
  if (position + batch.size() > INT32_MAX || !output_->can_append(header.last_offset())) {
    return fail(ErrorKind::kTooLarge, "compacted segment", 0, group_.base.value());
  }
  write_buffer_.insert(write_buffer_.end(), batch.begin(), batch.end());
  output_->note(header, position);
  return write_buffer_.size() >= limits_.buffer_bytes ? flush() : Result<>{};
}

Result<> CompactionPass::flush() {
  if (write_buffer_.empty()) {
    return {};
  }
  const std::uint64_t position = output_->size_bytes();
  counts_.written_bytes += write_buffer_.size();
  MOLDAU_CHECK(output_->write(write_buffer_, task_.now_ms));
  // Bit by bit, so that the sync at the end does not hold up those of others.
  MOLDAU_TRY(file, output_->file());
  file->start_writeback(position, write_buffer_.size());
  write_buffer_.clear();
  return {};
}

Result<> CompactionPass::seal() {
  MOLDAU_CHECK(flush());
  for (const AbortedTxn& txn : transactions_->take_kept()) {
    MOLDAU_CHECK(output_->append_aborted(txn));
    group_.has_transactions = true;
  }
  MOLDAU_CHECK(output_->become_inactive());
  std::vector<std::shared_ptr<runtime::File>> files = std::exchange(context_.unsynced, {});
  output_->collect_unsynced(files);
  for (const auto& file : files) {
    MOLDAU_CHECK(file->sync());
  }
  group_.size_bytes = output_->size_bytes();
  output_.reset();
  stage_ = ++next_group_ == groups_.size() ? Stage::kDone : Stage::kFilter;
  return {};
}

Result<> CompactionPass::install() {
  MOLDAU_CHECK(put_in_place(fs_, task_.directory, group_));
  has_files_ = false;
  return {};
}

Result<> CompactionPass::discard() {
  output_.reset();
  scan_.reset();
  write_buffer_.clear();
  return std::exchange(has_files_, false) ? remove_cleaned(fs_, task_.directory, group_.base) : Result<>{};
}

}  // namespace moldau::storage

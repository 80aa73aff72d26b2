#include "storage/segment/segment.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/probe.h"

namespace moldau::storage {
namespace {

// Java's subtraction: hostile times wrap instead of trapping.
constexpr std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

constexpr std::int64_t roll_after_ms(const LogConfig& config) noexcept {
  return config.cleanup_compact && config.max_compaction_lag_ms > 0
             ? std::min(config.max_compaction_lag_ms, config.segment_ms)
             : config.segment_ms;
}

}  // namespace

std::int64_t draw_roll_jitter(const LogConfig& config, runtime::Random& random) {
  const std::int64_t bound = std::min(config.segment_jitter_ms, config.segment_ms);
  return bound <= 0 ? 0 : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
}

Segment::Segment(SegmentContext& context, Offset base, std::uint64_t size_bytes, bool has_transactions,
                 std::int64_t jitter_ms, std::int64_t now_ms)
    : context_(context),
      base_(base),
      size_(size_bytes),
      offsets_(base),
      times_(base),
      max_time_{kNoTimestamp, base},
      created_ms_(now_ms),
      jitter_ms_(jitter_ms),
      has_transactions_file_(has_transactions) {}

Result<std::unique_ptr<Segment>> Segment::create(SegmentContext& context, Offset base, std::int64_t jitter_ms,
                                                 std::int64_t now_ms, FileStage stage) {
  auto segment = std::make_unique<Segment>(context, base, 0, false, jitter_ms, now_ms);
  segment->stage_ = stage;
  MOLDAU_TRY(file, context.fs.open(segment->path(FileRole::kLog), runtime::OpenMode::kCreate));
  MOLDAU_TRY(left, file->size());
  if (left > 0) {
    MOLDAU_CHECK(file->truncate(0));
  }
  segment->file_ = std::move(file);
  segment->reset_indexes();
  segment->unsynced_ = true;
  context.names_unsynced = true;
  return segment;
}

Result<std::shared_ptr<runtime::File>> Segment::file() {
  if (!file_) {
    MOLDAU_TRY(opened, context_.fs.open(path(FileRole::kLog), runtime::OpenMode::kReadWrite));
    file_ = std::move(opened);
  }
  return file_;
}

Result<> Segment::write(Bytes batches, std::int64_t now_ms) {
  MOLDAU_TRY(to, file());
  unsynced_ = true;
  MOLDAU_CHECK(to->write_at(size_, std::span(&batches, 1)));
  size_ += batches.size();
  written_ms_ = now_ms;
  return {};
}

void Segment::note(const record::BatchHeader& batch, std::uint64_t position) {
  MOLDAU_ASSERT(loaded_, base_.value());
  if (position == 0) {
    first_timestamp_ = batch.max_timestamp;
  }
  if (batch.max_timestamp > max_time_.timestamp) {
    max_time_ = {batch.max_timestamp, batch.last_offset()};
  }
  if (bytes_since_entry_ > static_cast<std::uint64_t>(context_.config.index_interval_bytes)) {
    // Only several batches written at once can find an index full here: the segment rolls before the next ones.
    if (!offsets_.full(context_.config.segment_index_bytes)) {
      offsets_.append(batch.last_offset(), static_cast<std::uint32_t>(position));
    }
    if (!times_.full(context_.config.segment_index_bytes)) {
      times_.maybe_append(max_time_.timestamp, max_time_.offset);
    }
    bytes_since_entry_ = 0;
  }
  bytes_since_entry_ += batch.size_bytes();
}

Result<> Segment::load_first_timestamp() {
  if (first_timestamp_ || empty()) {
    return {};
  }
  MOLDAU_TRY(from, file());
  BatchScanner scanner(*from, 0, size_, context_.scan_buffer, BatchScanner::kLookupChunk);
  MOLDAU_TRY(first, scanner.next());
  first_timestamp_ = first ? first->header.max_timestamp : kNoTimestamp;
  return {};
}

Result<bool> Segment::should_roll(std::uint64_t bytes, std::int64_t max_timestamp, Offset last_offset,
                                  std::int64_t now_ms) {
  const LogConfig& config = context_.config;
  MOLDAU_CHECK(load_indexes());
  MOLDAU_CHECK(load_first_timestamp());
  if (size_ + bytes > static_cast<std::uint64_t>(config.segment_bytes) || offsets_.full(config.segment_index_bytes) ||
      times_.full(config.segment_index_bytes) || !can_append(last_offset)) {
    return true;
  }
  const std::int64_t waited = first_timestamp_.value_or(kNoTimestamp) >= 0
                                  ? wrapping_difference(max_timestamp, *first_timestamp_)
                                  : now_ms - created_ms_;
  return !empty() && waited > roll_after_ms(config) - jitter_ms_;
}

Result<> Segment::append_aborted(const AbortedTxn& txn) {
  MOLDAU_CHECK(transactions());
  if (!transactions_->empty() && transactions_->entries().back().last_offset >= txn.last_offset) {
    return fail(ErrorKind::kCorrupt, "transaction index reaches beyond the log", 0, txn.last_offset.value());
  }
  MOLDAU_TRY(to, context_.fs.open(path(FileRole::kTransactionIndex), runtime::OpenMode::kCreate));
  const std::uint64_t at = transactions_->entries().size() * AbortedTxn::kBytes;
  std::byte entry[AbortedTxn::kBytes];
  txn.store(entry);
  const Bytes piece(entry);
  MOLDAU_CHECK(to->write_at(at, std::span(&piece, 1)));
  transactions_->append(txn);
  context_.names_unsynced |= !std::exchange(has_transactions_file_, true);
  context_.unsynced.push_back(std::move(to));
  return {};
}

Result<> Segment::become_inactive() {
  MOLDAU_CHECK(load_indexes());
  close_time_index();
  return write_indexes();
}

Result<> Segment::write_index(FileRole role, Bytes content, std::uint64_t& written, bool& shorten) {
  if (written == content.size() && !shorten) {
    return {};
  }
  MOLDAU_TRY(to, context_.fs.open(path(role), runtime::OpenMode::kCreate));
  if (shorten) {
    MOLDAU_CHECK(to->truncate(written));
  }
  if (written < content.size()) {
    const Bytes rest = content.subspan(static_cast<std::size_t>(written));
    MOLDAU_CHECK(to->write_at(written, std::span(&rest, 1)));
  }
  written = content.size();
  shorten = false;
  context_.names_unsynced = true;
  context_.unsynced.push_back(std::move(to));
  return {};
}

Result<> Segment::write_indexes() {
  if (!loaded_) {
    return {};
  }
  MOLDAU_CHECK(write_index(FileRole::kOffsetIndex, offsets_.bytes(), offsets_written_, offsets_shorten_));
  return write_index(FileRole::kTimeIndex, times_.bytes(), times_written_, times_shorten_);
}

Result<std::uint64_t> Segment::truncate_to(Offset offset, std::int64_t now_ms) {
  MOLDAU_TRY(first_removed, find(offset));
  offsets_.truncate_to(offset);
  times_.truncate_to(offset);
  offsets_written_ = std::min<std::uint64_t>(offsets_written_, offsets_.bytes().size());
  times_written_ = std::min<std::uint64_t>(times_written_, times_.bytes().size());
  offsets_shorten_ = times_shorten_ = true;
  MOLDAU_CHECK(keep_transactions_below(offset));
  const std::uint64_t before = size_;
  if (first_removed) {
    MOLDAU_CHECK(cut(first_removed->position));
  }
  if (empty()) {
    created_ms_ = now_ms;
    first_timestamp_.reset();
  }
  bytes_since_entry_ = 0;
  MOLDAU_CHECK(find_largest_time());
  return before - size_;
}

Result<> Segment::write_again(std::uint64_t position) {
  MOLDAU_TRY(to, file());
  unsynced_ = true;
  ByteVector& buffer = context_.scan_buffer;
  buffer.resize(std::max(buffer.size(), BatchScanner::kRecoveryChunk));
  while (position < size_) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - position));
    MOLDAU_TRY(count, to->read_at(position, MutableBytes(buffer).first(wanted)));
    if (count == 0) {
      return fail(ErrorKind::kTruncated, "segment file is shorter than it was", 0, static_cast<std::int64_t>(position));
    }
    const Bytes piece = Bytes(buffer).first(count);
    MOLDAU_CHECK(to->write_at(position, std::span(&piece, 1)));
    position += count;
  }
  return {};
}

Result<> Segment::cut(std::uint64_t position) {
  MOLDAU_TRY(from, file());
  unsynced_ = true;
  MOLDAU_CHECK(from->truncate(position));
  size_ = position;
  return {};
}

// Behind the last time index entry there may be younger records.
Result<> Segment::find_largest_time() {
  max_time_ = times_.last();
  max_time_known_ = true;
  if (empty()) {
    return {};
  }
  MOLDAU_TRY(from, file());
  BatchScanner scanner(*from, offsets_.lookup(max_time_.offset).position, size_, context_.scan_buffer,
                       BatchScanner::kLookupChunk);
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    if (!batch) {
      return {};
    }
    if (batch->header.max_timestamp > max_time_.timestamp && can_append(batch->header.last_offset())) {
      max_time_ = {batch->header.max_timestamp, batch->header.last_offset()};
    }
  }
}

void Segment::reset_indexes() {
  offsets_ = OffsetIndex(base_);
  times_ = TimeIndex(base_);
  offsets_written_ = times_written_ = 0;
  offsets_shorten_ = times_shorten_ = true;
  max_time_ = {kNoTimestamp, base_};
  max_time_known_ = loaded_ = true;
  bytes_since_entry_ = 0;
}

Result<bool> Segment::read_indexes() {
  auto offsets_file = runtime::read_file(context_.fs, path(FileRole::kOffsetIndex), INT32_MAX);
  auto times_file = runtime::read_file(context_.fs, path(FileRole::kTimeIndex), INT32_MAX);
  for (const auto* file : {&offsets_file, &times_file}) {
    if (!*file) {
      const ErrorKind kind = file->error().kind();
      if (kind == ErrorKind::kNotFound || kind == ErrorKind::kTooLarge) {
        return false;
      }
      return std::unexpected(file->error());
    }
  }
  auto offsets = OffsetIndex::parse(*std::move(offsets_file), base_, size_);
  auto times = TimeIndex::parse(*std::move(times_file), base_);
  if (!offsets || !times) {
    return false;
  }
  if (!offsets->empty()) {
    // An index of another segment, or of this one before it was cut and written again, has the right form too.
    const OffsetIndex::Entry last = offsets->entry(offsets->count() - 1);
    MOLDAU_TRY(from, file());
    BatchScanner scanner(*from, last.position, size_, context_.scan_buffer, BatchScanner::kLookupChunk);
    const auto batch = scanner.next();
    if (!batch && batch.error().kind() == ErrorKind::kIo) {
      return std::unexpected(batch.error());
    }
    if (!batch || !*batch || (*batch)->header.last_offset() != last.offset) {
      return false;
    }
  }
  offsets_ = *std::move(offsets);
  times_ = *std::move(times);
  offsets_written_ = offsets_.bytes().size();
  times_written_ = times_.bytes().size();
  offsets_shorten_ = times_shorten_ = false;
  return true;
}

Result<> Segment::load_indexes() {
  if (loaded_) {
    return {};
  }
  MOLDAU_TRY(good, read_indexes());
  if (!good) {
    return distrust_indexes();
  }
  loaded_ = true;
  if (!max_time_known_) {
    max_time_ = times_.last();
    max_time_known_ = true;
  }
  return {};
}

Result<> Segment::distrust_indexes() {
  log(context_.logger, LogLevel::kWarn, "storage", "{}: index missing or damaged, made anew from the batches",
      path(FileRole::kLog));
  MOLDAU_PROBE("segment.index_rebuilt");
  ++context_.indexes_rebuilt;
  return rebuild_indexes();
}

Result<> Segment::rebuild_indexes() {
  MOLDAU_TRY(from, file());
  reset_indexes();
  BatchScanner scanner(*from, 0, size_, context_.scan_buffer, BatchScanner::kLookupChunk);
  Offset next = base_;
  for (;;) {
    auto batch = scanner.next();
    if (!batch) {
      loaded_ = false;
      return std::unexpected(batch.error());
    }
    if (!*batch) {
      break;
    }
    const record::BatchHeader& header = (*batch)->header;
    if (!continues(header, next)) {
      loaded_ = false;
      return fail(ErrorKind::kCorrupt, "batch with an offset out of order", 0,
                  static_cast<std::int64_t>((*batch)->position));
    }
    note(header, (*batch)->position);
    next = header.next_offset();
  }
  close_time_index();
  bytes_since_entry_ = 0;
  return replace_indexes();
}

// At once and whole: below the recovery point nobody would notice that the files are short.
Result<> Segment::replace_indexes() {
  if (pinned_) {
    return {};  // the names may already be another's
  }
  MOLDAU_CHECK(runtime::replace_file(context_.fs, path(FileRole::kOffsetIndex), offsets_.bytes()));
  MOLDAU_CHECK(runtime::replace_file(context_.fs, path(FileRole::kTimeIndex), times_.bytes()));
  offsets_written_ = offsets_.bytes().size();
  times_written_ = times_.bytes().size();
  offsets_shorten_ = times_shorten_ = false;
  return {};
}

bool Segment::continues(const record::BatchHeader& batch, Offset next) const noexcept {
  return batch.base_offset >= next && batch.last_offset_delta >= 0 && can_append(batch.last_offset());
}

Result<const TransactionIndex*> Segment::transactions() {
  if (!transactions_) {
    if (has_transactions_file_) {
      MOLDAU_TRY(content, runtime::read_file(context_.fs, path(FileRole::kTransactionIndex), INT32_MAX));
      MOLDAU_TRY(index, TransactionIndex::parse(content, base_));
      transactions_ = std::move(index);
    } else {
      transactions_.emplace();
    }
  }
  return &*transactions_;
}

Result<> Segment::reset_transactions() {
  if (has_transactions_file_) {
    MOLDAU_TRY(file, context_.fs.open(path(FileRole::kTransactionIndex), runtime::OpenMode::kReadWrite));
    MOLDAU_CHECK(file->truncate(0));
    context_.unsynced.push_back(std::move(file));
  }
  transactions_.emplace();
  return {};
}

Result<> Segment::keep_transactions_below(Offset offset) {
  if (auto index = transactions(); !index) {
    if (index.error().kind() == ErrorKind::kIo) {
      return std::unexpected(index.error());
    }
    return reset_transactions();
  }
  const std::size_t before = transactions_->entries().size();
  transactions_->truncate_to(offset);
  if (transactions_->entries().size() != before) {
    MOLDAU_TRY(file, context_.fs.open(path(FileRole::kTransactionIndex), runtime::OpenMode::kReadWrite));
    MOLDAU_CHECK(file->truncate(transactions_->entries().size() * AbortedTxn::kBytes));
    context_.unsynced.push_back(std::move(file));
  }
  return {};
}

Result<std::optional<FoundBatch>> Segment::find(Offset target) {
  MOLDAU_CHECK(load_indexes());
  auto found = find_by_index(target);
  if (!found && (found.error().kind() == ErrorKind::kCorrupt || found.error().kind() == ErrorKind::kTruncated)) {
    // The index may have led astray: it is only as good as its checks. The batches decide.
    MOLDAU_CHECK(distrust_indexes());
    found = find_by_index(target);
  }
  return found;
}

Result<std::optional<FoundBatch>> Segment::find_by_index(Offset target) {
  MOLDAU_TRY(from, file());
  const OffsetIndex::Entry entry = offsets_.lookup(target);
  BatchScanner scanner(*from, entry.position, size_, context_.scan_buffer, BatchScanner::kLookupChunk);
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    // An entry's batch holds the entry's offset: if it begins above, batches before it would be skipped.
    if (batch && batch->position == entry.position && batch->position > 0 && batch->header.base_offset > entry.offset) {
      return fail(ErrorKind::kCorrupt, "index entry of another batch", 0, static_cast<std::int64_t>(entry.position));
    }
    if (!batch || batch->header.last_offset() >= target) {
      return batch;
    }
  }
}

Result<bool> Segment::has_gaps(Offset end) {
  if (has_gaps_) {
    return *has_gaps_;
  }
  MOLDAU_TRY(from, file());
  BatchScanner scanner(*from, 0, size_, context_.scan_buffer, BatchScanner::kLookupChunk);
  bool gaps = false;
  Offset next = base_;
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    if (!batch) {
      has_gaps_ = gaps;
      return gaps;
    }
    if (!continues(batch->header, next) || batch->header.next_offset() > end) {
      return fail(ErrorKind::kCorrupt, "batch with an offset out of order", 0,
                  static_cast<std::int64_t>(batch->position));
    }
    gaps |= batch->header.base_offset != next;
    next = batch->header.next_offset();
  }
}

Result<Offset> Segment::next_offset() {
  MOLDAU_CHECK(load_indexes());
  MOLDAU_TRY(from, file());
  BatchScanner scanner(*from, offsets_.lookup(offsets_.last_offset()).position, size_, context_.scan_buffer,
                       BatchScanner::kLookupChunk);
  Offset next = base_;
  for (;;) {
    MOLDAU_TRY(batch, scanner.next());
    if (!batch) {
      return next;
    }
    if (!continues(batch->header, next)) {
      return fail(ErrorKind::kCorrupt, "batch with an offset out of order", 0,
                  static_cast<std::int64_t>(batch->position));
    }
    next = batch->header.next_offset();
  }
}

Result<std::int64_t> Segment::max_timestamp() {
  if (!max_time_known_) {
    MOLDAU_CHECK(load_indexes());
  }
  return max_time_.timestamp;
}

Result<std::int64_t> Segment::first_timestamp() {
  MOLDAU_CHECK(load_first_timestamp());
  return first_timestamp_.value_or(kNoTimestamp);
}

Result<std::int64_t> Segment::age_timestamp() {
  MOLDAU_TRY(timestamp, max_timestamp());
  return timestamp >= 0 ? timestamp : written_ms();
}

Result<std::int64_t> Segment::confirmed_age_timestamp() {
  MOLDAU_CHECK(load_indexes());
  bool right = times_.empty() && max_time_.timestamp == kNoTimestamp;
  if (!right) {
    MOLDAU_TRY(batch, find(max_time_.offset));
    right =
        batch && batch->header.base_offset <= max_time_.offset && batch->header.max_timestamp == max_time_.timestamp;
  }
  if (!right) {
    MOLDAU_CHECK(distrust_indexes());
  }
  return age_timestamp();
}

void Segment::collect_unsynced(std::vector<std::shared_ptr<runtime::File>>& files) {
  if (std::exchange(unsynced_, false)) {
    MOLDAU_ASSERT(file_ != nullptr, base_.value());  // release() keeps the file of an unsynced segment open
    files.push_back(file_);
  }
}

Result<> Segment::mark_unsynced() {
  MOLDAU_CHECK(file());
  unsynced_ = true;
  return {};
}

Result<> Segment::pin() {
  MOLDAU_CHECK(file());
  MOLDAU_CHECK(load_indexes());
  MOLDAU_CHECK(transactions());
  pinned_ = true;
  return {};
}

Result<> Segment::release() {
  if (pinned_) {
    return {};
  }
  MOLDAU_CHECK(write_indexes());
  if (loaded_) {
    offsets_ = OffsetIndex(base_);
    times_ = TimeIndex(base_);
    loaded_ = false;
  }
  if (has_transactions_file_) {
    transactions_.reset();
  }
  if (!unsynced_) {
    file_.reset();
  }
  return {};
}

Result<std::vector<std::string>> Segment::rename_files(std::string_view suffix) {
  std::vector<std::string> renamed;
  for (const FileRole role :
       {FileRole::kOffsetIndex, FileRole::kTimeIndex, FileRole::kTransactionIndex, FileRole::kLog}) {
    const std::string from = path(role);
    std::string to = from + std::string(suffix);
    if (auto outcome = context_.fs.rename(from, to); outcome) {
      renamed.push_back(std::move(to));
    } else if (outcome.error().kind() != ErrorKind::kNotFound) {
      return std::unexpected(outcome.error());
    }
  }
  unsynced_ = false;
  context_.names_unsynced = true;
  return renamed;
}

}  // namespace moldau::storage

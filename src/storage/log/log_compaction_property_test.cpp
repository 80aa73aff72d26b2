#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "protocol/record/record_walker.h"
#include "storage/testing/compact_log.h"
#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {
namespace {

// P6: compaction changes no key's last committed value, no order and no offset, whatever was written, however often it
// runs and whenever the log is closed or killed in between.
class CompactionProperty : public LogFixture {
 protected:
  struct Entry {
    std::string key;
    std::optional<std::string> value;
    std::int64_t timestamp = 0;
    std::int64_t producer = -1;  // in a transaction: whose
    bool committed = true;
    std::int64_t compacted_ms = -1;  // when it was first below the end of a compaction
    friend bool operator==(const Entry& a, const Entry& b) {
      return a.key == b.key && a.value == b.value && a.timestamp == b.timestamp;
    }
  };
  struct Producer {
    std::int32_t sequence = 0;
    bool in_transaction = false;
    std::vector<std::pair<ByteVector, Offset>> sent;  // the last five, and their first offsets
  };

  void begin(std::uint64_t seed) {
    random_.emplace(seed);
    fs_ = std::make_unique<MemoryFileSystem>();
    ASSERT_TRUE(fs_->make_dirs(kDirectory));
    config_.cleanup_compact = true;
    config_.cleanup_delete = false;
    config_.segment_bytes = static_cast<std::int32_t>(400 + below(4'000));
    config_.index_interval_bytes = static_cast<std::int32_t>(below(600));
    config_.delete_retention_ms = static_cast<std::int64_t>(below(3) * 400);
    config_.min_compaction_lag_ms = static_cast<std::int64_t>(below(2) * 200);
    model_.clear();
    producers_.clear();
    cleaned_.reset();
    now_ms_ = 1'000;
    open();
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return (*random_)() % bound; }
  void note(Offset durable) { log_->on_high_watermark(durable); }

  void append_some() {
    // 0: no producer, 1 and 2: idempotent, 3 and 4: transactional
    const auto id = static_cast<std::int64_t>(below(5));
    Producer& producer = producers_[id];
    const auto codec = static_cast<record::Codec>(below(8) < 3 ? below(5) : 0);
    record::BatchOptions options{.codec = codec};
    if (id > 0) {
      options.producer_id = ProducerId(id);
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = producer.sequence;
      options.is_transactional = id > 2;
    }
    record::BatchBuilder builder(options);
    const std::uint64_t count = 1 + below(4);
    std::vector<Entry> entries;
    for (std::uint64_t i = 0; i < count; ++i) {
      Entry entry{.key = "k" + std::to_string(below(12)), .timestamp = now_ms_ + static_cast<std::int64_t>(below(5))};
      if (below(5) > 0) {
        entry.value = std::string(below(60), 'v') + std::to_string(++tag_);
      }
      entry.producer = id > 2 ? id : -1;
      entry.committed = id <= 2;
      builder.append({.timestamp = entry.timestamp,
                      .key = as_bytes(entry.key),
                      .value = entry.value ? std::optional(as_bytes(*entry.value)) : std::nullopt});
      entries.push_back(std::move(entry));
    }
    ByteVector batch = *builder.build();
    if (batch.size() > static_cast<std::size_t>(config_.segment_bytes)) {
      return;
    }
    const auto appended = append(*log_, batch, now_ms_);
    ASSERT_TRUE(appended) << appended.error().cause.message();
    ASSERT_FALSE(appended->duplicate);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      model_.emplace(appended->first_offset + static_cast<std::int64_t>(i), std::move(entries[i]));
    }
    if (id > 0) {
      producer.sequence += static_cast<std::int32_t>(count);
      producer.in_transaction = id > 2;
      producer.sent.emplace_back(std::move(batch), appended->first_offset);
      if (producer.sent.size() > 5) {
        producer.sent.erase(producer.sent.begin());
      }
    }
  }

  void end_transaction() {
    const auto id = static_cast<std::int64_t>(3 + below(2));
    if (!producers_[id].in_transaction) {
      return;
    }
    const bool abort = below(2) == 0;
    ByteVector marker = record::build_end_txn_marker(
        Offset(0), LeaderEpoch(0), now_ms_, ProducerId(id), ProducerEpoch(0),
        abort ? record::ControlRecordType::kAbort : record::ControlRecordType::kCommit, {});
    const auto appended = append(*log_, std::move(marker), now_ms_, LeaderEpoch(0), ProducerOrigin::kCoordinator);
    ASSERT_TRUE(appended) << appended.error().cause.message();
    for (auto& [offset, entry] : model_) {
      if (entry.producer == id) {
        entry.producer = -1;
        entry.committed = !abort;
      }
    }
    producers_[id].in_transaction = false;
  }

  void settle() {
    ASSERT_TRUE(sync(*log_, *fs_));
    note(log_->log_end());
  }

  [[nodiscard]] Offset last_stable() const { return log_->first_unstable_offset().value_or(log_->log_end()); }

  void compact_once() {
    settle();
    const Offset end = last_stable();
    CompactOptions options{
        .cleaned = cleaned_,
        .last_stable = end,
        .now_ms = now_ms_,
        .limits = {.map_bytes = (4 + below(40)) * OffsetMap::kSlotBytes, .buffer_bytes = 8'192 + below(3) * 8'192},
        .slice_bytes = 1 + below(3'000)};
    const auto before = all_offsets();
    const auto compacted = compact(*log_, *fs_, logger_, options);
    ASSERT_TRUE(compacted) << compacted.error().message();
    if (!*compacted) {
      return;
    }
    cleaned_ = **compacted;
    ASSERT_LE(*cleaned_, end);
    for (auto& [offset, entry] : model_) {
      if (offset < *cleaned_ && entry.compacted_ms < 0) {
        entry.compacted_ms = now_ms_;
      }
    }
    for (const Offset offset : all_offsets()) {
      ASSERT_TRUE(before.contains(offset)) << offset.value() << " was not there before";
    }
    ++compactions_;
  }

  void stop() {
    ASSERT_TRUE(sync(*log_, *fs_));
    const Offset end = log_->log_end();
    const Offset start = log_->log_start();
    ASSERT_TRUE(log_->close(true));
    log_.reset();
    open({.clean_shutdown = true,
          .recovery_point = end,
          .log_start = start,
          .compacted_below = cleaned_.value_or(Offset(0))});
    note(log_->log_end());
  }
  void kill() {
    const OpenHints hints{.recovery_point = below(2) == 0 ? log_->durable_end() : Offset(0),
                          .log_start = log_->log_start(),
                          .durable_end = log_->durable_end(),
                          .compacted_below = below(2) == 0 ? cleaned_.value_or(Offset(0)) : Offset(0)};
    if (below(2) == 0) {
      for (const std::string& name : names()) {
        if (name.ends_with(".snapshot")) {
          ASSERT_TRUE(fs_->remove_file(std::string(kDirectory) + "/" + name));
        }
      }
    }
    const Offset end = log_->log_end();
    kill_and_open(hints);
    ASSERT_FALSE(log_->fenced()) << log_->open_report().lines.back().text;
    ASSERT_EQ(log_->log_end(), end);
    note(log_->log_end());
  }

  // What a read_committed reader gets, offset by offset.
  struct Read {
    std::map<Offset, Entry> committed;
    std::set<Offset> offsets;  // of all records that are there
  };
  Read read_log() {
    Read found;
    const auto aborted = log_->aborted_transactions(log_->log_start(), log_->log_end()).value();
    std::size_t next_aborted = 0;
    std::set<ProducerId> aborting;
    std::vector<AbortedTransaction> sorted = aborted;
    std::ranges::sort(sorted, {}, &AbortedTransaction::first_offset);
    const Offset stable = last_stable();
    record::Scratch scratch;
    Offset last = kNoOffset;
    for (Offset next = log_->log_start(); next < log_->log_end();) {
      const auto slice = log_->read(next, log_->log_end(), 1 + below(500), true);
      EXPECT_TRUE(slice) << slice.error().message();
      if (!slice || slice->empty()) {
        break;
      }
      const ByteVector bytes = read_slice(*slice).value();
      record::BatchIterator batches(bytes);
      for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
        const auto& view = **batch;
        EXPECT_TRUE(view.crc_matches());
        EXPECT_GE(view.header.base_offset, last) << "order";
        last = view.header.next_offset();
        next = view.header.next_offset();
        while (next_aborted < sorted.size() && sorted[next_aborted].first_offset <= view.header.last_offset()) {
          aborting.insert(sorted[next_aborted++].producer_id);
        }
        record::RecordWalker walker(view, scratch, 1 << 20);
        while (const auto* record = walker.next()) {
          const Offset offset = view.header.offset_at(record->offset_delta);
          if (view.header.is_control()) {
            if (*record::parse_control_record_key(*record->key) == record::ControlRecordType::kAbort) {
              aborting.erase(view.header.producer_id);
            }
            continue;
          }
          found.offsets.insert(offset);
          if (offset >= stable || (view.header.is_transactional() && aborting.contains(view.header.producer_id))) {
            continue;
          }
          Entry entry{.key = std::string(as_text(*record->key)),
                      .timestamp = view.header.timestamp_at(record->timestamp_delta)};
          if (record->value) {
            entry.value = std::string(as_text(*record->value));
          }
          found.committed.emplace(offset, std::move(entry));
        }
        EXPECT_TRUE(walker.ok()) << walker.error().message();
      }
    }
    return found;
  }
  std::set<Offset> all_offsets() { return read_log().offsets; }

  void check() {
    log_->check_invariants();
    const Read found = read_log();
    const Offset stable = last_stable();
    std::map<std::string, Offset> last;  // committed
    for (const auto& [offset, entry] : model_) {
      if (offset >= log_->log_start() && offset < stable && entry.committed) {
        last[entry.key] = offset;
      }
    }
    for (const auto& [offset, entry] : found.committed) {
      const auto written = model_.find(offset);
      ASSERT_TRUE(written != model_.end() && written->second.committed) << offset.value();
      ASSERT_EQ(entry, written->second) << offset.value();
    }
    for (const auto& [key, offset] : last) {
      const Entry& entry = model_.at(offset);
      if (found.committed.contains(offset)) {
        continue;
      }
      ASSERT_FALSE(entry.value) << key << " lost its last value, at " << offset.value();
      ASSERT_GE(entry.compacted_ms, 0) << offset.value();
      ASSERT_GE(now_ms_ - entry.compacted_ms, config_.delete_retention_ms) << offset.value();
    }
    for (const auto& [offset, entry] : model_) {
      const bool young = config_.min_compaction_lag_ms > 0 && entry.timestamp > now_ms_ - config_.min_compaction_lag_ms;
      ASSERT_TRUE(!young || offset < log_->log_start() || found.offsets.contains(offset)) << offset.value();
    }
  }
  void check_duplicates() {
    for (auto& [id, producer] : producers_) {
      for (auto& [batch, offset] : producer.sent) {
        if (id == 0 || id > 2 || offset < log_->log_start()) {
          continue;  // of transactions, a batch after the marker would begin another one
        }
        const auto again = append(*log_, batch, now_ms_);
        ASSERT_TRUE(again) << again.error().cause.message() << " producer " << id;
        ASSERT_TRUE(again->duplicate);
        ASSERT_EQ(again->first_offset, offset);
      }
    }
  }

  std::optional<std::mt19937_64> random_;
  std::map<Offset, Entry> model_;
  std::map<std::int64_t, Producer> producers_;
  std::optional<Offset> cleaned_;
  std::int64_t now_ms_ = 0;
  int compactions_ = 0;
};

TEST_F(CompactionProperty, P6KeysKeepTheirLastValuesRecordsTheirOffsets) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    begin(seed);
    for (int step = 0; step < 120; ++step) {
      now_ms_ += static_cast<std::int64_t>(below(20));
      switch (below(16)) {
        case 0: compact_once(); break;
        case 1: below(3) == 0 ? stop() : compact_once(); break;
        case 2: below(3) == 0 ? kill() : end_transaction(); break;
        case 3: ASSERT_TRUE(log_->roll(now_ms_)); break;
        case 4: end_transaction(); break;
        case 5:
          if (below(12) == 0) {
            ASSERT_TRUE(log_->advance_log_start(std::max(log_->log_start(), cleaned_.value_or(Offset(0)))));
          }
          break;
        default: append_some(); break;
      }
      if (HasFatalFailure()) {
        return;
      }
      if (step % 10 == 9) {
        check();
        check_duplicates();
      }
      if (HasFatalFailure()) {
        return;
      }
    }
  }
  EXPECT_GT(compactions_, 150);
}

}  // namespace
}  // namespace moldau::storage::testing

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "storage/index/offset_index.h"
#include "storage/index/time_index.h"
#include "storage/index/transaction_index.h"
#include "storage/producer_state/producer_snapshot.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/segment_files.h"
#include "tools/dump/dump_context.h"

namespace moldau::tools {
namespace {

constexpr std::uint64_t kIndexBytesMax = 1ULL << 30;

struct IndexFile {
  Offset base{0};
  ByteVector content;
  std::string log_path;
  std::shared_ptr<runtime::File> log;  // null if it is not there: entries are printed without a check
  std::uint64_t log_bytes = 0;
};

// The index and the log that it belongs to, or nothing after a fault.
std::optional<IndexFile> open_index(DumpContext& context, const std::string& path) {
  const std::size_t name_at = path.rfind('/') + 1;
  const auto name = storage::parse_log_file_name(std::string_view(path).substr(name_at));
  if (!name) {
    context.fault("the name must begin with the twenty digits of an offset");
    return std::nullopt;
  }
  auto content = runtime::read_file(context.fs(), path, kIndexBytesMax);
  if (!content) {
    context.fault(content.error());
    return std::nullopt;
  }
  IndexFile index{.base = name->base, .content = *std::move(content)};
  index.log_path = path.substr(0, name_at) + storage::log_file_name(name->base, storage::FileRole::kLog);
  if (auto log = context.fs().open(index.log_path, runtime::OpenMode::kRead)) {
    const auto size = (*log)->size();
    if (!size) {
      context.fault(size.error());
      return std::nullopt;
    }
    index.log = *std::move(log);
    index.log_bytes = *size;
  } else {
    context.fault("its log cannot be opened, so the entries are not checked: " + log.error().message());
  }
  return index;
}

// The first batch at or behind `position` that ends at or behind `offset`.
std::optional<record::BatchHeader> find_batch(const IndexFile& index, std::uint64_t position, Offset offset) {
  if (position > index.log_bytes) {
    return std::nullopt;
  }
  ByteVector buffer;
  storage::BatchScanner scanner(*index.log, position, index.log_bytes, buffer, storage::BatchScanner::kLookupChunk);
  for (;;) {
    const auto found = scanner.next();
    if (!found || !*found) {
      return std::nullopt;
    }
    if ((*found)->header.last_offset() >= offset) {
      return (*found)->header;
    }
  }
}

void complain_of_rest(DumpContext& context, const IndexFile& index, std::size_t entry_bytes) {
  if (index.content.size() % entry_bytes != 0) {
    context.fault(fmt::format("{} bytes behind the last whole entry", index.content.size() % entry_bytes));
  }
}

void print_entry(DumpContext& context, const Row& row) {
  if (!context.options().verify_index_only) {
    context.print(row);
  }
}

// The bytes of whole entries, without the zeros of a file that was preallocated.
Bytes entries_of(const IndexFile& index, std::size_t entry_bytes) {
  Bytes bytes = Bytes(index.content).first(index.content.size() / entry_bytes * entry_bytes);
  while (!bytes.empty() &&
         std::ranges::all_of(bytes.last(entry_bytes), [](std::byte b) { return b == std::byte{0}; })) {
    bytes = bytes.first(bytes.size() - entry_bytes);
  }
  return bytes;
}

// As a start of Kafka judges whether an index must be made anew: by its last entry.
void check_sanity(DumpContext& context, const IndexFile& index, const std::string& path, std::size_t entry_bytes,
                  bool is_sane) {
  if (!is_sane) {
    context.fault("corrupt: the last entry lies before the first");
  }
  complain_of_rest(context, index, entry_bytes);
  if (is_sane && index.content.size() % entry_bytes == 0) {
    context.print_text(path + " passed sanity check.");
  }
}

}  // namespace

// Entries are read as they lie: Apache Kafka preallocates the index of an active segment, and a crash leaves its zeros,
// which are no entry (the first batch of a log is never indexed).
void dump_offset_index(DumpContext& context, const std::string& path) {
  const auto index = open_index(context, path);
  if (!index) {
    return;
  }
  constexpr std::size_t kEntry = storage::OffsetIndex::kEntryBytes;
  if (index->content.size() < kEntry) {
    context.print_text(path + " is empty.");
  } else if (context.options().index_sanity_check) {
    const Bytes entries = entries_of(*index, kEntry);
    return check_sanity(context, *index, path, kEntry,
                        entries.empty() || load_be<std::int32_t>(entries.last(kEntry).data()) >= 0);
  }
  for (std::size_t at = 0; at + kEntry <= index->content.size(); at += kEntry) {
    const std::byte* entry = index->content.data() + at;
    const Offset offset = index->base + load_be<std::int32_t>(entry);
    const auto position = load_be<std::int32_t>(entry + 4);
    if (load_be<std::int64_t>(entry) == 0) {
      return;
    }
    if (index->log) {
      const auto batch =
          position < 0 ? std::nullopt : find_batch(*index, static_cast<std::uint64_t>(position), index->base);
      if (!batch || batch->last_offset() != offset) {
        context.fault(fmt::format("Index offset: {}, log offset: {}", offset.value(),
                                  batch ? batch->last_offset().value() : kNoOffset.value()));
      }
    }
    print_entry(context, Row("entry").add("offset", offset.value()).add("position", position));
  }
  complain_of_rest(context, *index, kEntry);
}

void dump_time_index(DumpContext& context, const std::string& path) {
  const auto index = open_index(context, path);
  if (!index) {
    return;
  }
  constexpr std::size_t kEntry = storage::TimeIndex::kEntryBytes;
  if (context.options().index_sanity_check) {
    const Bytes entries = entries_of(*index, kEntry);
    const std::byte* const last = entries.empty() ? nullptr : entries.last(kEntry).data();
    return check_sanity(context, *index, path, kEntry,
                        last == nullptr || (load_be<std::int64_t>(last) >= load_be<std::int64_t>(entries.data()) &&
                                            load_be<std::int32_t>(last + 8) >= 0));
  }
  std::int64_t previous = kNoTimestamp;
  std::uint64_t position = 0;
  const std::string offsets_path = path.substr(0, path.size() - std::string_view(".timeindex").size()) + ".index";
  std::optional<storage::OffsetIndex> offsets;
  if (auto content = runtime::read_file(context.fs(), offsets_path, kIndexBytesMax); content && index->log) {
    if (auto parsed = storage::OffsetIndex::parse(*std::move(content), index->base, index->log_bytes)) {
      offsets = *std::move(parsed);  // one that is broken only makes the look-up slower
    }
  }
  for (std::size_t at = 0; at + kEntry <= index->content.size(); at += kEntry) {
    const std::byte* entry = index->content.data() + at;
    const auto timestamp = load_be<std::int64_t>(entry);
    const Offset offset = index->base + load_be<std::int32_t>(entry + 8);
    if (timestamp == 0 && offset == index->base) {
      return;
    }
    if (index->log) {
      if (offsets) {
        position = offsets->lookup(offset).position;
      }
      const auto batch = find_batch(*index, position, offset);
      if (!batch || batch->last_offset() != offset) {
        context.fault(fmt::format("Indexed offset: {}, found log offset: {}", offset.value(),
                                  batch ? batch->last_offset().value() : kNoOffset.value()));
      } else if (batch->max_timestamp != timestamp) {
        context.fault(fmt::format("Index timestamp: {}, log timestamp: {}", timestamp, batch->max_timestamp));
      }
    }
    if (previous >= timestamp) {
      context.fault(fmt::format("Index timestamp: {}, Previously indexed timestamp: {}", timestamp, previous));
    }
    print_entry(context, Row("entry").add("timestamp", timestamp).add("offset", offset.value()));
    previous = timestamp;
  }
  complain_of_rest(context, *index, kEntry);
}

void dump_transaction_index(DumpContext& context, const std::string& path) {
  const auto index = open_index(context, path);
  if (!index) {
    return;
  }
  const auto parsed = storage::TransactionIndex::parse(index->content, index->base);
  if (!parsed) {
    return context.fault(parsed.error());
  }
  for (const storage::AbortedTxn& txn : parsed->entries()) {
    context.print(Row("entry")
                      .add("version", 0)
                      .add("producerId", txn.producer_id.value())
                      .add("firstOffset", txn.first_offset.value())
                      .add("lastOffset", txn.last_offset.value())
                      .add("lastStableOffset", txn.last_stable_offset.value()));
  }
}

void dump_producer_snapshot(DumpContext& context, const std::string& path) {
  const auto content = runtime::read_file(context.fs(), path, storage::kProducerSnapshotBytesMax);
  if (!content) {
    return context.fault(content.error());
  }
  const auto producers = storage::parse_producer_snapshot(*content);
  if (!producers) {
    return context.fault(producers.error());
  }
  for (const auto& [id, producer] : *producers) {
    Row row("producer");
    row.add("producerId", id.value()).add("producerEpoch", producer.epoch.value());
    row.add("coordinatorEpoch", producer.coordinator_epoch);
    row.add_optional("currentTxnFirstOffset",
                     producer.in_transaction() ? std::optional(producer.txn_first.value()) : std::nullopt);
    row.add("lastTimestamp", producer.last_timestamp);
    if (!producer.batches().empty()) {
      const storage::StoredBatch& batch = producer.batches().front();
      row.add("firstSequence", batch.first_sequence()).add("lastSequence", batch.last_sequence);
      row.add("lastOffset", batch.last_offset.value()).add("offsetDelta", batch.offset_delta);
      row.add("timestamp", batch.timestamp);
    }
    context.print(row);
  }
}

}  // namespace moldau::tools

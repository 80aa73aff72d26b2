#include <algorithm>

#include <fmt/format.h>

#include "protocol/record/batch.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/scratch.h"
#include "raft/driver/snapshot_path.h"
#include "storage/segment/batch_scanner.h"
#include "storage/segment/segment_files.h"
#include "tools/dump/coordinator_text.h"
#include "tools/dump/dump_context.h"
#include "tools/dump/record_text.h"

namespace moldau::tools {
namespace {

constexpr std::size_t kDecompressedBytesMax = std::size_t{1} << 30;  // a tool may look at what a broker would refuse
constexpr std::string_view kBootstrapSnapshot = "bootstrap.checkpoint";

std::string_view time_name(const record::BatchHeader& header) {
  return header.timestamp_type() == record::TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime";
}

// What Kafka says of the whole file before its batches.
void print_file_line(DumpContext& context, std::string_view name) {
  if (name == kBootstrapSnapshot) {
    context.print_text("KRaft bootstrap snapshot");
  } else if (const auto snapshot = raft::parse_snapshot_file_name(name)) {
    context.print_text(
        fmt::format("Snapshot end offset: {}, epoch: {}", snapshot->id.offset.value(), snapshot->id.epoch.value()));
  } else if (const auto segment = storage::parse_log_file_name(name)) {
    context.print_text(fmt::format("Log starting offset: {}", segment->base.value()));
  } else {
    context.note("the name does not say at which offset the file begins");
  }
}

Row batch_row(const record::BatchHeader& header, std::uint64_t position, bool is_valid) {
  Row row("batch");
  row.add("baseOffset", header.base_offset.value());
  row.add("lastOffset", header.last_offset().value());
  row.add("count", header.record_count);
  row.add("baseSequence", header.base_sequence);
  row.add("lastSequence", header.last_sequence());
  row.add("producerId", header.producer_id.value());
  row.add("producerEpoch", header.producer_epoch.value());
  row.add("partitionLeaderEpoch", header.leader_epoch.value());
  row.add_bool("isTransactional", header.is_transactional());
  row.add_bool("isControl", header.is_control());
  row.add_optional("deleteHorizonMs",
                   header.has_delete_horizon() ? std::optional(header.base_timestamp) : std::nullopt);
  row.add("position", static_cast<std::int64_t>(position));
  row.add(time_name(header), header.max_timestamp);
  row.add("size", static_cast<std::int64_t>(header.size_bytes()));
  row.add("magic", 2);
  const auto codec = header.codec();
  row.add_text("compresscodec", codec ? std::string(record::name(*codec)) : fmt::format("{}", header.codec_id()));
  row.add("crc", header.crc);
  row.add_bool("isvalid", is_valid);
  return row;
}

class BatchDump {
 public:
  explicit BatchDump(DumpContext& context) : context_(context), options_(context.options()) {}

  void dump(const record::BatchView& batch, std::uint64_t position) {
    const bool is_valid = batch.crc_matches();
    context_.print(batch_row(batch.header, position, is_valid));
    if (!is_valid) {
      context_.fault(fmt::format("the checksum of the batch at position {} is {}, computed {}", position,
                                 batch.header.crc, batch.computed_crc()));
    } else if (options_.deep || options_.shows_content()) {
      dump_records(batch);
    }
  }

 private:
  void dump_records(const record::BatchView& batch) {
    record::RecordWalker walker(batch, scratch_, kDecompressedBytesMax);
    while (const record::RecordView* record = walker.next()) {
      const Offset offset = batch.header.offset_at(record->offset_delta);
      if (last_ != kNoOffset && offset != last_ + 1) {
        context_.note(fmt::format("offset {} is followed by {}", last_.value(), offset.value()));
      }
      last_ = offset;
      dump_record(batch.header, *record, offset);
    }
    if (!walker.ok()) {
      context_.fault(fmt::format("records of the batch at offset {}: {}", batch.header.base_offset.value(),
                                 walker.error().message()));
    }
  }

  void dump_record(const record::BatchHeader& header, const record::RecordView& record, Offset offset) {
    Row row("record", "| ");
    if (!options_.skip_record_metadata) {
      add_metadata(row, header, record, offset);
      if (header.is_control()) {
        add_control_record(row, record);
      }
    }
    if (options_.shows_content() && !header.is_control()) {
      add_content(row, record, offset);
    }
    context_.print(row);
  }

  static void add_metadata(Row& row, const record::BatchHeader& header, const record::RecordView& record,
                           Offset offset) {
    row.add("offset", offset.value());
    row.add(time_name(header), header.timestamp_at(record.timestamp_delta));
    row.add("keySize", record.key ? static_cast<std::int64_t>(record.key->size()) : -1);
    row.add("valueSize", record.value ? static_cast<std::int64_t>(record.value->size()) : -1);
    row.add("sequence", header.base_sequence < 0 || record.offset_delta < 0
                            ? kNoSequence
                            : record::increment_sequence(header.base_sequence, record.offset_delta));
    std::string keys;
    JsonWriter json;
    json.begin_array();
    auto headers = record.headers();
    while (const auto entry = headers.next()) {
      keys += (keys.empty() ? "" : ",") + std::string(entry->key);
      json.value(entry->key);
    }
    json.end_array();
    row.add_raw("headerKeys", "[" + keys + "]", json.text());
  }

  void add_content(Row& row, const record::RecordView& record, Offset offset) {
    switch (options_.decoder) {
      case RecordDecoder::kText: return add_text(row, record);
      case RecordDecoder::kMetadata: return add_metadata_record(row, record, offset);
      default: return add_coordinator_record(row, record, offset);
    }
  }

  static void add_text(Row& row, const record::RecordView& record) {
    if (record.key) {
      row.add_text("key", as_text(*record.key));
    }
    if (record.value) {
      row.add_text("payload", as_text(*record.value));
    }
  }

  void add_metadata_record(Row& row, const record::RecordView& record, Offset offset) {
    const auto decoded = metadata_record_json(record.value.value_or(Bytes()));
    if (decoded) {
      row.add_raw("payload", *decoded, *decoded);
    } else {
      context_.fault(
          fmt::format("the record at offset {} is none of the metadata log: {}", offset.value(), decoded.error()));
    }
  }

  void add_coordinator_record(Row& row, const record::RecordView& record, Offset offset) {
    if (!record.key) {
      return context_.fault(fmt::format("the record at offset {} has no key", offset.value()));
    }
    const CoordinatorText text = coordinator_text(options_.decoder, *record.key, record.value, offset);
    if (!text.is_json) {
      row.add_text("key", text.key);
      return;
    }
    row.add_raw("key", text.key, text.key);
    if (text.value == kDeletedText) {
      row.add_raw("payload", kDeletedText, "null");
    } else if (text.value) {
      row.add_raw("payload", *text.value, *text.value);
    }
  }

  DumpContext& context_;
  const DumpLogOptions& options_;
  record::Scratch scratch_;
  Offset last_ = kNoOffset;
};

}  // namespace

void dump_batches(DumpContext& context, const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  print_file_line(context, name);
  const auto file = context.fs().open(path, runtime::OpenMode::kRead);
  if (!file) {
    return context.fault(file.error());
  }
  const auto size = (*file)->size();
  if (!size) {
    return context.fault(size.error());
  }
  const std::uint64_t end = std::min(*size, context.options().bytes_max);
  ByteVector buffer;
  storage::BatchScanner scanner(**file, 0, end, buffer, storage::BatchScanner::kRecoveryChunk);
  BatchDump dump(context);
  std::uint64_t valid_bytes = 0;
  for (;;) {
    const auto found = scanner.next();
    if (!found) {
      if (found.error().kind() != ErrorKind::kTruncated) {
        context.fault(found.error());
      }
      break;
    }
    if (!*found) {
      break;
    }
    const auto bytes = scanner.bytes();
    if (!bytes) {
      context.fault(bytes.error());
      break;
    }
    dump.dump({.header = (*found)->header, .bytes = *bytes}, (*found)->position);
    valid_bytes = (*found)->end();
  }
  if (valid_bytes < end && end == *size) {
    context.print_text(fmt::format("Found {} invalid bytes at the end of {}", *size - valid_bytes, name));
    context.fault(fmt::format("{} bytes behind the last whole batch", *size - valid_bytes));
  }
}

}  // namespace moldau::tools

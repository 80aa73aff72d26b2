#include "storage/checkpoint/offset_checkpoint.h"

#include <array>

#include <fmt/format.h>

#include "storage/checkpoint/checkpoint_text.h"

namespace moldau::storage {

Result<PartitionOffsets> parse_offset_checkpoint(Bytes content) {
  MOLDAU_TRY(entries, parse_checkpoint(content, 0));
  PartitionOffsets offsets;
  for (const CheckpointEntry& entry : entries) {
    std::array<std::string_view, 3> fields;
    if (split_fields(entry.text, fields) != fields.size() || fields[0].empty()) {
      return fail(ErrorKind::kCorrupt, "offset checkpoint: a line is not topic, partition, offset", 0, entry.line);
    }
    const auto partition = parse_decimal<std::int32_t>(fields[1]);
    const auto offset = parse_decimal<std::int64_t>(fields[2]);
    if (!partition || *partition < 0) {
      return fail(ErrorKind::kCorrupt, "offset checkpoint: not a partition number", 0, entry.line);
    }
    if (!offset || *offset < 0) {
      return fail(ErrorKind::kCorrupt, "offset checkpoint: not an offset", 0, entry.line);
    }
    offsets.insert_or_assign({std::string(fields[0]), PartitionIndex(*partition)}, Offset(*offset));
  }
  return offsets;
}

std::string format_offset_checkpoint(const PartitionOffsets& offsets) {
  CheckpointText text(0);
  for (const auto& [partition, offset] : offsets) {
    text.add(fmt::format("{} {} {}", partition.topic, partition.partition.value(), offset.value()));
  }
  return text.content();
}

Result<PartitionOffsets> read_offset_checkpoint(runtime::FileSystem& fs, const std::string& path) {
  const auto content = runtime::read_file(fs, path, kCheckpointBytesMax);
  if (!content) {
    if (content.error().kind() == ErrorKind::kNotFound) {
      return PartitionOffsets{};
    }
    return std::unexpected(content.error());
  }
  return parse_offset_checkpoint(*content);
}

Result<> write_offset_checkpoint(runtime::FileSystem& fs, const std::string& path, const PartitionOffsets& offsets) {
  return runtime::replace_file(fs, path, as_bytes(format_offset_checkpoint(offsets)));
}

}  // namespace moldau::storage

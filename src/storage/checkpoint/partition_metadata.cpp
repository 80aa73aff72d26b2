#include "storage/checkpoint/partition_metadata.h"

#include <string_view>

#include "storage/checkpoint/checkpoint_text.h"

namespace moldau::storage {
namespace {

// What follows "<word>:" and white space on the line; empty if the line is not of that form. Kafka does not look at the
// word, and neither do we.
std::string_view value_after_colon(std::string_view line) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return {};
  }
  std::size_t start = colon + 1;
  while (start < line.size() && (line[start] == ' ' || line[start] == '\t')) {
    ++start;
  }
  return start == colon + 1 ? std::string_view{} : line.substr(start);
}

}  // namespace

Result<PartitionMetadata> parse_partition_metadata(Bytes content) {
  std::string_view rest = as_text(content);
  const auto take_line = [&rest] {
    const std::size_t end = rest.find_first_of("\r\n");
    const std::string_view line = rest.substr(0, end);
    const std::size_t next = end == std::string_view::npos ? end : rest.find_first_not_of("\r\n", end);
    rest = next == std::string_view::npos ? std::string_view{} : rest.substr(next);
    return line;
  };
  const auto version = parse_decimal<std::int32_t>(value_after_colon(take_line()));
  if (!version) {
    return fail(ErrorKind::kCorrupt, "partition.metadata: no version", 0, 1);
  }
  if (*version < 0) {
    return fail(ErrorKind::kUnsupported, "partition.metadata: unknown version", 0, 1);
  }
  const auto topic_id = Uuid::parse(value_after_colon(take_line()));
  if (!topic_id || topic_id->is_zero()) {
    return fail(ErrorKind::kCorrupt, "partition.metadata: no topic id", 0, 2);
  }
  return PartitionMetadata{*version, *topic_id};
}

std::string format_partition_metadata(const Uuid& topic_id) {
  return "version: 0\ntopic_id: " + topic_id.to_string();
}

Result<PartitionMetadata> read_partition_metadata(runtime::FileSystem& fs, const std::string& directory) {
  MOLDAU_TRY(content,
             runtime::read_file(fs, runtime::join_path(directory, kPartitionMetadataFile), kPartitionMetadataBytesMax));
  return parse_partition_metadata(content);
}

Result<> write_partition_metadata(runtime::FileSystem& fs, const std::string& directory, const Uuid& topic_id) {
  return runtime::replace_file(fs, runtime::join_path(directory, kPartitionMetadataFile),
                               as_bytes(format_partition_metadata(topic_id)));
}

}  // namespace moldau::storage

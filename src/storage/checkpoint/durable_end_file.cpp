#include "storage/checkpoint/durable_end_file.h"

#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "storage/checkpoint/checkpoint_text.h"

namespace moldau::storage {
namespace {

constexpr std::int32_t kVersion = 1;

std::string fields_of(const TopicPartition& partition, const DurableEnd& end) {
  return fmt::format("{} {} {} {} {}", partition.topic, partition.partition.value(), end.topic_id.to_string(),
                     end.broker_epoch.value(), end.end.value());
}

std::string checksum_of(std::string_view fields) {
  return fmt::format("{:08x}", crc32c(as_bytes(fields)));
}

std::string heir_fields(const Uuid& incarnation, BrokerEpoch epoch) {
  return fmt::format("{} {}", incarnation.to_string(), epoch.value());
}

}  // namespace

Result<DurableEnds> parse_durable_ends(Bytes content) {
  MOLDAU_TRY(entries, parse_checkpoint(content, kVersion));
  DurableEnds ends;
  for (const CheckpointEntry& entry : entries) {
    std::array<std::string_view, 6> fields;
    if (split_fields(entry.text, fields) != fields.size() || fields[0].empty()) {
      return fail(ErrorKind::kCorrupt, "durable ends: a line does not have six fields", 0, entry.line);
    }
    const auto partition = parse_decimal<std::int32_t>(fields[1]);
    const auto topic_id = Uuid::parse(fields[2]);
    const auto epoch = parse_decimal<std::int64_t>(fields[3]);
    const auto end = parse_decimal<std::int64_t>(fields[4]);
    if (!partition || *partition < 0 || !topic_id || !epoch || *epoch < -1 || !end || *end < 0) {
      return fail(ErrorKind::kCorrupt, "durable ends: a field is out of its domain", 0, entry.line);
    }
    TopicPartition key{std::string(fields[0]), PartitionIndex(*partition)};
    const DurableEnd value{*topic_id, BrokerEpoch(*epoch), Offset(*end)};
    if (checksum_of(fields_of(key, value)) != fields[5]) {
      return fail(ErrorKind::kCorrupt, "durable ends: wrong checksum", 0, entry.line);
    }
    ends.insert_or_assign(std::move(key), value);
  }
  return ends;
}

std::string format_durable_ends(const DurableEnds& ends) {
  CheckpointText text(kVersion);
  for (const auto& [partition, end] : ends) {
    std::string line = fields_of(partition, end);
    const std::string checksum = checksum_of(line);
    line += ' ';
    line += checksum;
    text.add(line);
  }
  return text.content();
}

Result<DurableEnds> read_durable_ends(runtime::FileSystem& fs, const std::string& path) {
  const auto content = runtime::read_file(fs, path, kCheckpointBytesMax);
  if (!content) {
    if (content.error().kind() == ErrorKind::kNotFound) {
      return DurableEnds{};
    }
    return std::unexpected(content.error());
  }
  return parse_durable_ends(*content);
}

Result<> write_durable_ends(runtime::FileSystem& fs, const std::string& path, const DurableEnds& ends) {
  return runtime::replace_file(fs, path, as_bytes(format_durable_ends(ends)));
}

Result<DurableEndHeirs> parse_durable_end_heirs(Bytes content) {
  MOLDAU_TRY(entries, parse_checkpoint(content, kVersion));
  DurableEndHeirs heirs;
  for (const CheckpointEntry& entry : entries) {
    std::array<std::string_view, 3> fields;
    if (split_fields(entry.text, fields) != fields.size()) {
      return fail(ErrorKind::kCorrupt, "heirs of durable ends: a line does not have three fields", 0, entry.line);
    }
    const auto incarnation = Uuid::parse(fields[0]);
    const auto epoch = parse_decimal<std::int64_t>(fields[1]);
    if (!incarnation || !epoch || *epoch < 0 ||
        checksum_of(heir_fields(*incarnation, BrokerEpoch(*epoch))) != fields[2]) {
      return fail(ErrorKind::kCorrupt, "heirs of durable ends: a field is out of its domain", 0, entry.line);
    }
    heirs.insert_or_assign(*incarnation, BrokerEpoch(*epoch));
  }
  return heirs;
}

std::string format_durable_end_heirs(const DurableEndHeirs& heirs) {
  CheckpointText text(kVersion);
  for (const auto& [incarnation, epoch] : heirs) {
    std::string line = heir_fields(incarnation, epoch);
    const std::string checksum = checksum_of(line);
    line += ' ';
    line += checksum;
    text.add(line);
  }
  return text.content();
}

Result<DurableEndHeirs> read_durable_end_heirs(runtime::FileSystem& fs, const std::string& path) {
  const auto content = runtime::read_file(fs, path, kHeirsBytesMax);
  if (!content && content.error().kind() == ErrorKind::kNotFound) {
    return DurableEndHeirs{};
  }
  return content ? parse_durable_end_heirs(*content) : std::unexpected(content.error());
}

Result<> write_durable_end_heirs(runtime::FileSystem& fs, const std::string& path, const DurableEndHeirs& heirs) {
  return runtime::replace_file(fs, path, as_bytes(format_durable_end_heirs(heirs)));
}

BrokerEpoch epoch_that_counts(const DurableEnds& ends, const DurableEndHeirs& heirs, BrokerEpoch newest,
                              const Uuid& incarnation) {
  if (ends.empty()) {
    return newest;
  }
  const BrokerEpoch written = ends.begin()->second.broker_epoch;
  const auto heir = heirs.find(incarnation);
  return heir != heirs.end() && heir->second == written ? written : newest;
}

std::optional<Offset> trusted_durable_end(const DurableEnds& ends, const TopicPartition& partition,
                                          const Uuid& topic_id, BrokerEpoch newest) {
  const auto found = ends.find(partition);
  if (found == ends.end() || topic_id.is_zero() || newest == kNoBrokerEpoch || found->second.topic_id != topic_id ||
      found->second.broker_epoch != newest || found->second.end == Offset(0)) {
    return std::nullopt;
  }
  return found->second.end;
}

}  // namespace moldau::storage

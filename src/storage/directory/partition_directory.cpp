#include "storage/directory/partition_directory.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/assert.h"

namespace moldau::storage {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kTopicBytesMax = 249;

constexpr std::string_view suffix_of(DirectoryKind kind) noexcept {
  switch (kind) {
    case DirectoryKind::kDelete: return "-delete";
    case DirectoryKind::kFuture: return "-future";
    case DirectoryKind::kStray: return "-stray";
    case DirectoryKind::kPartition: break;
  }
  return {};
}

bool is_topic_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

std::optional<TopicPartition> parse_partition(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || !is_topic_name(name.substr(0, dash))) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(dash + 1);
  std::int32_t index = -1;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const bool canonical = digits.size() == 1 || (!digits.empty() && digits[0] != '0');
  if (error != std::errc{} || stop != digits.data() + digits.size() || index < 0 || !canonical) {
    return std::nullopt;
  }
  return TopicPartition{std::string(name.substr(0, dash)), PartitionIndex(index)};
}

}  // namespace

std::optional<PartitionDirectoryName> parse_partition_directory(std::string_view name) {
  for (const DirectoryKind kind : {DirectoryKind::kDelete, DirectoryKind::kFuture, DirectoryKind::kStray}) {
    if (!name.ends_with(suffix_of(kind))) {
      continue;
    }
    const std::string_view rest = name.substr(0, name.size() - suffix_of(kind).size());
    const std::size_t dot = rest.rfind('.');
    if (dot == std::string_view::npos || dot + 1 == rest.size()) {
      return std::nullopt;
    }
    auto partition = parse_partition(rest.substr(0, dot));
    return partition ? std::optional(PartitionDirectoryName{*std::move(partition), kind}) : std::nullopt;
  }
  auto partition = parse_partition(name);
  return partition ? std::optional(PartitionDirectoryName{*std::move(partition), DirectoryKind::kPartition})
                   : std::nullopt;
}

std::string partition_directory_name(const TopicPartition& partition) {
  return fmt::format("{}-{}", partition.topic, partition.partition.value());
}

std::string set_aside_directory_name(const TopicPartition& partition, DirectoryKind kind, const Uuid& unique) {
  MOLDAU_ASSERT(kind != DirectoryKind::kPartition);
  const std::string end =
      fmt::format("-{}.{:016x}{:016x}{}", partition.partition.value(), unique.high, unique.low, suffix_of(kind));
  return partition.topic.substr(0, kNameBytesMax - end.size()) + end;
}

}  // namespace moldau::storage

#include "raft/driver/snapshot_path.h"

#include <charconv>

#include <fmt/format.h>

namespace moldau::raft {
namespace {

constexpr std::string_view kSuffix = ".checkpoint";
constexpr std::string_view kPartSuffix = ".checkpoint.part";
constexpr std::string_view kDeletedSuffix = ".checkpoint.deleted";
constexpr std::size_t kOffsetDigits = 20;
constexpr std::size_t kEpochDigits = 10;

template <class T>
bool digits(std::string_view text, T& value) {
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && at == text.data() + text.size() && text[0] != '-';
}

}  // namespace

std::string snapshot_file_name(OffsetAndEpoch id) {
  return fmt::format("{:020}-{:010}{}", id.offset.value(), id.epoch.value(), kSuffix);
}

std::optional<SnapshotFileName> parse_snapshot_file_name(std::string_view name) {
  SnapshotFileName parsed;
  if (name.ends_with(kPartSuffix)) {
    parsed.state = SnapshotFileState::kPartial;
  } else if (name.ends_with(kDeletedSuffix)) {
    parsed.state = SnapshotFileState::kDeleted;
  } else if (!name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  std::int64_t offset = 0;
  std::int32_t epoch = 0;
  if (name.size() < kOffsetDigits + 1 + kEpochDigits || name[kOffsetDigits] != '-' ||
      !digits(name.substr(0, kOffsetDigits), offset) || !digits(name.substr(kOffsetDigits + 1, kEpochDigits), epoch)) {
    return std::nullopt;
  }
  parsed.id = {Offset(offset), LeaderEpoch(epoch)};
  // Only a partial file has something between the id and the suffix.
  if (parsed.state == SnapshotFileState::kComplete &&
      name.size() != kOffsetDigits + 1 + kEpochDigits + kSuffix.size()) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace moldau::raft

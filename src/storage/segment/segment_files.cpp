#include "storage/segment/segment_files.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace moldau::storage {
namespace {

constexpr std::size_t kDigits = 20;

constexpr std::array<std::pair<std::string_view, FileRole>, 5> kRoles{{
    {".log", FileRole::kLog},
    {".index", FileRole::kOffsetIndex},
    {".timeindex", FileRole::kTimeIndex},
    {".txnindex", FileRole::kTransactionIndex},
    {".snapshot", FileRole::kProducerSnapshot},
}};

constexpr std::array<std::pair<std::string_view, FileStage>, 4> kStages{{
    {"", FileStage::kLive},
    {kDeletedSuffix, FileStage::kDeleted},
    {".cleaned", FileStage::kCleaned},
    {".swap", FileStage::kSwap},
}};

std::string_view suffix(FileRole role) noexcept {
  return kRoles[static_cast<std::size_t>(role)].first;
}

}  // namespace

std::optional<LogFileName> parse_log_file_name(std::string_view name) noexcept {
  if (name.size() <= kDigits) {
    return std::nullopt;
  }
  std::int64_t base = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + kDigits, base);
  if (error != std::errc{} || stop != name.data() + kDigits || base < 0 || Offset(base) > kBaseOffsetMax) {
    return std::nullopt;
  }
  const std::string_view rest = name.substr(kDigits);
  for (const auto& [role_suffix, role] : kRoles) {
    if (!rest.starts_with(role_suffix)) {
      continue;
    }
    for (const auto& [stage_suffix, stage] : kStages) {
      if (rest.substr(role_suffix.size()) == stage_suffix) {
        return LogFileName{Offset(base), role, stage};
      }
    }
  }
  return std::nullopt;
}

std::string log_file_name(Offset base, FileRole role) {
  return fmt::format("{:020}{}", base.value(), suffix(role));
}

std::string log_file_path(std::string_view directory, Offset base, FileRole role, FileStage stage) {
  return fmt::format("{}/{:020}{}{}", directory, base.value(), suffix(role),
                     kStages[static_cast<std::size_t>(stage)].first);
}

}  // namespace moldau::storage

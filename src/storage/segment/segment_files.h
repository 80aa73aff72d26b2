// The names of the files in a partition's directory: twenty digits of a base offset, what it is, and how far along.
//
//   00000000000000000123.log  .index  .timeindex  .txnindex   a segment
//   00000000000000000123.snapshot                             producer state of the records below 123
//   ….deleted   to be removed     ….cleaned   compaction's unfinished output     ….swap   its finished output, not yet
//   in place
//
// Source: LogFileUtils. Differences: names of other than twenty digits, or above kBaseOffsetMax, are not ours (Kafka
// would
//         read their number).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace moldau::storage {

enum class FileRole : std::uint8_t { kLog, kOffsetIndex, kTimeIndex, kTransactionIndex, kProducerSnapshot };
enum class FileStage : std::uint8_t { kLive, kDeleted, kCleaned, kSwap };

// Above it a name is not taken for a log file's: offsets would run out while the log is written.
inline constexpr Offset kBaseOffsetMax{std::int64_t{1} << 62};

struct LogFileName {
  Offset base{0};
  FileRole role = FileRole::kLog;
  FileStage stage = FileStage::kLive;
  friend bool operator==(const LogFileName&, const LogFileName&) = default;
};

inline constexpr std::string_view kDeletedSuffix = ".deleted";

[[nodiscard]] std::optional<LogFileName> parse_log_file_name(std::string_view name) noexcept;
[[nodiscard]] std::string log_file_name(Offset base, FileRole role);
[[nodiscard]] std::string log_file_path(std::string_view directory, Offset base, FileRole role,
                                        FileStage stage = FileStage::kLive);

}  // namespace moldau::storage

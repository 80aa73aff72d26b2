// .kafka_cleanshutdown: the last thing a clean stop writes into a log directory, the first thing a start takes away.
//
// The file being there means that everything was synced and nothing need be recovered; the broker epoch inside is
// reported at the next registration, which is how the controller learns of an unclean stop (KIP-966).
// Content:    {"version":0,"brokerEpoch":N}. Content that is no such thing still means a clean stop, without an epoch.
// Durability: take() has removed the file durably when it returns, so that a crash right after counts as unclean;
//             write() is durable when it returns. Both block.
// Source:     CleanShutdownFileHandler. Difference: written through a temporary file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"

namespace moldau::storage {

inline constexpr const char* kCleanShutdownFile = ".kafka_cleanshutdown";
inline constexpr std::uint64_t kCleanShutdownBytesMax = 64 << 10;

struct CleanShutdown {
  bool clean = false;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;  // -1: unclean, or the file does not say
  friend bool operator==(const CleanShutdown&, const CleanShutdown&) = default;
};

// The broker epoch in a file's content; nothing if it is not an object of JSON with a whole number there.
[[nodiscard]] std::optional<BrokerEpoch> parse_clean_shutdown(Bytes content);
[[nodiscard]] std::string format_clean_shutdown(BrokerEpoch epoch);

// Reads without removing. kIo.
[[nodiscard]] Result<CleanShutdown> read_clean_shutdown(runtime::FileSystem& fs, const std::string& directory);
// Reads and removes. kIo: nothing may be written to the directory then.
[[nodiscard]] Result<CleanShutdown> take_clean_shutdown(runtime::FileSystem& fs, const std::string& directory);
[[nodiscard]] Result<> write_clean_shutdown(runtime::FileSystem& fs, const std::string& directory, BrokerEpoch epoch);

}  // namespace moldau::storage

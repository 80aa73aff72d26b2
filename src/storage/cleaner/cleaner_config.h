// The log.cleaner.* keys of a broker that are not defaults of its topics.
#pragma once

#include <chrono>
#include <cstdint>

namespace moldau::storage {

struct CleanerConfig {
  bool enable = true;                                            // log.cleaner.enable
  std::int32_t threads = 1;                                      // log.cleaner.threads
  std::chrono::milliseconds backoff = std::chrono::seconds(15);  // log.cleaner.backoff.ms
  std::int64_t dedupe_buffer_bytes = 134'217'728;                // log.cleaner.dedupe.buffer.size
  double dedupe_load_factor = 0.9;                               // log.cleaner.io.buffer.load.factor
  std::int32_t io_buffer_bytes = 524'288;                        // log.cleaner.io.buffer.size
  double io_bytes_per_second = 1.7976931348623157E308;           // log.cleaner.io.max.bytes.per.second
  friend bool operator==(const CleanerConfig&, const CleanerConfig&) = default;
};

}  // namespace moldau::storage

// Compacts a log as the cleaner does, in one go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "runtime/fs.h"
#include "storage/compaction/compaction_pass.h"
#include "storage/log/log.h"

namespace moldau::storage::testing {

struct CompactOptions {
  std::optional<Offset> cleaned = std::nullopt;  // where the compaction before ended
  Offset last_stable{0};
  std::int64_t now_ms = 0;
  CompactionLimits limits = {};
  std::size_t slice_bytes = 1 << 20;
};

// Where it ended; nullopt: nothing was dirty.
[[nodiscard]] Result<std::optional<Offset>> compact(Log& log, runtime::FileSystem& fs, Logger& logger,
                                                    const CompactOptions& options);

}  // namespace moldau::storage::testing

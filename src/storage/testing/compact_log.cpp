#include "storage/testing/compact_log.h"

#include <utility>

namespace moldau::storage::testing {

Result<std::optional<Offset>> compact(Log& log, runtime::FileSystem& fs, Logger& logger,
                                      const CompactOptions& options) {
  MOLDAU_TRY(range, log.cleanable_range(options.cleaned, options.last_stable, options.now_ms));
  if (range.dirty_bytes == 0) {
    return std::nullopt;
  }
  MOLDAU_TRY(task, log.compaction_task(range, options.now_ms));
  CompactionPass pass(fs, logger, std::move(task), options.limits, {1, 2});
  for (;;) {
    MOLDAU_TRY(progress, pass.work(options.slice_bytes));
    if (progress == CompactionPass::Progress::kDone) {
      return pass.end();
    }
    if (progress == CompactionPass::Progress::kMore) {
      continue;
    }
    MOLDAU_TRY(agreed, log.begin_swap(pass.group()));
    if (!agreed) {
      MOLDAU_CHECK(pass.discard());
      continue;
    }
    MOLDAU_CHECK(pass.install());
    MOLDAU_CHECK(log.finish_swap(pass.group(), options.now_ms));
  }
}

}  // namespace moldau::storage::testing

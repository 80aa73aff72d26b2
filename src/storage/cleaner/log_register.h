// Where the cleaner finds the logs of this node: each belongs to a shard, and may move to another or go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/ids.h"
#include "base/result.h"
#include "storage/cleaner/cleaned_offsets.h"
#include "storage/compaction/compaction_task.h"
#include "storage/log/log.h"

namespace moldau::storage {

// A log whose policy has "compact", as a survey found it.
struct SurveyedLog {
  TopicIdPartition id;
  TopicPartition name;
  std::string directory;  // the log directory
  Result<CleanableRange> range;
  double dirty_ratio_min = 0.5;
};

// Copied to every shard; says what the cleaner wants to know of a log.
struct LogSurvey {
  std::shared_ptr<const CleanedOffsets::ByDirectory> cleaned;
  std::int64_t now_ms = 0;

  // On the log's shard. nullopt: it is not to be compacted.
  [[nodiscard]] std::optional<SurveyedLog> look(const TopicIdPartition& id, Log& log, Offset last_stable) const;
};

class LogRegister {
 public:
  virtual ~LogRegister() = default;
  // `done` on the cleaner's shard, with what look() said of all logs.
  virtual void survey(const LogSurvey& survey, Function<void(std::vector<SurveyedLog>)> done) = 0;
  // `use` on the log's shard, `done(true)` then on the cleaner's; `done(false)`: it is gone, `use` was not called.
  virtual void with_log(const TopicIdPartition& id, Function<void(Log&, Offset last_stable)> use,
                        Function<void(bool)> done) = 0;
};

}  // namespace moldau::storage

// One partition's directory under verification: a single walk over its log, at which the other files are held.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "tools/verify/verify_report.h"

namespace moldau::tools {

// What the files of the log directory say of the partition, as far as known.
struct PartitionClaims {
  std::optional<Offset> durable;    // all below it was on the disk: recovery point or durable end, the larger
  bool cleanly_stopped = false;     // nothing is unfinished
  bool cleaned = false;             // compaction has been here: offsets may be missing
  bool needs_metadata_file = true;  // partition.metadata
};

struct LogExtent {
  Offset first{0};  // of the first segment
  Offset end{0};
  bool sound = true;  // it was read to its end
};

// Nothing if the directory cannot be listed.
[[nodiscard]] std::optional<LogExtent> verify_partition(VerifyReport& report, const std::string& directory,
                                                        const PartitionClaims& claims);

}  // namespace moldau::tools

// moldau dump-log over the files of this machine, to standard output.
#pragma once

#include "tools/dump/dump_log.h"

namespace moldau::apps {

// The exit code.
[[nodiscard]] int dump_files(const tools::DumpLogOptions& options);

}  // namespace moldau::apps

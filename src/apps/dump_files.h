// moldau dump-log and moldau log verify over the files of this machine, to standard output.
#pragma once

#include "tools/dump/dump_log.h"
#include "tools/verify/verify_log.h"

namespace moldau::apps {

// The exit codes.
[[nodiscard]] int dump_files(const tools::DumpLogOptions& options);
[[nodiscard]] int verify_directories(const tools::VerifyOptions& options);

}  // namespace moldau::apps

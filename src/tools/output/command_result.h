// What a command leaves: an exit code, and what goes to standard output and standard error.
#pragma once

#include <string>

namespace moldau::tools {

inline constexpr int kExitDone = 0;
inline constexpr int kExitRefused = 1;     // the broker or the disk said no
inline constexpr int kExitWrongUsage = 2;  // the command line is not one of ours

struct CommandResult {
  int exit_code = kExitDone;
  std::string output;
  std::string errors;  // whole lines
};

}  // namespace moldau::tools

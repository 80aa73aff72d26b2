#include "base/log.h"

#include <string>

namespace moldau {

void log_formatted(Logger& logger, LogLevel level, std::string_view area, fmt::string_view format,
                   fmt::format_args args) {
  logger.write(level, area, fmt::vformat(format, args));
}

}  // namespace moldau

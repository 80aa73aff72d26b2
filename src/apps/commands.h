// The commands beside `start`, wired to the world they need.
#pragma once

#include "apps/command_line.h"
#include "tools/output/command_result.h"

namespace moldau::apps {

[[nodiscard]] tools::CommandResult show_version();
[[nodiscard]] tools::CommandResult random_uuid();
[[nodiscard]] tools::CommandResult format_directory(const FormatCommand& command);
[[nodiscard]] tools::CommandResult run_topic_command(const TopicCommand& command);

}  // namespace moldau::apps

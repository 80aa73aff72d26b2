// moldau: one program for the node and every command.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/dump_files.h"
#include "apps/start_node.h"

namespace moldau::apps {
namespace {

int print(const tools::CommandResult& result) {
  std::fwrite(result.output.data(), 1, result.output.size(), stdout);
  std::fflush(stdout);
  std::fwrite(result.errors.data(), 1, result.errors.size(), stderr);
  return std::ferror(stdout) != 0 ? tools::kExitRefused : result.exit_code;
}

struct Run {
  std::chrono::steady_clock::time_point started;

  int operator()(const StartCommand& command) const { return start_node(command, started); }
  int operator()(const FormatCommand& command) const { return print(format_directory(command)); }
  int operator()(const VersionCommand&) const { return print(show_version()); }
  int operator()(const RandomUuidCommand&) const { return print(random_uuid()); }
  int operator()(const tools::DumpLogOptions& options) const { return dump_files(options); }
  int operator()(const tools::VerifyOptions& options) const { return verify_directories(options); }
  int operator()(const TopicCommand& command) const { return print(run_topic_command(command)); }
};

}  // namespace
}  // namespace moldau::apps

// A file opened later must not become what someone else writes to as stdout or stderr.
static void open_standard_files() {
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd > STDERR_FILENO) {
      ::close(fd);
      return;
    }
  }
}

int main(int count, char** arguments) {
  const auto started = std::chrono::steady_clock::now();
  open_standard_files();
  const auto command =
      moldau::apps::parse_command_line(std::vector<std::string>(arguments + (count > 0 ? 1 : 0), arguments + count));
  if (!command) {
    std::fputs(command.error().text.c_str(), command.error().exit_code == 0 ? stdout : stderr);
    return command.error().exit_code;
  }
  return std::visit(moldau::apps::Run{started}, *command);
}

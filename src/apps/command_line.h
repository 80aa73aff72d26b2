// The command line of `moldau` as values: which command, with what.
//
// Exit codes: 0 done (help and version too), 1 the broker or the disk said no, 2 wrong usage.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "runtime/asio/stream_logger.h"
#include "runtime/net.h"
#include "tools/dump/dump_log.h"
#include "tools/topics/topic_commands.h"
#include "tools/verify/verify_log.h"

namespace moldau::apps {

// Where a node's configuration comes from, weakest first: the file, the environment, the settings.
struct ConfigSources {
  std::string file;                   // --config; "": none
  std::vector<std::string> settings;  // --set key=value
};

struct StartCommand {
  ConfigSources config;
  runtime::LogFormat log_format = runtime::LogFormat::kPlain;
  LogLevel log_level = LogLevel::kInfo;
};

struct FormatCommand {
  ConfigSources config;
  std::string cluster_id;  // "new": a random one
  bool ignore_formatted = false;
};

struct VersionCommand {};
struct RandomUuidCommand {};

struct TopicCommand {
  std::string bootstrap_server;
  std::chrono::milliseconds timeout{};
  std::variant<tools::CreateTopicsOptions, tools::ListTopicsOptions, tools::DescribeTopicsOptions,
               tools::AlterTopicsOptions, tools::DeleteTopicsOptions>
      action;
};

using Command = std::variant<StartCommand, FormatCommand, VersionCommand, RandomUuidCommand, tools::DumpLogOptions,
                             tools::VerifyOptions, TopicCommand>;

// There is nothing to run: help was asked for, or the command line is wrong.
struct CommandLineEnd {
  int exit_code = 0;
  std::string text;  // to standard output if the code is 0, else to standard error
};

// `arguments` without the program's name.
[[nodiscard]] std::expected<Command, CommandLineEnd> parse_command_line(std::vector<std::string> arguments);

}  // namespace moldau::apps

#include "apps/command_line.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "apps/node_settings.h"

namespace moldau::apps {
namespace {

template <class T>
T parsed(std::vector<std::string> arguments) {
  auto command = parse_command_line(std::move(arguments));
  EXPECT_TRUE(command) << command.error().text;
  return std::get<T>(*std::move(command));
}

int exit_code_of(std::vector<std::string> arguments) {
  const auto command = parse_command_line(std::move(arguments));
  return command ? -1 : command.error().exit_code;
}

std::string text_of_end(std::vector<std::string> arguments) {
  const auto command = parse_command_line(std::move(arguments));
  return command ? "" : command.error().text;
}

TEST(CommandLine, StartTakesAFileAndAnyNumberOfSettings) {
  const auto start = parsed<StartCommand>({"start", "--config", "server.properties", "--set", "node.id=3", "--set",
                                           "log.dirs=/a", "--log-format", "json", "--log-level", "debug"});
  EXPECT_EQ(start.config.file, "server.properties");
  EXPECT_EQ(start.config.settings, (std::vector<std::string>{"node.id=3", "log.dirs=/a"}));
  EXPECT_EQ(start.log_format, runtime::LogFormat::kJson);
  EXPECT_EQ(start.log_level, LogLevel::kDebug);
  EXPECT_EQ(parsed<StartCommand>({"start", "--set", "listeners=A://x:1,B://y:2"}).config.settings.size(), 1U);
}

TEST(CommandLine, HelpIsNoFault) {
  EXPECT_EQ(exit_code_of({"--help"}), 0);
  EXPECT_EQ(exit_code_of({"topic", "create", "--help"}), 0);
  EXPECT_NE(parse_command_line({"start", "--help"}).error().text.find("--set"), std::string::npos);
}

TEST(CommandLine, HelpAndVersionAreUnderstoodHoweverTheyAreAsked) {
  EXPECT_EQ(exit_code_of({"help"}), 0);
  EXPECT_EQ(text_of_end({"help", "start"}), text_of_end({"start", "--help"}));
  EXPECT_EQ(text_of_end({"help", "topic", "create"}), text_of_end({"topic", "create", "--help"}));
  EXPECT_EQ(exit_code_of({"help", "strat"}), 2);
  static_cast<void>(parsed<VersionCommand>({"-v"}));
  static_cast<void>(parsed<VersionCommand>({"--version"}));
}

TEST(CommandLine, AWrongCommandIsNamedWithTheNearest) {
  EXPECT_TRUE(text_of_end({"strat"}).starts_with("moldau: there is no command 'strat'; did you mean 'moldau start'?"));
  EXPECT_TRUE(text_of_end({"topic", "crate", "a"})
                  .starts_with("moldau topic: there is no command 'crate'; did you mean 'moldau topic create'?"));
  EXPECT_TRUE(
      text_of_end({"topic", "foo"})
          .starts_with("moldau topic: there is no command 'foo'; there are create, list, describe, alter, delete"));
  EXPECT_TRUE(text_of_end({}).starts_with("moldau: a command is missing; there are start, "));
  EXPECT_TRUE(text_of_end({"topic"}).starts_with("moldau topic: a command is missing; there are create, "));
  EXPECT_TRUE(text_of_end({"topic", "create"}).starts_with("moldau topic create: at least one TOPIC must be named"));
  EXPECT_TRUE(text_of_end({"dump-log", "--json"}).starts_with("moldau dump-log: at least one FILE must be named"));
  EXPECT_TRUE(text_of_end({"format"}).starts_with("moldau format: --cluster-id is required"));
}

TEST(CommandLine, HelpSaysWhatIsTaken) {
  const std::string start = text_of_end({"start", "--help"});
  EXPECT_EQ(start.find("KEY=VALUE ..."), std::string::npos) << "one value for each --set";
  for (const char* command : {"start", "format", "dump-log"}) {
    EXPECT_NE(text_of_end({command, "--help"}).find("2 wrong usage"), std::string::npos) << command;
  }
  EXPECT_NE(text_of_end({"topic", "delete", "--help"}).find("TOPIC ..."), std::string::npos);
}

TEST(CommandLine, FormatTakesTheShortOptionsOfKafkasTool) {
  const auto format = parsed<FormatCommand>({"format", "-t", "new", "-c", "server.properties", "-g", "-s"});
  EXPECT_EQ(format.cluster_id, "new");
  EXPECT_EQ(format.config.file, "server.properties");
  EXPECT_TRUE(format.ignore_formatted);
}

TEST(CommandLine, WrongUsageEndsWithTwo) {
  EXPECT_EQ(exit_code_of({}), 2);
  EXPECT_EQ(exit_code_of({"begin"}), 2);
  EXPECT_EQ(exit_code_of({"start", "--set", "node.id"}), 2);
  EXPECT_EQ(exit_code_of({"start", "--set", "a=1", "b=2"}), 2);
  EXPECT_EQ(exit_code_of({"start", "--log-level", "loud"}), 2);
  EXPECT_EQ(exit_code_of({"start", "now"}), 2);
  EXPECT_EQ(exit_code_of({"topic"}), 2);
  EXPECT_EQ(exit_code_of({"topic", "create"}), 2);
  EXPECT_EQ(exit_code_of({"topic", "create", "a", "--partitions", "0"}), 2);
  EXPECT_EQ(exit_code_of({"topic", "create", "a", "--config", "x"}), 2);
  EXPECT_EQ(exit_code_of({"topic", "alter", "a"}), 2);
  EXPECT_EQ(exit_code_of({"topic", "alter", "a", "--partitions", "0"}), 2);
  EXPECT_EQ(exit_code_of({"dump-log"}), 2);
  EXPECT_EQ(exit_code_of({"format"}), 2);
}

TEST(CommandLine, TopicCommands) {
  auto command =
      parsed<TopicCommand>({"topic", "create", "a", "b", "--partitions", "6", "--replication-factor", "1", "--config",
                            "retention.ms=1=2", "--bootstrap-server", "h:1", "--timeout", "0.5"});
  EXPECT_EQ(command.bootstrap_server, "h:1");
  EXPECT_EQ(command.timeout, std::chrono::milliseconds(500));
  const auto& create = std::get<tools::CreateTopicsOptions>(command.action);
  EXPECT_EQ(create.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(create.partitions, 6);
  EXPECT_EQ(create.configs, (std::vector<std::pair<std::string, std::string>>{{"retention.ms", "1=2"}}));
  EXPECT_TRUE(std::get<tools::ListTopicsOptions>(parsed<TopicCommand>({"topic", "list", "--json"}).action).json);
  EXPECT_EQ(std::get<tools::DescribeTopicsOptions>(parsed<TopicCommand>({"topic", "describe"}).action).names.size(),
            0U);
  const auto alter =
      std::get<tools::AlterTopicsOptions>(parsed<TopicCommand>({"topic", "alter", "x", "--partitions", "4"}).action);
  EXPECT_EQ(alter.names, std::vector<std::string>{"x"});
  EXPECT_EQ(alter.partitions, 4);
  EXPECT_EQ(std::get<tools::DeleteTopicsOptions>(parsed<TopicCommand>({"topic", "delete", "x"}).action).names.size(),
            1U);
}

TEST(CommandLine, DumpLogTakesManyFiles) {
  const auto dump = parsed<tools::DumpLogOptions>({"dump-log", "--print-data-log", "a.log", "b.index"});
  EXPECT_EQ(dump.files, (std::vector<std::string>{"a.log", "b.index"}));
  EXPECT_TRUE(dump.print_records);
  const auto kafkas =
      parsed<tools::DumpLogOptions>({"dump-log", "--files", "a.log,b.index", "--offsets-decoder", "--max-bytes", "100",
                                     "--verify-index-only", "--index-sanity-check", "--max-message-size", "7",
                                     "--value-decoder-class", "org.apache.kafka.tools.api.StringDecoder"});
  EXPECT_EQ(kafkas.files, (std::vector<std::string>{"a.log", "b.index"}));
  EXPECT_EQ(kafkas.decoder, tools::RecordDecoder::kOffsets);
  EXPECT_EQ(kafkas.bytes_max, 100U);
  EXPECT_TRUE(kafkas.verify_index_only && kafkas.index_sanity_check);
  EXPECT_EQ(exit_code_of({"dump-log", "--key-decoder-class", "mine.Decoder", "a.log"}), 2);
  const auto verify = parsed<tools::VerifyOptions>({"log", "verify", "--json", "data"});
  EXPECT_EQ(verify.directories, (std::vector<std::string>{"data"}));
  EXPECT_TRUE(verify.json);
  EXPECT_EQ(exit_code_of({"log", "verify"}), 2);
}

TEST(NodeSettings, TheRequestMemoryIsAQuarterUpToOneGibibyte) {
  EXPECT_EQ(default_request_memory(std::int64_t{512} << 20), std::int64_t{128} << 20);
  EXPECT_EQ(default_request_memory(std::int64_t{64} << 30), std::int64_t{1} << 30);
  EXPECT_GT(usable_memory_bytes(), 0);
}

TEST(NodeSettings, OnlyANamedDirectoryMustBeFormatted) {
  const auto plain = read_node_settings({});
  ASSERT_TRUE(plain) << plain.error();
  EXPECT_FALSE(plain->directory_was_named);
  EXPECT_GT(plain->config.request_memory_bytes, 0);
  EXPECT_TRUE(read_node_settings({.file = "", .settings = {"log.dirs=/a"}})->directory_was_named);
  EXPECT_TRUE(read_node_settings({.file = "", .settings = {"log.dir=/a"}})->directory_was_named);
}

TEST(NodeSettings, AMissingFileIsNamed) {
  const auto missing = read_node_settings({.file = "/no/such/server.properties", .settings = {}});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("/no/such/server.properties"), std::string::npos);
}

}  // namespace
}  // namespace moldau::apps

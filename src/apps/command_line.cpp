#include "apps/command_line.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

#include "tools/output/command_result.h"

namespace moldau::apps {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 the broker or the disk said no, 2 wrong usage.\n'moldau COMMAND --help' tells more.";

const std::map<std::string, runtime::LogFormat> kLogFormats = {{"plain", runtime::LogFormat::kPlain},
                                                               {"json", runtime::LogFormat::kJson}};
const std::map<std::string, LogLevel> kLogLevels = {
    {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}, {"error", LogLevel::kError}};

template <class T>
std::string names_of(const std::map<std::string, T>& values) {
  std::string names;
  for (const auto& [name, value] : values) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

template <class T>
void add_choice(CLI::App& app, const std::string& option, const std::map<std::string, T>& values, T& into,
                const std::string& help) {
  app.add_option_function<std::string>(
         option, [&into, &values](const std::string& text) { into = values.at(text); },
         help + " (" + names_of(values) + ")")
      ->check([&values](const std::string& text) {
        return values.contains(text) ? std::string() : "'" + text + "' is none of " + names_of(values);
      });
}

std::string refuse_unless_key_value(const std::string& text) {
  const std::size_t equals = text.find('=');
  return equals == std::string::npos || equals == 0 ? "'" + text + "' must be written as key=value" : std::string();
}

void add_config_sources(CLI::App& app, ConfigSources& sources) {
  app.add_option("--config", sources.file, "A file with Kafka's keys (server.properties)")->type_name("FILE");
  app.add_option("--set", sources.settings, "Set one configuration key; stronger than the environment and the file")
      ->type_name("KEY=VALUE")
      ->check(refuse_unless_key_value)
      ->allow_extra_args(false);
}

// Everything that options are bound to; it outlives the parse.
struct Parsed {
  StartCommand start;
  FormatCommand format;
  tools::DumpLogOptions dump;
  std::string bootstrap_server = "127.0.0.1:9092";
  double timeout_seconds = 30;
  std::vector<std::string> topic_configs;
  tools::CreateTopicsOptions create;
  tools::ListTopicsOptions list;
  tools::DescribeTopicsOptions describe;
  tools::DeleteTopicsOptions erase;
};

CLI::App& add_start(CLI::App& root, StartCommand& start) {
  CLI::App& app = *root.add_subcommand("start", "Start a node: broker and controller");
  app.footer(
      "Without a configuration the node keeps its data in ./moldau-data, which is formatted if it is missing or "
      "empty,\n"
      "and serves clients on 127.0.0.1:9092, the controller on 127.0.0.1:9093, /metrics, /livez and /readyz on\n"
      "127.0.0.1:9644. A directory named by log.dirs or log.dir is formatted by 'moldau format' first.\n"
      "KAFKA_LOG_RETENTION_MS in the environment sets log.retention.ms, and so on.\n"
      "SIGTERM or SIGINT stops cleanly; a second one ends the process at once.");
  add_config_sources(app, start.config);
  add_choice(app, "--log-format", kLogFormats, start.log_format, "How log lines on standard error look");
  add_choice(app, "--log-level", kLogLevels, start.log_level, "The least level that is logged");
  return app;
}

CLI::App& add_format(CLI::App& root, FormatCommand& format) {
  CLI::App& app = *root.add_subcommand("format", "Prepare the log directory for a node");
  app.footer(
      "Writes what 'kafka-storage.sh format --standalone' writes; the node is then started with the same\n"
      "configuration.");
  add_config_sources(app, format.config);
  app.add_option("--cluster-id,-t", format.cluster_id, "The cluster that the directory belongs to; 'new' for a new one")
      ->type_name("ID|new")
      ->required();
  app.add_flag("--ignore-formatted", format.ignore_formatted, "A directory that is formatted already is no fault");
  app.add_flag("--standalone,-s")->description("This node is the only voter (the default, and all this release has)");
  return app;
}

CLI::App& add_dump_log(CLI::App& root, tools::DumpLogOptions& dump) {
  CLI::App& app = *root.add_subcommand("dump-log", "Print what log files hold, and check them");
  app.footer(
      "Takes .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint and the checkpoint files of a directory.\n"
      "Exit code 1 if a file is damaged or cannot be read.");
  app.add_option("files", dump.files, "Files")->type_name("FILES")->required();
  app.add_flag("--print-data-log", dump.print_records, "A line for each record, with its key and value");
  app.add_flag("--deep-iteration", dump.deep, "A line for each record");
  app.add_flag("--cluster-metadata-decoder", dump.decode_metadata,
               "Decode records of the metadata log and its snapshots");
  app.add_flag("--skip-record-metadata", dump.skip_record_metadata,
               "Of each record only what it holds, with --print-data-log");
  app.add_flag("--json", dump.json, "One JSON object a line");
  return app;
}

void add_connection_options(CLI::App& app, Parsed& parsed) {
  app.add_option("--bootstrap-server", parsed.bootstrap_server, "A broker of the cluster")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--timeout", parsed.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
}

struct TopicApps {
  CLI::App* topic = nullptr;
  CLI::App* create = nullptr;
  CLI::App* list = nullptr;
  CLI::App* describe = nullptr;
};

TopicApps add_topic(CLI::App& root, Parsed& parsed) {
  TopicApps apps;
  apps.topic = root.add_subcommand("topic", "Create, list, describe and delete topics");
  apps.topic->require_subcommand(1);

  apps.create = apps.topic->add_subcommand("create", "Create topics");
  apps.create->add_option("names", parsed.create.names, "Names")->type_name("NAMES")->required();
  apps.create->add_option("--partitions", parsed.create.partitions, "Partitions of each (default: num.partitions)")
      ->check(CLI::Range(1, 1'000'000));
  apps.create
      ->add_option("--replication-factor", parsed.create.replication_factor,
                   "Replicas of each partition (default: default.replication.factor)")
      ->check(CLI::Range(1, 32'767));
  apps.create->add_option("--config", parsed.topic_configs, "Set one configuration key of the topics")
      ->type_name("KEY=VALUE")
      ->check(refuse_unless_key_value)
      ->allow_extra_args(false);
  apps.create->add_flag("--if-not-exists", parsed.create.if_not_exists, "A topic that exists already is no fault");

  apps.list = apps.topic->add_subcommand("list", "List topics");
  apps.list->add_flag("--internal", parsed.list.internal, "With those that the cluster keeps for itself");

  apps.describe =
      apps.topic->add_subcommand("describe", "Describe topics: partitions, leaders, replicas, configuration");
  apps.describe->add_option("names", parsed.describe.names, "Names (default: all)")->type_name("NAMES");

  CLI::App* erase = apps.topic->add_subcommand("delete", "Delete topics and their data");
  erase->add_option("names", parsed.erase.names, "Names")->type_name("NAMES")->required();
  erase->add_flag("--if-exists", parsed.erase.if_exists, "A topic that does not exist is no fault");

  const std::pair<CLI::App*, bool*> json[] = {{apps.create, &parsed.create.json},
                                              {apps.list, &parsed.list.json},
                                              {apps.describe, &parsed.describe.json},
                                              {erase, &parsed.erase.json}};
  for (const auto& [app, flag] : json) {
    add_connection_options(*app, parsed);
    app->add_flag("--json", *flag, "Print JSON");
  }
  return apps;
}

TopicCommand topic_command(const TopicApps& apps, Parsed& parsed) {
  TopicCommand command;
  command.bootstrap_server = std::move(parsed.bootstrap_server);
  command.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(parsed.timeout_seconds * 1000));
  if (apps.create->parsed()) {
    for (const std::string& config : parsed.topic_configs) {
      const std::size_t equals = config.find('=');
      parsed.create.configs.emplace_back(config.substr(0, equals), config.substr(equals + 1));
    }
    command.action = std::move(parsed.create);
  } else if (apps.list->parsed()) {
    command.action = parsed.list;
  } else if (apps.describe->parsed()) {
    command.action = std::move(parsed.describe);
  } else {
    command.action = std::move(parsed.erase);
  }
  return command;
}

}  // namespace

std::expected<Command, CommandLineEnd> parse_command_line(std::vector<std::string> arguments) {
  Parsed parsed;
  CLI::App root("Moldau: Apache Kafka's broker as one native program", "moldau");
  root.footer(kFooter);
  root.require_subcommand(1);
  bool version_flag = false;
  root.add_flag("--version", version_flag, "Print the version");
  CLI::App& start = add_start(root, parsed.start);
  CLI::App& format = add_format(root, parsed.format);
  CLI::App& version = *root.add_subcommand("version", "Print the version");
  CLI::App& random_uuid = *root.add_subcommand("random-uuid", "Print a random id, as 'format --cluster-id' takes it");
  CLI::App& dump = add_dump_log(root, parsed.dump);
  const TopicApps topic = add_topic(root, parsed);

  if (arguments.size() == 1 && arguments.front() == "--version") {
    return VersionCommand{};
  }
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  try {
    root.parse(std::move(arguments));
  } catch (const CLI::ParseError& stop) {
    std::ostringstream out;
    std::ostringstream errors;
    const bool is_help = root.exit(stop, out, errors) == 0;
    return std::unexpected(CommandLineEnd{.exit_code = is_help ? tools::kExitDone : tools::kExitWrongUsage,
                                          .text = is_help ? out.str() : "moldau: " + errors.str()});
  }
  if (start.parsed()) {
    return std::move(parsed.start);
  }
  if (format.parsed()) {
    return std::move(parsed.format);
  }
  if (version.parsed()) {
    return VersionCommand{};
  }
  if (random_uuid.parsed()) {
    return RandomUuidCommand{};
  }
  if (dump.parsed()) {
    return std::move(parsed.dump);
  }
  return topic_command(topic, parsed);
}

}  // namespace moldau::apps

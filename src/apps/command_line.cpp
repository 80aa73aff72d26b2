#include "apps/command_line.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

#include "apps/nearest_name.h"
#include "tools/output/command_result.h"

namespace moldau::apps {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 the broker or the disk said no, 2 wrong usage.\n'moldau COMMAND --help' tells more.";

const std::map<std::string, runtime::LogFormat> kLogFormats = {{"plain", runtime::LogFormat::kPlain},
                                                               {"json", runtime::LogFormat::kJson}};
const std::map<std::string, LogLevel> kLogLevels = {
    {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}, {"error", LogLevel::kError}};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

template <class T>
std::string names_of(const std::map<std::string, T>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) {
    names.push_back(name);
  }
  return joined(names);
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

// One KEY=VALUE behind each use of the option.
void add_settings(CLI::App& app, const std::string& option, std::vector<std::string>& into, const std::string& help) {
  app.add_option_function<std::string>(
         option, [&into](const std::string& text) { into.push_back(text); }, help)
      ->type_name("KEY=VALUE")
      ->check(refuse_unless_key_value)
      ->trigger_on_parse();
}

void add_config_sources(CLI::App& app, ConfigSources& sources) {
  app.add_option("--config,-c", sources.file, "A file with Kafka's keys (server.properties)")->type_name("FILE");
  add_settings(app, "--set", sources.settings,
               "Set one configuration key; stronger than the environment and the file. Once for each key");
}

// Everything that options are bound to; it outlives the parse.
struct Parsed {
  StartCommand start;
  FormatCommand format;
  tools::DumpLogOptions dump;
  tools::VerifyOptions verify;
  std::string bootstrap_server = "127.0.0.1:9092";
  double timeout_seconds = 30;
  std::vector<std::string> topic_configs;
  tools::CreateTopicsOptions create;
  tools::ListTopicsOptions list;
  tools::DescribeTopicsOptions describe;
  tools::AlterTopicsOptions alter;
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
      "SIGTERM or SIGINT stops cleanly; a second one ends the process at once.\n"
      "Exit codes: 0 stopped cleanly, 1 refused to start or failed, 2 wrong usage.");
  add_config_sources(app, start.config);
  add_choice(app, "--log-format", kLogFormats, start.log_format, "How log lines on standard error look");
  add_choice(app, "--log-level", kLogLevels, start.log_level, "The least level that is logged");
  return app;
}

CLI::App& add_format(CLI::App& root, FormatCommand& format) {
  CLI::App& app = *root.add_subcommand("format", "Prepare the log directory for a node");
  app.footer(
      "Writes what 'kafka-storage.sh format --standalone' writes; the node is then started with the same\n"
      "configuration. With --ignore-formatted 'new' leaves formatted directories as they are, of whatever cluster.\n"
      "Exit codes: 0 done, 1 refused or failed, 2 wrong usage.");
  add_config_sources(app, format.config);
  app.add_option("--cluster-id,-t", format.cluster_id, "The cluster that the directory belongs to; 'new' for a new one")
      ->type_name("ID|new")
      ->required();
  app.add_flag("--ignore-formatted,-g", format.ignore_formatted, "A directory that is formatted already is no fault");
  app.add_flag("--standalone,-s")->description("This node is the only voter (the default, and all this release has)");
  return app;
}

constexpr const char* kStringDecoder = "org.apache.kafka.tools.api.StringDecoder";

// Names with commas between.
void add_names(std::vector<std::string>& names, const std::string& text) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) {
      names.push_back(text.substr(at, end - at));
    }
    at = end + 1;
  }
}

CLI::App& add_dump_log(CLI::App& root, tools::DumpLogOptions& dump) {
  CLI::App& app = *root.add_subcommand("dump-log", "Print what log files hold, and check them");
  app.footer(
      "Takes .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint and the checkpoint files of a directory.\n"
      "Exit codes: 0 done, 1 a file is damaged or cannot be read, 2 wrong usage.");
  app.add_option("FILE", dump.files, "Files to print")->type_name("");
  app.add_option_function<std::string>(
         "--files", [&dump](const std::string& text) { add_names(dump.files, text); }, "The same, with commas between")
      ->type_name("FILE,...");
  app.add_flag("--print-data-log", dump.print_records, "A line for each record, with its key and value");
  app.add_flag("--deep-iteration", dump.deep, "A line for each record");
  const auto add_decoder = [&](const std::string& name, tools::RecordDecoder decoder, const std::string& help) {
    app.add_flag_callback(name, [&dump, decoder] { dump.decoder = decoder; }, help);
  };
  add_decoder("--cluster-metadata-decoder", tools::RecordDecoder::kMetadata,
              "Decode records of the metadata log and its snapshots");
  add_decoder("--offsets-decoder", tools::RecordDecoder::kOffsets, "Decode records of __consumer_offsets");
  add_decoder("--transaction-log-decoder", tools::RecordDecoder::kTransactionLog,
              "Decode records of __transaction_state");
  add_decoder("--share-group-state-decoder", tools::RecordDecoder::kShareState,
              "Decode records of __share_group_state");
  for (const char* name : {"--key-decoder-class", "--value-decoder-class"}) {
    app.add_option_function<std::string>(
           name, [&dump](const std::string&) { dump.print_records = true; },
           "Kafka's StringDecoder, which needs no name")
        ->type_name("CLASS")
        ->check([](const std::string& text) {
          return text == kStringDecoder ? std::string()
                                        : "'" + text + "': classes of Java are not run, only " + kStringDecoder;
        });
  }
  app.add_flag("--verify-index-only", dump.verify_index_only, "Check the entries of indexes without printing them");
  app.add_flag("--index-sanity-check", dump.index_sanity_check, "Check indexes only as a start does");
  app.add_option("--max-bytes", dump.bytes_max, "Look at so many bytes of each log")->type_name("SIZE");
  app.add_option_function<std::uint64_t>(
         "--max-message-size", [](std::uint64_t) {}, "Taken for Kafka's sake: batches of any size are read")
      ->type_name("SIZE");
  app.add_flag("--skip-record-metadata", dump.skip_record_metadata,
               "Of each record only what it holds, with --print-data-log");
  app.add_flag("--json", dump.json, "One JSON object a line");
  return app;
}

CLI::App& add_log_verify(CLI::App& root, tools::VerifyOptions& verify) {
  CLI::App& log = *root.add_subcommand("log", "Look after log directories");
  log.require_subcommand(1);
  CLI::App& app = *log.add_subcommand("verify", "Check every file of a log directory or of one partition's directory");
  app.footer(
      "Reads only. A fault is named with its file and position; a note is what the next start puts right after a "
      "crash.\n"
      "Exit codes: 0 sound, 1 faults were found, 2 wrong usage, or a directory is none or cannot be read.");
  app.add_option("DIR", verify.directories, "Directories")->type_name("")->required();
  app.add_flag("--json", verify.json, "One JSON object a line");
  return app;
}

void add_connection_options(CLI::App& app, Parsed& parsed) {
  app.add_option("--bootstrap-server", parsed.bootstrap_server,
                 "A broker of the cluster, or several with commas between: the first that answers is asked")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--timeout", parsed.timeout_seconds, "Seconds to wait for an answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 3600.0).description(""))
      ->capture_default_str();
}

struct TopicApps {
  CLI::App* topic = nullptr;
  CLI::App* create = nullptr;
  CLI::App* list = nullptr;
  CLI::App* describe = nullptr;
  CLI::App* alter = nullptr;
};

TopicApps add_topic(CLI::App& root, Parsed& parsed) {
  TopicApps apps;
  apps.topic = root.add_subcommand("topic", "Create, list, describe, alter and delete topics");
  apps.topic->require_subcommand(1);

  apps.create = apps.topic->add_subcommand("create", "Create topics");
  apps.create->add_option("TOPIC", parsed.create.names, "Names of topics")->type_name("")->required();
  apps.create->add_option("--partitions", parsed.create.partitions, "Partitions of each (default: num.partitions)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  apps.create
      ->add_option("--replication-factor", parsed.create.replication_factor,
                   "Replicas of each partition (default: default.replication.factor)")
      ->type_name("N")
      ->check(CLI::Range(1, 32'767).description(""));
  add_settings(*apps.create, "--config", parsed.topic_configs,
               "Set one configuration key of the topics. Once for each key");
  apps.create->add_flag("--if-not-exists", parsed.create.if_not_exists, "A topic that exists already is no fault");

  apps.list = apps.topic->add_subcommand("list", "List topics");
  apps.list->add_flag("--internal", parsed.list.internal, "With those that the cluster keeps for itself");

  apps.describe =
      apps.topic->add_subcommand("describe", "Describe topics: partitions, leaders, replicas, configuration");
  apps.describe->add_option("TOPIC", parsed.describe.names, "Names of topics (default: all)")->type_name("");

  apps.alter = apps.topic->add_subcommand("alter", "Add partitions to topics");
  apps.alter->add_option("TOPIC", parsed.alter.names, "Names of topics")->type_name("")->required();
  apps.alter
      ->add_option("--partitions", parsed.alter.partitions,
                   "Partitions that each is to have. Keys may go to other partitions than before")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->required();

  CLI::App* erase = apps.topic->add_subcommand("delete", "Delete topics and their data");
  erase->add_option("TOPIC", parsed.erase.names, "Names of topics")->type_name("")->required();
  erase->add_flag("--if-exists", parsed.erase.if_exists, "A topic that does not exist is no fault");

  const std::pair<CLI::App*, bool*> json[] = {{apps.create, &parsed.create.json},
                                              {apps.list, &parsed.list.json},
                                              {apps.describe, &parsed.describe.json},
                                              {apps.alter, &parsed.alter.json},
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
  } else if (apps.alter->parsed()) {
    command.action = std::move(parsed.alter);
  } else {
    command.action = std::move(parsed.erase);
  }
  return command;
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> commands_of(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  return names;
}

CLI::App* subcommand_of(CLI::App& app, const std::string& name) {
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == name) {
      return command;
    }
  }
  return nullptr;
}

// The command that the first words name, as far as they do, or what is wrong with them.
struct NamedCommand {
  CLI::App* app = nullptr;
  std::string fault;
};

NamedCommand find_command(CLI::App& root, const std::vector<std::string>& words) {
  CLI::App* app = &root;
  for (std::size_t i = 0;; ++i) {
    const std::vector<std::string> commands = commands_of(*app);
    if (commands.empty() || (i < words.size() && words[i].starts_with('-'))) {
      return {app, ""};
    }
    CLI::App* named = i < words.size() ? subcommand_of(*app, words[i]) : nullptr;
    if (named != nullptr) {
      app = named;
      continue;
    }
    std::string fault = full_name(*app) + ": ";
    if (i == words.size()) {
      fault += "a command is missing";
    } else {
      fault += "there is no command '" + words[i] + "'";
      if (const std::string nearest = nearest_name(words[i], commands); !nearest.empty()) {
        return {app, fault + "; did you mean '" + full_name(*app) + " " + nearest + "'?"};
      }
    }
    return {app, fault + "; there are " + joined(commands)};
  }
}

std::string what_is_missing(const CLI::App& app, const CLI::RequiredError& missing) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && option->get_required() && option->count() == 0) {
      return full_name(app) + ": at least one " + option->get_name(true) + " must be named";
    }
  }
  return full_name(app) + ": " + missing.what();
}

std::unexpected<CommandLineEnd> wrong_usage(const std::string& line) {
  return std::unexpected(
      CommandLineEnd{.exit_code = tools::kExitWrongUsage, .text = line + "\nRun with --help for more information.\n"});
}

}  // namespace

std::expected<Command, CommandLineEnd> parse_command_line(std::vector<std::string> arguments) {
  Parsed parsed;
  CLI::App root("Moldau: Apache Kafka's broker as one native program", "moldau");
  root.footer(kFooter);
  root.require_subcommand(1);
  bool version_flag = false;
  root.add_flag("--version,-v", version_flag, "Print the version");
  CLI::App& start = add_start(root, parsed.start);
  CLI::App& format = add_format(root, parsed.format);
  CLI::App& version = *root.add_subcommand("version", "Print the version");
  CLI::App& random_uuid = *root.add_subcommand("random-uuid", "Print a random id, as 'format --cluster-id' takes it");
  CLI::App& dump = add_dump_log(root, parsed.dump);
  const CLI::App& verify = add_log_verify(root, parsed.verify);
  const TopicApps topic = add_topic(root, parsed);

  if (arguments.size() == 1 && (arguments.front() == "--version" || arguments.front() == "-v")) {
    return VersionCommand{};
  }
  if (!arguments.empty() && arguments.front() == "help") {  // 'help start' is 'start --help'
    std::ranges::rotate(arguments, arguments.begin() + 1);
    arguments.back() = "--help";
  }
  const NamedCommand named = find_command(root, arguments);
  if (!named.fault.empty()) {
    return wrong_usage(named.fault);
  }
  std::ranges::reverse(arguments);  // CLI11 takes them from the back
  try {
    root.parse(std::move(arguments));
  } catch (const CLI::RequiredError& missing) {
    return wrong_usage(what_is_missing(*named.app, missing));
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
    if (parsed.dump.files.empty()) {
      return wrong_usage(full_name(dump) + ": at least one FILE must be named");
    }
    return std::move(parsed.dump);
  }
  if (verify.parsed()) {
    return std::move(parsed.verify);
  }
  return topic_command(topic, parsed);
}

}  // namespace moldau::apps

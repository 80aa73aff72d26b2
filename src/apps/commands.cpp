#include "apps/commands.h"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "apps/bootstrap_servers.h"
#include "apps/node_settings.h"
#include "broker/node/node_directories.h"
#include "raft/driver/format.h"
#include "runtime/asio/asio_world.h"
#include "runtime/asio/kernel_random.h"
#include "runtime/asio/posix_fs.h"
#include "runtime/asio/shard_clock.h"
#include "storage/checkpoint/meta_properties.h"

namespace moldau::apps {
namespace {

using tools::CommandResult;

CommandResult refusal(std::string line) {
  return {.exit_code = tools::kExitRefused, .output = {}, .errors = std::move(line) + "\n"};
}

runtime::Task<CommandResult> run_action(client::BrokerConnection& broker, tools::CreateTopicsOptions options) {
  return tools::create_topics(broker, std::move(options));
}
runtime::Task<CommandResult> run_action(client::BrokerConnection& broker, tools::ListTopicsOptions options) {
  return tools::list_topics(broker, options);
}
runtime::Task<CommandResult> run_action(client::BrokerConnection& broker, tools::DescribeTopicsOptions options) {
  return tools::describe_topics(broker, std::move(options));
}
runtime::Task<CommandResult> run_action(client::BrokerConnection& broker, tools::AlterTopicsOptions options) {
  return tools::alter_topics(broker, std::move(options));
}
runtime::Task<CommandResult> run_action(client::BrokerConnection& broker, tools::DeleteTopicsOptions options) {
  return tools::delete_topics(broker, std::move(options));
}

// Takes the first of the servers that answers, does what was asked, and closes. The parameters are in the frame: they
// outlive every wait.
runtime::Task<CommandResult> talk_to_broker(runtime::World world, std::vector<runtime::Endpoint> servers,
                                            TopicCommand command) {
  std::string reasons;
  for (const runtime::Endpoint& at : servers) {
    const auto broker = std::make_unique<client::BrokerConnection>(
        world.shard(0), world.network(0),
        client::BrokerConnection::Config{.client_id = "moldau-topic", .request_timeout = command.timeout});
    const Result<> opened = co_await broker->open(at);
    if (opened && !broker->is_controller()) {
      CommandResult result =
          co_await std::visit([&](auto& action) { return run_action(*broker, std::move(action)); }, command.action);
      broker->close();
      co_return result;
    }
    reasons += (reasons.empty() ? "" : ", ") + text_of(at) + " (" +
               (opened ? "that is a controller's listener, not a broker's" : client::explain(opened.error())) + ")";
    broker->close();
  }
  co_return refusal("no Kafka broker answers at " + reasons +
                    "; start one with 'moldau start', or name another address with --bootstrap-server");
}

// The cluster that one of the directories was formatted for; what cannot be read is left to the format that follows.
std::optional<std::string> known_cluster(runtime::FileSystem& fs, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    if (const auto found = storage::read_meta_properties(fs, directory)) {
      return found->cluster_id;
    }
  }
  return std::nullopt;
}

}  // namespace

CommandResult show_version() {
  return {.exit_code = tools::kExitDone, .output = "moldau " MOLDAU_VERSION " (Apache Kafka 4.3)\n", .errors = {}};
}

CommandResult random_uuid() {
  runtime::KernelRandom random;
  return {.exit_code = tools::kExitDone, .output = random.uuid().to_string() + "\n", .errors = {}};
}

CommandResult format_directory(const FormatCommand& command) {
  auto settings = read_node_settings(command.config);
  if (!settings) {
    return refusal("moldau format: " + settings.error());
  }
  runtime::PosixFileSystem fs;
  runtime::KernelRandom random;
  const broker::NodeConfig& config = settings->config;
  const broker::ListenerConfig& controller = config.controller_listener();
  const runtime::Endpoint at = controller.told();
  raft::FormatOptions options;
  options.cluster_id = command.cluster_id;
  if (command.cluster_id == "new") {
    const auto known = command.ignore_formatted ? known_cluster(fs, broker::directories_of(config)) : std::nullopt;
    options.cluster_id = known.value_or(random.uuid().to_string());
  }
  options.node_id = config.node_id;
  options.log_directories = broker::directories_of(config);
  options.metadata_log_directory = config.metadata_log_dir;
  options.controller = raft::ListenerEndpoint{controller.name, at.host, at.port};
  options.ignore_formatted = command.ignore_formatted;
  const auto formatted = raft::format_directories(fs, options, random, runtime::wall_clock_ms());
  if (!formatted) {
    return refusal("moldau format: " + formatted.error());
  }
  CommandResult result;
  for (const raft::FormattedDirectory& directory : *formatted) {
    result.output += "formatted " + directory.path + " for cluster " + options.cluster_id + ", directory id " +
                     directory.directory_id.to_string() + "\n";
  }
  if (formatted->empty()) {
    result.output = "nothing to do: formatted already, for cluster " + options.cluster_id + "\n";
  }
  return result;
}

CommandResult run_topic_command(const TopicCommand& command) {
  auto servers = parse_bootstrap_servers(command.bootstrap_server);
  if (!servers) {
    return {.exit_code = tools::kExitWrongUsage,
            .output = {},
            .errors = "moldau: --bootstrap-server " + command.bootstrap_server + ": " + servers.error() + "\n"};
  }
  runtime::StreamLogger logger(STDERR_FILENO, runtime::LogFormat::kPlain, LogLevel::kWarn);
  runtime::AsioWorld world({.shards = 1, .workers = 1}, logger);
  const runtime::World view = world.view();
  std::promise<CommandResult> promise;
  auto result = promise.get_future();
  world.start();
  view.shard(0).post([&] {
    runtime::spawn(talk_to_broker(view, *std::move(servers), command),
                   [&promise](CommandResult done) { promise.set_value(std::move(done)); });
  });
  return result.get();
}

}  // namespace moldau::apps

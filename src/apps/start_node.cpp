#include "apps/start_node.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "apps/bootstrap_servers.h"
#include "apps/node_settings.h"
#include "apps/process_metrics.h"
#include "broker/node/listen_refusal.h"
#include "broker/node/node.h"
#include "http/server.h"
#include "runtime/asio/asio_world.h"
#include "tools/output/command_result.h"

namespace moldau::apps {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kStopLimit{5000};     // a clean stop, whole
constexpr milliseconds kNodePatience{4000};  // the node's part of it
constexpr milliseconds kSameSignal{500};     // a supervisor may signal the process and its group: that counts once

int refuse(const std::string& line) {
  fmt::print(stderr, "moldau start: {}\n", line);
  return tools::kExitRefused;
}

// A broker keeps a descriptor for each connection and each active segment; the soft limit is often 1024. Returns the
// limit in force.
std::size_t raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return INT32_MAX;
  }
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
    return raised.rlim_cur;
  }
  return limit.rlim_cur;
}

// The name that other machines know this one by, as Kafka takes it for a listener without a host. Asks the resolver, so
// only if a listener needs it.
void name_wildcards(broker::NodeConfig& config) {
  if (std::ranges::none_of(config.listeners, &broker::ListenerConfig::tells_wildcard)) {
    return;
  }
  const std::string name = canonical_host_name();
  for (broker::ListenerConfig& listener : config.listeners) {
    listener.wildcard_host = name;
  }
}

// A node with its world, its HTTP server and the signals that end it.
//
// Shard: made and run by the main thread; members marked (home) are touched on shard 0 while the world runs.
class NodeProcess {
 public:
  NodeProcess(const StartCommand& command, NodeSettings settings, steady_clock::time_point started)
      : started_(started),
        settings_(std::move(settings)),
        logger_(STDERR_FILENO, command.log_format, command.log_level),
        world_({.shards = static_cast<std::uint32_t>(settings_.config.shards)}, logger_) {}

  int run() {
    log(logger_, LogLevel::kInfo, "node", "moldau " MOLDAU_VERSION " (Apache Kafka 4.3), node {}, pid {}, data in {}",
        settings_.config.node_id.value(), ::getpid(), fmt::join(settings_.config.log_dirs, ", "));
    auto node =
        broker::Node::open(world_.view(), settings_.config,
                           {.format_if_empty = !settings_.directory_was_named, .log_levels = &logger_.levels()});
    if (!node) {
      return refuse(node.error());
    }
    node_ = *std::move(node);
    world_.on_stop_signal([this] { on_signal(); });
    world_.start();
    home().post([this] { start(); });
    world_.wait_for_stop_request();
    return stop();
  }

 private:
  [[nodiscard]] runtime::Shard& home() noexcept { return world_.view().shard(0); }

  void start() {
    if (start_http()) {
      node_->start({.on_ready = [this](const broker::ReadyInfo& info) { announce(info); },
                    .on_failed = [this](const std::string&) { fail(); },
                    .on_refused = [this](const std::string& line) { refuse_start(line); }});
    }
  }

  bool start_http() {
    const std::optional<runtime::Endpoint>& at = settings_.config.http;
    if (!at) {
      return true;
    }
    http_ = std::make_unique<http::Server>(home(), world_.view().network(0), logger_);
    http_->add("/livez", [](const http::HttpRequest&, http::Reply reply) { reply({.body = "ok\n"}); });
    http_->add("/readyz", [this](const http::HttpRequest& request, http::Reply reply) {
      std::string body = request.query == "verbose" ? conditions() : "";
      body += node_->ready() ? "ready\n" : "not ready\n";
      reply({.status = node_->ready() ? 200 : 503, .body = std::move(body)});
    });
    http_->add("/metrics", [this](const http::HttpRequest&, http::Reply reply) {
      node_->collect_metrics([this, reply = std::move(reply)](std::string text) mutable {
        text += process_metrics(started_at_);
        reply({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)});
      });
    });
    if (const Result<> listening = http_->start(*at); !listening) {
      http_.reset();
      refuse_start(fmt::format("moldau.http.listen {}: {}", text_of(*at), broker::listen_refusal(listening.error())));
      return false;
    }
    return true;
  }

  // One line for each thing that has to hold before the node is ready.
  [[nodiscard]] std::string conditions() const {
    std::string lines;
    for (const auto& [name, holds] : node_->readiness()) {
      lines += fmt::format("[{}] {}\n", holds ? '+' : '-', name);
    }
    return lines;
  }

  void announce(const broker::ReadyInfo& info) {
    std::string listeners;
    for (const auto& [name, at] : info.listeners) {
      const broker::ListenerConfig* listener = settings_.config.find_listener(name);
      if (listener == nullptr || (!listener->is_controller && listener->is_told)) {
        listeners += fmt::format("{}{}://{}", listeners.empty() ? "" : ",", name, text_of(at));
      }
    }
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started_);
    fmt::print(stdout, "moldau ready: {} cluster={} data={} {}in {} ms\n", listeners, info.cluster_id,
               std::filesystem::absolute(info.directory).lexically_normal().string(),
               http_ ? fmt::format("http=http://{} ", text_of(http_->local())) : "", took.count());
    std::fflush(stdout);
  }

  void on_signal() {
    const steady_clock::time_point now = steady_clock::now();
    if (stop_signalled_ && now - *stop_signalled_ < kSameSignal) {
      return;
    }
    if (stop_signalled_) {
      log(logger_, LogLevel::kWarn, "node", "a second signal: ending at once");
      std::_Exit(tools::kExitRefused);
    }
    stop_signalled_ = now;
    log(logger_, LogLevel::kInfo, "node", "stopping");
    world_.request_stop();
  }

  void fail() {
    failed_ = true;
    world_.request_stop();
  }

  // Before anything began.
  void refuse_start(const std::string& line) {
    refuse(line);
    refused_ = true;
    fail();
  }

  // On the main thread, which is the watchdog too: whatever hangs, the process ends in time.
  int stop() {
    const auto until = steady_clock::now() + kStopLimit;
    std::promise<bool> stopped;
    auto outcome = stopped.get_future();
    home().post([this, &stopped] {
      node_->stop(kNodePatience, [this, &stopped](bool clean) {
        http_.reset();
        stopped.set_value(clean && !failed_);
      });
    });
    if (outcome.wait_until(until) != std::future_status::ready) {
      end_late();
    }
    const bool clean = outcome.get();
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    if (!world_.stop(std::max(left, milliseconds(1)))) {
      end_late();
    }
    if (!refused_) {
      log(logger_, LogLevel::kInfo, "node", "stopped{}", clean ? "" : ", not cleanly");
    }
    return clean ? tools::kExitDone : tools::kExitRefused;
  }

  [[noreturn]] void end_late() {
    log(logger_, LogLevel::kError, "node",
        "the stop took longer than {} ms: ending without it; the next start recovers", kStopLimit.count());
    std::_Exit(tools::kExitRefused);
  }

  steady_clock::time_point started_;
  const std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();
  NodeSettings settings_;
  runtime::StreamLogger logger_;
  runtime::AsioWorld world_;
  std::unique_ptr<broker::Node> node_;                      // (home)
  std::unique_ptr<http::Server> http_;                      // (home)
  std::optional<steady_clock::time_point> stop_signalled_;  // (home)
  bool failed_ = false;                                     // (home)
  bool refused_ = false;                                    // (home)
};

}  // namespace

int start_node(const StartCommand& command, steady_clock::time_point started) {
  auto settings = read_node_settings(command.config);
  if (!settings) {
    return refuse(settings.error());
  }
  settings->config.descriptors_max = raise_open_files_limit();
  name_wildcards(settings->config);
  return NodeProcess(command, *std::move(settings), started).run();
}

}  // namespace moldau::apps

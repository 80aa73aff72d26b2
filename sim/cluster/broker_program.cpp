#include "sim/cluster/broker_program.h"

#include <utility>

#include "base/assert.h"
#include "broker/config/config_layers.h"

namespace moldau::sim {
namespace {

constexpr std::chrono::milliseconds kStopPatience{4000};

}  // namespace

broker::NodeConfig make_broker_config(const BrokerSettings& settings) {
  const std::string interval = std::to_string(settings.checkpoint_interval.count());
  broker::ConfigLayers layers;
  const std::string entries[] = {
      "node.id=1",
      "listeners=PLAINTEXT://:" + std::to_string(kBrokerPort) + ",CONTROLLER://:9093",
      "advertised.listeners=PLAINTEXT://" + settings.host + ":" + std::to_string(kBrokerPort) + ",CONTROLLER://" +
          settings.host + ":9093",
      "controller.listener.names=CONTROLLER",
      "log.dirs=" + settings.log_dirs,
      "auto.create.topics.enable=false",
      "broker.heartbeat.interval.ms=200",
      "broker.session.timeout.ms=2000",
      "replica.high.watermark.checkpoint.interval.ms=" + interval,
      "log.flush.offset.checkpoint.interval.ms=" + interval,
      "log.flush.start.offset.checkpoint.interval.ms=" + interval,
      "log.retention.check.interval.ms=300",
      "log.cleaner.backoff.ms=" + std::to_string(settings.cleaner_backoff.count()),
      std::string("log.cleaner.enable=") + (settings.cleaner ? "true" : "false"),
      "log.segment.delete.delay.ms=200",
      "moldau.http.listen=",
  };
  for (const std::string& entry : entries) {
    const auto fault = layers.add_setting(entry);
    MOLDAU_ASSERT(!fault);
  }
  if (!settings.metadata_log_dir.empty()) {
    const auto fault = layers.add_setting("metadata.log.dir=" + settings.metadata_log_dir);
    MOLDAU_ASSERT(!fault);
  }
  auto config = broker::make_node_config(layers);
  MOLDAU_ASSERT(config.has_value());
  // Below what an operator may set: a metadata log that rolls and is snapshotted within a short run.
  config->metadata_segment_bytes = settings.metadata_segment_bytes;
  config->snapshot_bytes_interval = settings.snapshot_bytes_interval;
  return *std::move(config);
}

BrokerProgram::BrokerProgram(runtime::World world, broker::NodeConfig config, Events events)
    : world_(world), events_(std::move(events)) {
  auto opened = broker::Node::open(world_, std::move(config), {.format_if_empty = true});
  if (!opened) {
    events_.on_failed(opened.error());
    return;
  }
  node_ = *std::move(opened);
  world_.shard(0).post([this] {
    node_->start({.on_ready = [this](const broker::ReadyInfo&) { events_.on_ready(); },
                  .on_failed = [this](const std::string& line) { events_.on_failed(line); }});
  });
}

BrokerProgram::~BrokerProgram() = default;

bool BrokerProgram::stop(Function<void(bool)> stopped) {
  if (!node_ || std::exchange(stopping_, true)) {
    return false;
  }
  world_.shard(0).post(
      [this, stopped = std::move(stopped)]() mutable { node_->stop(kStopPatience, std::move(stopped)); });
  return true;
}

}  // namespace moldau::sim

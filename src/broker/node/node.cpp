#include "broker/node/node.h"

#include <deque>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "broker/node/acceptor.h"
#include "broker/node/auto_creator.h"
#include "broker/node/broker_lifecycle.h"
#include "broker/node/controller_options.h"
#include "broker/node/listen_refusal.h"
#include "broker/node/live_config.h"
#include "broker/node/log_dir_link.h"
#include "broker/node/node_controller.h"
#include "broker/node/node_directories.h"
#include "broker/node/node_limits.h"
#include "broker/node/node_metrics.h"
#include "broker/node/raft_metadata_log.h"
#include "broker/node/registration_watch.h"
#include "broker/node/registrations.h"
#include "broker/node/replica_host.h"
#include "broker/node/shard_links.h"
#include "broker/node/shard_services.h"
#include "raft/driver/raft_client.h"

namespace moldau::broker {
namespace {

constexpr std::uint64_t kRandomSeedMix = 0x9E37'79B9'7F4A'7C15;
// How requests are given up: each step on every shard before the next on any.
constexpr void (ShardServices::* kDropSteps[])() = {&ShardServices::refuse_operations, &ShardServices::drop_operations,
                                                    &ShardServices::drop_handlers, &ShardServices::drop_connections};

}  // namespace

class Node::Impl final : public metadata::MetadataLoader::Listener {
 public:
  Impl(const runtime::World& world, NodeConfig config, NodeDirectories directories, runtime::LogLevels* log_levels);
  ~Impl() override;

  void start(Events events);
  void stop(std::chrono::milliseconds patience, Function<void(bool)> stopped);
  void collect_metrics(Function<void(std::string)> done);

  [[nodiscard]] bool ready() const noexcept { return ready_ && !failed_; }
  [[nodiscard]] std::vector<Condition> readiness() const;
  [[nodiscard]] const NodeConfig& config() const noexcept { return config_; }

 private:
  // What one shard has, beside what ShardServices owns.
  struct PerShard {
    std::unique_ptr<ControllerLink> controller;
    std::unique_ptr<AutoCreator> auto_creator;
    std::unique_ptr<HomeDirectoryLink> directory;
    std::unique_ptr<LogDirLink> log_dirs;
    std::unique_ptr<ShardServices> services;
    std::unique_ptr<ShardPublisher> publisher;

    // One of kDropSteps, and whoever waits for the controller.
    void drop(std::size_t step) {
      if (services) {
        (*services.*kDropSteps[step])();
        controller->forget();
      }
    }
  };

  runtime::Shard& home() const noexcept { return world_.shard(0); }
  void fail(const std::string& line);
  void refuse(const std::string& line);
  // Runs `each(i)` on every shard, then `done` here.
  void on_every_shard(Function<void(std::size_t)> each, Callback done);
  [[nodiscard]] bool bind_listeners();
  void make_shards();
  void start_metadata();
  void on_leading();
  void on_registered(BrokerEpoch epoch);
  void serve();
  void on_committed(Offset end) override { shell_->on_committed(end); }
  void on_config_changed(const NodeConfig& now);
  void on_fault(const Error& error) override { fail("the metadata log cannot be read on: " + error.message()); }

  void drain_connections(std::chrono::milliseconds patience, Callback drained);
  void drop_step(std::size_t step, Callback dropped);
  void drop_requests(Callback dropped);
  void close_replicas();
  void close_logs();
  void retire_controller();
  void close_metadata(bool clean);
  void destroy_shards(bool clean);

  runtime::World world_;
  runtime::LogLevels* log_levels_;
  NodeConfig config_;
  NodeDirectories directories_;
  TopicConfigs topic_configs_;
  BrokerConfigs broker_configs_;
  LiveConfig live_config_;
  ClusterIdentity identity_;
  storage::SharedRandom random_;
  Events events_;
  NodeLimits limits_;
  RegistrationWatch registration_watch_;
  std::deque<Acceptor> acceptors_;
  ControllerTarget target_;  // read on the home shard
  std::vector<PerShard> shards_;
  std::unique_ptr<PartitionHome> partition_home_;
  std::unique_ptr<ReplicaHost> replicas_;
  std::unique_ptr<metadata::MetadataLoader> loader_;
  std::unique_ptr<raft::RaftClient> raft_;
  std::unique_ptr<RaftMetadataLog> metadata_log_;
  std::unique_ptr<metadata::ControllerShell> shell_;
  std::unique_ptr<ProducerIdSource> producer_ids_;
  std::unique_ptr<BrokerLifecycle> lifecycle_;
  Uuid incarnation_;
  std::optional<BrokerEpoch> previous_registration_;
  bool ready_ = false;
  bool failed_ = false;
  bool stopping_ = false;
  std::unique_ptr<runtime::Timer> patience_;
  Function<void(bool)> stopped_;
};

Node::Impl::Impl(const runtime::World& world, NodeConfig config, NodeDirectories directories,
                 runtime::LogLevels* log_levels)
    : world_(world),
      log_levels_(log_levels),
      config_(std::move(config)),
      directories_(std::move(directories)),
      topic_configs_(config_),
      broker_configs_(config_),
      live_config_(broker_configs_, world.logger, [this](const NodeConfig& now) { on_config_changed(now); }),
      identity_{.cluster_id = directories_.cluster_id, .auto_create_topics = config_.auto_create_topics},
      random_(world.random.next() ^ kRandomSeedMix),
      limits_(world.shard(0), config_),
      registration_watch_(config_.node_id, lifecycle_),
      shards_(world.shard_count()) {}

Node::Impl::~Impl() {
  // What a crash does: requests first, then what they stand on.
  patience_.reset();
  retire_controller();
  if (partition_home_) {
    partition_home_->close();
  }
  for (std::size_t step = 0; step < std::size(kDropSteps); ++step) {
    for (PerShard& shard : shards_) {
      shard.drop(step);
    }
  }
  replicas_.reset();
  shell_.reset();
  metadata_log_.reset();
  raft_.reset();
  loader_.reset();
  partition_home_.reset();
  for (PerShard& shard : shards_) {
    shard = PerShard();
  }
}

void Node::Impl::fail(const std::string& line) {
  if (!std::exchange(failed_, true)) {
    log(world_.logger, LogLevel::kError, "node", "{}", line);
    if (events_.on_failed) {
      events_.on_failed(line);
    }
  }
}

void Node::Impl::refuse(const std::string& line) {
  if (!events_.on_refused) {
    return fail(line);
  }
  failed_ = true;
  events_.on_refused(line);
}

void Node::Impl::on_every_shard(Function<void(std::size_t)> each, Callback done) {
  struct Round {
    Function<void(std::size_t)> each;
    Callback done;
    std::size_t left;
  };
  auto round = std::make_shared<Round>(Round{std::move(each), std::move(done), world_.shard_count()});
  for (std::size_t i = 0; i < world_.shard_count(); ++i) {
    world_.shard(i).post([this, round, i]() mutable {
      round->each(i);
      home().post([round = std::move(round)] {
        if (--round->left == 0) {
          round->done();
        }
      });
    });
  }
}

void Node::Impl::start(Events events) {
  events_ = std::move(events);
  for (const std::string& warning : config_.warnings) {
    log(world_.logger, LogLevel::kWarn, "config", "{}", warning);
  }
  if (!bind_listeners()) {
    return;
  }
  make_shards();
}

// What of a running node's configuration may change, beside what topics have.
void Node::Impl::on_config_changed(const NodeConfig& now) {
  config_.recovery_threads = now.recovery_threads;  // read on the home shard, by the next load
  limits_.set(now, acceptors_);
}

bool Node::Impl::bind_listeners() {
  for (const ListenerConfig& listener : config_.listeners) {
    Acceptor& acceptor =
        acceptors_.emplace_back(listener, limits_.connections_of(listener), limits_.shares().waiting, world_.logger);
    if (const Result<> bound = acceptor.bind(world_.network(0), listen_options(config_)); !bound) {
      refuse("listener " + listener.name + " on " + listener.bind.host + ":" + std::to_string(listener.bind.port) +
             ": " + listen_refusal(bound.error()));
      return false;
    }
  }
  return true;
}

void Node::Impl::make_shards() {
  target_.home = &home();
  on_every_shard(
      [this](std::size_t i) {
        PerShard& shard = shards_[i];
        shard.controller = std::make_unique<ControllerLink>(world_.shard(i), target_, home());
        shard.auto_creator = std::make_unique<AutoCreator>(*shard.controller, world_.logger);
        shard.directory = std::make_unique<HomeDirectoryLink>(world_.shard(i), home(), replicas_);
        shard.log_dirs = std::make_unique<LogDirLink>(world_.shard(i), home(), replicas_);
        shard.services = std::make_unique<ShardServices>(ShardServices::Environment{.world = world_,
                                                                                    .shard = i,
                                                                                    .config = config_,
                                                                                    .topic_configs = topic_configs_,
                                                                                    .broker_configs = broker_configs_,
                                                                                    .identity = identity_,
                                                                                    .directory = *shard.directory,
                                                                                    .log_dirs = *shard.log_dirs,
                                                                                    .controller = *shard.controller,
                                                                                    .auto_creator = *shard.auto_creator,
                                                                                    .log_levels = log_levels_});
        shard.publisher = std::make_unique<ShardPublisher>(shard.services->router(), shard.services->accounts());
      },
      [this] {
        if (stopping_) {
          return;
        }
        std::vector<PartitionRouter*> routers;
        std::vector<ShardServices*> all;
        for (PerShard& shard : shards_) {
          routers.push_back(&shard.services->router());
          all.push_back(shard.services.get());
        }
        partition_home_ = std::make_unique<PartitionHome>(home(), routers);
        replicas_ = std::make_unique<ReplicaHost>(
            ReplicaHost::Environment{.world = world_,
                                     .config = config_,
                                     .topic_configs = topic_configs_,
                                     .directories = directories_.of_logs(),
                                     .lost = directories_.lost,
                                     .metadata = directories_.metadata,
                                     .random = random_,
                                     .home = *partition_home_,
                                     .routers = routers},
            ReplicaHost::Events{.on_fatal = [this](const std::string& line) { fail(line); },
                                .on_directories_lost =
                                    [this](std::vector<Uuid> ids) {
                                      if (lifecycle_) {
                                        lifecycle_->on_directories_lost(std::move(ids));
                                      }
                                    },
                                .on_cordoned =
                                    [this](std::vector<Uuid> ids) {
                                      if (lifecycle_) {
                                        lifecycle_->on_cordoned(std::move(ids));
                                      }
                                    }});
        on_every_shard([this, all](std::size_t i) { shards_[i].services->wire(all, *partition_home_, home()); },
                       [this] {
                         if (!stopping_) {
                           start_metadata();
                         }
                       });
      });
}

void Node::Impl::start_metadata() {
  MOLDAU_ASSERT(!stopping_);
  loader_ = std::make_unique<metadata::MetadataLoader>(home(), world_.logger, *this);
  incarnation_ = home().random().uuid();

  Registrations registrations = make_registrations(config_, directories_, acceptors_, incarnation_);
  auto opened = directories_.open_raft(world_, shards_[0].services->sync(), config_,
                                       std::move(registrations.controller_endpoints));
  if (!opened) {
    return fail(opened.error());
  }
  raft_ = *std::move(opened);
  // Only now: a start that is refused, for its address or metadata, leaves the mark of the last clean stop as it was.
  if (const auto claimed = directories_.claim(); !claimed) {
    return fail(claimed.error());
  }
  identity_.kraft_version = raft_->quorum().voters().kraft_version();
  metadata_log_ = std::make_unique<RaftMetadataLog>(
      config_.node_id, *raft_, *loader_,
      RaftMetadataLog::Events{
          .on_leading = [this] { on_leading(); },
          .on_failed = [this](const Error& error) { fail("the metadata log failed: " + error.message()); }});
  shell_ = std::make_unique<metadata::ControllerShell>(
      home(), *metadata_log_, *loader_, topic_configs_, world_.logger,
      metadata::ControllerShell::Options{.controller = controller_options(config_, identity_),
                                         .self = std::move(registrations.controller),
                                         .bootstrap = directories_.bootstrap,
                                         .max_idle_interval = config_.metadata_idle_interval});
  metadata_log_->wire(*shell_);
  loader_->snapshot_through(*metadata_log_);
  // The home hosts new partitions before any shard is asked for them: it is told first.
  loader_->add_publisher(home(), live_config_);
  loader_->add_publisher(home(), *replicas_);
  loader_->add_publisher(home(), limits_);
  loader_->add_publisher(home(), registration_watch_);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    loader_->add_publisher(world_.shard(i), *shards_[i].publisher);
  }
  producer_ids_ = std::make_unique<ProducerIdSource>(*shell_, config_.node_id);
  target_.shell = shell_.get();
  target_.producer_ids = producer_ids_.get();
  target_.raft = raft_.get();
  target_.mutations = &limits_.mutations();
  lifecycle_ = std::make_unique<BrokerLifecycle>(
      home(), world_.logger, *shell_, *loader_,
      BrokerLifecycle::Options{.registration = std::move(registrations.broker),
                               .heartbeat_interval = config_.heartbeat_interval},
      BrokerLifecycle::Events{.on_registered = [this](BrokerEpoch epoch) { on_registered(epoch); },
                              .on_running = [this] { serve(); },
                              .on_refused =
                                  [this](const metadata::ApiError& error) {
                                    fail("the controller refused the registration: " + error.message);
                                  }});
  raft_->start(*metadata_log_);
}

void Node::Impl::on_leading() {
  if (previous_registration_) {
    return;
  }
  const metadata::BrokerRegistration* self = loader_->committed_image()->broker(config_.node_id);
  previous_registration_ = self == nullptr ? kNoBrokerEpoch : self->epoch();
  replicas_->inherit(self, incarnation_, [this] {
    if (lifecycle_) {
      lifecycle_->on_controller_active();
    }
  });
}

void Node::Impl::on_registered(BrokerEpoch epoch) {
  producer_ids_->set_broker_epoch(epoch);
  // Posted behind the image that holds the registration, so that the host decides by what is in force.
  home().post([this, epoch] {
    if (stopping_ || failed_) {
      return;
    }
    replicas_->open_assignments([this, epoch](DirectoryAssigner::Assignments assignments,
                                              Function<void(const DirectoryAssigner::Answer&)> answer) {
      shell_->assign_replicas_to_dirs(
          {.broker = config_.node_id, .epoch = epoch, .assignments = std::move(assignments)},
          [answer = std::move(answer)](const DirectoryAssigner::Answer& answered) mutable { answer(answered); });
    });
    replicas_->load(epoch, [this] {
      if (lifecycle_) {
        lifecycle_->ready();
      }
    });
  });
}

void Node::Impl::serve() {
  if (stopping_) {
    return;
  }
  std::vector<ConnectionTable*> brokers;
  std::vector<ConnectionTable*> controllers;
  for (PerShard& shard : shards_) {
    brokers.push_back(&shard.services->broker_connections());
    controllers.push_back(&shard.services->controller_connections());
  }
  ReadyInfo info{.cluster_id = identity_.cluster_id, .directory = directories_.metadata->path(), .listeners = {}};
  for (Acceptor& acceptor : acceptors_) {
    info.listeners.emplace_back(acceptor.config().name, acceptor.advertised());
    acceptor.open(acceptor.config().is_controller ? controllers : brokers);
  }
  ready_ = true;
  events_.on_ready(info);
}

void Node::Impl::stop(std::chrono::milliseconds patience, Function<void(bool)> stopped) {
  MOLDAU_ASSERT(!stopping_);
  stopping_ = true;
  ready_ = false;
  stopped_ = std::move(stopped);
  for (Acceptor& acceptor : acceptors_) {
    acceptor.close();
  }
  if (!lifecycle_ || failed_) {
    return destroy_shards(false);
  }
  lifecycle_->leave(patience / 4, [this, patience] {
    drain_connections(patience / 4, [this] { drop_requests([this] { close_replicas(); }); });
  });
}

void Node::Impl::drain_connections(std::chrono::milliseconds patience, Callback drained) {
  auto left = std::make_shared<std::size_t>(shards_.size());
  auto done = std::make_shared<Callback>(std::move(drained));
  patience_ = std::make_unique<runtime::Timer>(home().timers(), [this] {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      world_.shard(i).post([this, i] {
        shards_[i].services->broker_connections().cut_off();
        shards_[i].services->controller_connections().cut_off();
      });
    }
  });
  patience_->arm(home().clock().now() + patience);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    world_.shard(i).post([this, i, left, done] {
      shards_[i].services->drain([this, left, done] {
        home().post([this, left, done] {
          if (--*left == 0) {
            patience_.reset();
            (*done)();
          }
        });
      });
    });
  }
}

void Node::Impl::drop_requests(Callback dropped) {
  if (partition_home_) {
    partition_home_->close();
  }
  drop_step(0, std::move(dropped));
}

void Node::Impl::drop_step(std::size_t step, Callback dropped) {
  if (step == std::size(kDropSteps)) {
    return dropped();
  }
  on_every_shard([this, step](std::size_t i) { shards_[i].drop(step); },
                 [this, step, dropped = std::move(dropped)]() mutable { drop_step(step + 1, std::move(dropped)); });
}

void Node::Impl::close_replicas() {
  // A log closes cleanly only when no sync of it is in flight.
  auto left = std::make_shared<std::size_t>(shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    world_.shard(i).post([this, i, left] {
      shards_[i].services->sync().close([this, left] {
        home().post([this, left] {
          if (--*left == 0) {
            close_logs();
          }
        });
      });
    });
  }
}

void Node::Impl::close_logs() {
  replicas_->stop([this](const Result<>& closed) {
    if (!closed) {
      log(world_.logger, LogLevel::kError, "storage", "the stop is not clean: {}", closed.error().message());
    }
    close_metadata(closed.has_value());
  });
}

// The shell refuses what waits before those who wait go.
void Node::Impl::retire_controller() {
  if (std::exchange(target_.shell, nullptr) != nullptr) {
    shell_->stop();
  }
  lifecycle_.reset();
}

void Node::Impl::close_metadata(bool clean) {
  retire_controller();
  raft_->close([this, clean] { home().post([this, clean] { destroy_shards(clean); }); });
}

void Node::Impl::destroy_shards(bool clean) {
  retire_controller();
  drop_requests([this, clean] {
    replicas_.reset();
    target_ = ControllerTarget();
    producer_ids_.reset();
    shell_.reset();
    metadata_log_.reset();
    raft_.reset();
    loader_.reset();
    on_every_shard([this](std::size_t i) { shards_[i] = PerShard(); },
                   [this, clean] {
                     partition_home_.reset();
                     stopped_(clean);
                   });
  });
}

std::vector<Node::Condition> Node::Impl::readiness() const {
  return {
      {"the metadata log is read and its controller active", previous_registration_.has_value()},
      {"the partition logs are open, or recover for long", replicas_ && replicas_->serving()},
      {"the broker is unfenced", lifecycle_ && lifecycle_->running()},
      {"nothing has failed", !failed_},
      {"every partition log is open (does not keep the node from being ready)" +
           (replicas_ ? replicas_->directories().load_progress() : std::string()),
       replicas_ && replicas_->loaded()},
      {"every log directory works (does not keep the node from being ready)",
       !replicas_ || !replicas_->directories().any_lost()},
      {"no partition is damaged (does not keep the node from being ready)", !replicas_ || replicas_->damaged() == 0},
      {"clients are served", ready_}};
}

void Node::Impl::collect_metrics(Function<void(std::string)> done) {
  struct Gathering {
    std::vector<ShardMetrics> shards;
    Function<void(std::string)> done;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->shards.resize(shards_.size());
  gathering->done = std::move(done);
  on_every_shard(
      [this, gathering](std::size_t i) {
        if (shards_[i].services) {
          gathering->shards[i] = read_metrics(*shards_[i].services);  // its own slot: no two shards share one
        }
      },
      [this, gathering] {
        ShardServices* services = shards_.empty() ? nullptr : shards_.front().services.get();
        const NodeMetrics node = read_metrics({.ready = ready(),
                                               .stopping = stopping_,
                                               .self = config_.node_id,
                                               .acceptors = acceptors_,
                                               .replicas = replicas_.get(),
                                               .home = partition_home_.get(),
                                               .raft = raft_.get(),
                                               .image = services ? services->router().image().get() : nullptr,
                                               .configs = topic_configs_});
        gathering->done(render_metrics(node, gathering->shards));
      });
}

std::expected<std::unique_ptr<Node>, std::string> Node::open(const runtime::World& world, NodeConfig config,
                                                             const OpenOptions& options) {
  auto directories = open_node_directories(world, config, options.format_if_empty);
  if (!directories) {
    return std::unexpected(directories.error());
  }
  return std::unique_ptr<Node>(
      new Node(std::make_unique<Impl>(world, std::move(config), *std::move(directories), options.log_levels)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;
void Node::start(Events events) {
  impl_->start(std::move(events));
}
void Node::stop(std::chrono::milliseconds patience, Function<void(bool)> stopped) {
  impl_->stop(patience, std::move(stopped));
}
bool Node::ready() const noexcept {
  return impl_->ready();
}
std::vector<Node::Condition> Node::readiness() const {
  return impl_->readiness();
}
const NodeConfig& Node::config() const noexcept {
  return impl_->config();
}
void Node::collect_metrics(Function<void(std::string)> done) {
  impl_->collect_metrics(std::move(done));
}

}  // namespace moldau::broker

#include "sim/apps/run.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "runtime/fs.h"
#include "sim/checker/history.h"
#include "sim/checker/stored_log.h"
#include "sim/workload/churner.h"
#include "sim/workload/poller.h"
#include "sim/workload/producer.h"
#include "sim/workload/reader.h"
#include "sim/workload/shrinker.h"
#include "sim/workload/upserter.h"

namespace moldau::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds kScheduleLimit = 120s;  // virtual
constexpr std::chrono::seconds kDrainLimit = 60s;
constexpr std::chrono::seconds kReadLimit = 60s;
constexpr std::chrono::seconds kStopLimit = 10s;
constexpr milliseconds kRestMax = 1500ms;  // of undisturbed work in the last life

ReaderOptions draw_reader(SimRandom& random) {
  const std::uint64_t segment_bytes = 2048ULL << random.between(0, 4);
  return {.topic_configs = {{"internal.segment.bytes", std::to_string(segment_bytes)},
                            {"index.interval.bytes", std::to_string(random.between(0, 3) * 200)},
                            {"segment.index.bytes", std::to_string(random.between(4, 200) * 12)},
                            {"max.message.bytes", "2048"}},
          .delete_ppm = random.chance(400'000) ? 20'000U : 0U};
}

UpserterOptions draw_upserter(SimRandom& random) {
  constexpr std::int64_t kTombstoneMs[] = {0, 300, 1500, 60'000};
  constexpr std::int64_t kLagMs[] = {0, 0, 200, 1000};
  return {.rules = {.delete_retention_ms = kTombstoneMs[random.below(std::size(kTombstoneMs))],
                    .min_compaction_lag_ms = kLagMs[random.below(std::size(kLagMs))],
                    .idempotent = random.chance(500'000)},
          .keys = static_cast<std::uint32_t>(random.between(2, 24)),
          .segment_bytes = static_cast<std::uint32_t>(random.between(1600, 6000)),
          .dirty_ratio_percent = static_cast<std::uint32_t>(random.between(0, 50)),
          .acks_leader_ppm = random.chance(500'000) ? 950'000U : 500'000U,
          .pause_max_us = 1000ULL << random.between(0, 4)};
}

ShrinkerOptions draw_shrinker(SimRandom& random) {
  ShrinkerOptions options;
  options.segment_bytes = static_cast<std::uint32_t>(random.between(1200, 4000));
  if (random.chance(500'000)) {
    options.rules.retention_ms = static_cast<std::int64_t>(random.between(100, 2500));
  }
  if (options.rules.retention_ms < 0 || random.chance(200'000)) {
    options.rules.retention_bytes = static_cast<std::int64_t>(random.between(1, 5) * options.segment_bytes);
  }
  options.delete_ppm = random.chance(500'000) ? 30'000U : 0U;
  options.pause_max_us = 2000ULL << random.between(0, 4);
  return options;
}

// The broker and its clients, wired.
class Bench {
 public:
  explicit Bench(std::uint64_t seed)
      : sim_({.seed = seed}),
        random_(sim_.random().fork()),
        history_(static_cast<std::uint32_t>(random_.between(1, 3))),
        workload_{
            .history = history_,
            .broker = {SimNet::host_of(0), kBrokerPort},
            .era = [this] { return era(); },
            .alive = [this](const Era& seen) { return schedule_->alive(seen.life) && !schedule_->has_bad_disk(); }} {
    draw_network();
    CrashScheduleOptions crashes;
    crashes.lives = static_cast<std::uint32_t>(random_.between(2, 7));
    crashes.power_cuts = random_.chance(850'000);
    crashes.disk_call_max = 20ULL << random_.between(0, 6);
    crashes.sync_error_ppm = random_.chance(300'000) ? 5000U << random_.between(0, 4) : 0;
    crashes.disk_model = random_.chance(300'000) ? CrashModel::kOrdered : CrashModel::kAnything;
    if (random_.chance(350'000)) {
      crashes.log_dirs = {"/data", "/data2"};
      crashes.directories_fail = random_.chance(700'000);
    }
    log_dirs_ = crashes.log_dirs;
    schedule_ =
        std::make_unique<CrashSchedule>(sim_, crashes, [this](const std::string& line) { history_.fault(line); });
    sim_.sync_delay(schedule_->node()).max = microseconds(600ULL << (2 * random_.between(0, 3)));
    add_reader();
    const std::uint64_t producers = random_.between(2, 4);
    for (std::uint32_t i = 0; i < producers; ++i) {
      add_producer(i);
    }
    if (random_.chance(500'000)) {
      add_poller();
    }
    if (random_.chance(400'000)) {
      add_topic_client<Churner>();
    }
    if (random_.chance(400'000)) {
      add_topic_client<Upserter>(draw_upserter(random_));
    }
    if (random_.chance(300'000)) {
      add_topic_client<Shrinker>(draw_shrinker(random_));
    }
  }

  void run() {
    if (!sim_.run_until([this] { return faulty() || schedule_->finished(); }, kScheduleLimit)) {
      history_.fault("the schedule of crashes did not end in time");
    }
    sim_.run_for(milliseconds(random_.between(0, static_cast<std::uint64_t>(kRestMax.count()))));
    sim_.net().faults().reset_ppm = 0;
    workload_.producing = false;
    if (!faulty() && !sim_.run_until([this] { return faulty() || drained(); }, kDrainLimit)) {
      history_.fault("L1: a batch is not acknowledged although broker and network are well");
    }
    if (poller_) {
      poller().finish();
      if (!sim_.run_until([this] { return poller().finished(); }, kReadLimit) && !faulty()) {
        history_.fault("L1: a session of polls does not come to the end of the log");
      }
    }
    reader().read_whole();
    for (const std::uint32_t node : topic_clients_) {
      topic_client(node).finish();
    }
    if (!sim_.run_until([this] { return all_read(); }, kReadLimit) && !faulty()) {
      history_.fault(fmt::format("L1: {} cannot be read to its end although broker and network are well", unread()));
    }
    if (all_read()) {
      look_at_the_disk();
    }
  }

  [[nodiscard]] RunResult result() {
    RunResult result{.faults = history_.faults(),
                     .trace_hash = sim_.trace().hash(),
                     .events = sim_.trace().events(),
                     .crashes = schedule_->counts(),
                     .logs = {}};
    for (std::uint32_t i = 0; i < history_.partitions(); ++i) {
      result.records +=
          static_cast<std::uint64_t>(history_.partition(i).whole_end() - history_.partition(i).whole_start());
      result.acked += history_.partition(i).acked();
    }
    result.virtual_seconds = std::chrono::duration<double>(sim_.now() - started_).count();
    if (faulty()) {
      result.logs = sim_.logs().dump();
    }
    return result;
  }

  [[nodiscard]] Simulation& sim() noexcept { return sim_; }

 private:
  void draw_network() {
    NetFaults& faults = sim_.net().faults();
    faults.reset_ppm = random_.chance(300'000) ? static_cast<std::uint32_t>(random_.between(100, 10'000)) : 0;
    faults.delay_max = microseconds(random_.between(60, 5000));
  }

  void look_at_the_disk() {
    schedule_->retire();
    if (!sim_.run_until([this] { return schedule_->retired(); }, kStopLimit)) {
      return history_.fault("L1: a clean stop does not end");
    }
    const auto fs = sim_.disk(schedule_->node()).mount();
    PartitionHistory::Report report([this](std::string line) { history_.fault(std::move(line)); });
    for (std::uint32_t i = 0; i < history_.partitions(); ++i) {
      const PartitionHistory& whole = history_.partition(i);
      check_stored_log(*fs, directory_of(*fs, fmt::format("{}-{}", kTopic, i)),
                       {.start = whole.whole_start(), .end = whole.whole_end()}, report);
    }
    for (const std::uint32_t node : topic_clients_) {
      const TopicClient& client = topic_client(node);
      check_stored_log(*fs, directory_of(*fs, fmt::format("{}-0", client.topic())), client.read_range(), report);
    }
  }

  [[nodiscard]] std::string directory_of(runtime::FileSystem& fs, const std::string& partition) {
    std::vector<std::string> found;
    for (const std::string& directory : log_dirs_) {
      const std::string path = runtime::join_path(directory, partition);
      if (const auto there = fs.exists(path); there && *there) {
        found.push_back(path);
      }
    }
    if (found.size() != 1) {
      history_.fault(fmt::format("{} is in {} log directories", partition, found.size()));
      return runtime::join_path(log_dirs_.front(), partition);
    }
    return found.front();
  }

  void add_reader() {
    ReaderOptions options = draw_reader(random_);
    reader_ = sim_.add_node({.shards = 1}, [this, options, random = random_.fork()](runtime::World world) mutable {
      return std::make_unique<Reader>(world, workload_, random.fork(), options);
    });
    sim_.start(reader_);
  }

  void add_producer(std::uint32_t number) {
    ProducerOptions options;
    options.number = number;
    options.idempotent = number == 0 || random_.chance(500'000);
    options.synced = options.idempotent || random_.chance(400'000);
    options.records_max = static_cast<std::uint32_t>(random_.between(1, 5));
    options.pause_max_us = static_cast<std::uint32_t>(2000ULL << random_.between(0, 5));
    const std::uint32_t node =
        sim_.add_node({.shards = 1}, [this, options, random = random_.fork()](runtime::World world) mutable {
          return std::make_unique<Producer>(world, workload_, random.fork(), options);
        });
    producers_.push_back(node);
    sim_.start(node);
  }

  void add_poller() {
    poller_ = sim_.add_node({.shards = 1}, [this, random = random_.fork()](runtime::World world) mutable {
      return std::make_unique<Poller>(world, workload_, random.fork());
    });
    sim_.start(*poller_);
  }

  template <class Made, class... Options>
  void add_topic_client(const Options&... options) {
    topic_clients_.push_back(
        sim_.add_node({.shards = 1}, [this, options..., random = random_.fork()](runtime::World world) mutable {
          return std::make_unique<Made>(world, workload_, random.fork(), options...);
        }));
    sim_.start(topic_clients_.back());
  }

  [[nodiscard]] Era era() const { return {.life = schedule_->life(), .power_cuts = schedule_->power_cuts()}; }
  [[nodiscard]] bool faulty() const noexcept { return !history_.faults().empty(); }
  [[nodiscard]] Reader& reader() const { return dynamic_cast<Reader&>(*sim_.program(reader_)); }
  [[nodiscard]] Poller& poller() const { return dynamic_cast<Poller&>(*sim_.program(*poller_)); }
  [[nodiscard]] TopicClient& topic_client(std::uint32_t node) const {
    return dynamic_cast<TopicClient&>(*sim_.program(node));
  }
  [[nodiscard]] std::string unread() const {
    for (const std::uint32_t node : topic_clients_) {
      if (!topic_client(node).finished()) {
        return std::string(topic_client(node).topic());
      }
    }
    return std::string(kTopic);
  }
  [[nodiscard]] bool all_read() const {
    return reader().finished() &&
           std::ranges::all_of(topic_clients_, [this](std::uint32_t node) { return topic_client(node).finished(); });
  }
  [[nodiscard]] bool drained() const {
    return reader().topic_made() && std::all_of(producers_.begin(), producers_.end(), [this](std::uint32_t node) {
             return dynamic_cast<Producer&>(*sim_.program(node)).drained();
           });
  }

  Simulation sim_;
  runtime::MonoTime started_ = sim_.now();
  SimRandom random_;
  History history_;
  Workload workload_;
  std::unique_ptr<CrashSchedule> schedule_;
  std::uint32_t reader_ = 0;
  std::vector<std::uint32_t> producers_;
  std::optional<std::uint32_t> poller_;
  std::vector<std::uint32_t> topic_clients_;
  std::vector<std::string> log_dirs_;
};

}  // namespace

RunResult run(RunOptions options) {
  auto bench = std::make_unique<Bench>(options.seed);
  if (options.trace_sink) {
    bench->sim().trace().print_to(std::move(options.trace_sink));
  }
  if (options.on_logs_ready) {
    options.on_logs_ready([&bench] { return bench->sim().logs().dump(); });
  }
  bench->run();
  return bench->result();
}

}  // namespace moldau::sim

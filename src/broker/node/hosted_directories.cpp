#include "broker/node/hosted_directories.h"

#include <algorithm>
#include <chrono>

#include "config_schema/config_value.h"
#include "storage/directory/open_directories.h"

namespace moldau::broker {
namespace {

constexpr std::chrono::seconds kProgressInterval{5};  // of lines about a load
constexpr std::size_t kLoadsMax = 12;                 // logs opened at a time by all: workers are left for syncs

}  // namespace

HostedDirectories::HostedDirectories(const Environment& environment, storage::MarkSource& marks,
                                     runtime::Workers& workers, Function<void(HostedDirectory&, const Error&)> failed)
    : world_(environment.world),
      config_(environment.config),
      lost_(environment.lost),
      failed_(std::move(failed)),
      progress_timer_(world_.shard(0).timers(), [this] { tell_progress(); }),
      alive_(std::make_shared<HostedDirectories*>(this)) {
  for (storage::LogDirectory* directory : environment.directories) {
    HostedDirectory* hosted = all_.emplace_back(std::make_unique<HostedDirectory>(*directory, marks, environment.world,
                                                                                  workers, environment.config))
                                  .get();
    directory->on_failure([alive = alive_, hosted](storage::LogDirectory&, const Error& error) {
      if (HostedDirectories* self = *alive) {
        self->failed_(*hosted, error);
      }
    });
  }
}

HostedDirectories::~HostedDirectories() {
  *alive_ = nullptr;
}

std::size_t HostedDirectories::online() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [](const auto& directory) { return directory->online(); }));
}

HostedDirectory* HostedDirectories::holder_of(std::string_view partition_path) const noexcept {
  const auto found =
      std::ranges::find_if(all_, [&](const auto& directory) { return directory->directory().holds(partition_path); });
  return found == all_.end() ? nullptr : found->get();
}

HostedDirectory* HostedDirectories::online_by_id(const Uuid& id) const noexcept {
  const auto found = std::ranges::find_if(
      all_, [&](const auto& directory) { return directory->online() && directory->directory().id() == id; });
  return found == all_.end() ? nullptr : found->get();
}

HostedDirectory* HostedDirectories::by_path(std::string_view path) const noexcept {
  const auto found =
      std::ranges::find_if(all_, [&](const auto& directory) { return directory->directory().path() == path; });
  return found == all_.end() ? nullptr : found->get();
}

HostedDirectory* HostedDirectories::emptiest() const noexcept {
  HostedDirectory* best = nullptr;
  for (const auto& directory : all_) {
    const auto rank = [](const HostedDirectory& one) { return std::pair(one.cordoned, one.partitions); };
    if (directory->online() && (best == nullptr || rank(*directory) < rank(*best))) {
      best = directory.get();
    }
  }
  return best;
}

void HostedDirectories::cordon(std::string_view paths) {
  const std::vector<std::string_view> named = config::parse_list(paths);
  for (const auto& directory : all_) {
    directory->cordoned = std::ranges::any_of(named, [&](std::string_view path) {
      return path == "*" || storage::plain_path(path) == directory->directory().path();
    });
  }
}

std::vector<Uuid> HostedDirectories::cordoned() const {
  std::vector<Uuid> ids;
  for (const auto& directory : all_) {
    if (directory->cordoned) {
      ids.push_back(directory->directory().id());
    }
  }
  return ids;
}

void HostedDirectories::on_each(Function<void(HostedDirectory&, Callback)> each, Callback done) {
  struct Round {
    Callback done;
    std::size_t left;
  };
  // This function holds one place itself: nothing ends before all were asked.
  auto round = std::make_shared<Round>(Round{std::move(done), all_.size() + 1});
  const auto count_down = [round] {
    if (--round->left == 0) {
      round->done();
    }
  };
  for (const auto& directory : all_) {
    each(*directory, count_down);
  }
  count_down();
}

void HostedDirectories::inherit(const metadata::BrokerRegistration* newest, const Uuid& incarnation, Callback done) {
  on_each([&](HostedDirectory& directory,
              Callback inherited) { directory.inherit(newest, incarnation, std::move(inherited)); },
          std::move(done));
}

void HostedDirectories::load(storage::LogEnvironment logs, Loads& loads, Callback done) {
  loading_ = true;
  progress_timer_.arm(world_.shard(0).clock().now() + kProgressInterval);
  const std::size_t width = std::clamp(kLoadsMax / std::max(all_.size(), std::size_t{1}), std::size_t{1},
                                       static_cast<std::size_t>(config_.recovery_threads));
  on_each(
      [&](HostedDirectory& directory, Callback one) {
        const auto tell = [alive = alive_, &loads, &directory](auto told) {
          return [alive, &loads, &directory, told](auto&&... what) {
            if (*alive != nullptr) {
              told(loads, directory, std::forward<decltype(what)>(what)...);
            }
          };
        };
        storage::LoadPlan plan;
        plan.parallel_max = width;
        plan.decide = [&loads, &directory](const TopicPartition& name, const Uuid& id) {
          return loads.decide(directory, name, id);
        };
        plan.config_of = [alive = alive_, &loads](const TopicPartition& name, const Uuid& id) {
          return *alive != nullptr ? loads.config_of(name, id) : std::nullopt;
        };
        plan.on_strays = tell([](Loads& to, HostedDirectory& at, std::vector<TopicPartition> names) {
          to.on_strays(at, std::move(names));
        });
        plan.on_loaded =
            tell([](Loads& to, HostedDirectory& at, storage::LoadedLog log) { to.on_loaded(at, std::move(log)); });
        plan.on_unloaded =
            tell([](Loads& to, HostedDirectory& at, const storage::UnloadedLog& log) { to.on_unloaded(at, log); });
        plan.on_unwanted = tell(
            [](Loads& to, HostedDirectory& at, const TopicPartition& name, const Uuid&) { to.on_unwanted(at, name); });
        directory.all_loaded = true;
        directory.load(logs, std::move(plan),
                       [&directory, alive = alive_, one = std::move(one)](bool complete) mutable {
                         if (*alive != nullptr) {
                           directory.all_loaded = directory.all_loaded && complete;
                           one();
                         }
                       });
      },
      [this, done = std::move(done)]() mutable {
        loading_ = false;
        progress_timer_.cancel();
        done();
      });
}

void HostedDirectories::stop_loading() {
  for (const auto& directory : all_) {
    directory->stop_loading();
  }
}

std::string HostedDirectories::load_progress() const {
  if (!loading_) {
    return {};
  }
  storage::LoadProgress sum;
  for (const auto& directory : all_) {
    sum.logs += directory->progress().logs;
    sum.opened += directory->progress().opened;
    sum.bytes += directory->progress().bytes;
    sum.recovered_bytes += directory->progress().recovered_bytes;
  }
  return ": " + std::to_string(sum.opened) + " of " + std::to_string(sum.logs) + " opened, " +
         std::to_string(sum.recovered_bytes) + " of " + std::to_string(sum.bytes) + " bytes recovered";
}

void HostedDirectories::tell_progress() {
  log(world_.logger, LogLevel::kInfo, "storage", "opening the logs{}", load_progress());
  progress_timer_.arm(world_.shard(0).clock().now() + kProgressInterval);
}

void HostedDirectories::forget(const TopicPartition& name, Callback done) {
  on_each(
      [&](HostedDirectory& directory, Callback forgotten) {
        directory.checkpointer().forget(name,
                                        [forgotten = std::move(forgotten)](const Result<>&) mutable { forgotten(); });
      },
      std::move(done));
}

void HostedDirectories::forget_contents() {
  for (const auto& directory : all_) {
    directory->directory().forget_contents();
  }
}

void HostedDirectories::close(std::vector<ClosingLog> logs, Function<void(Result<>)> done) {
  auto outcome = std::make_shared<Result<>>();
  on_each(
      [&](HostedDirectory& directory, Callback one) {
        if (!directory.online()) {
          return one();
        }
        std::vector<ClosingLog> here;
        for (ClosingLog& log : logs) {
          if (log.seed.log && directory.directory().holds(log.seed.log->directory())) {
            here.push_back(std::move(log));
          }
        }
        close_logs(world_.workers, world_.shard(0), world_.logger, std::move(here),
                   [&directory, outcome, one = std::move(one)](std::vector<storage::PartitionMarks> marks,
                                                               bool clean) mutable {
                     directory.keep_as_read(marks);
                     // What could not be opened now is not recovered either.
                     directory.checkpointer().stop(std::move(marks),
                                                   clean && directory.all_loaded && !directory.keeps_any(),
                                                   [outcome, one = std::move(one)](const Result<>& stopped) mutable {
                                                     if (*outcome) {
                                                       *outcome = stopped;
                                                     }
                                                     one();
                                                   });
                   });
      },
      [outcome, done = std::move(done)]() mutable { done(*outcome); });
}

HostedDirectory* HostedDirectories::last_holder_of(const TopicPartition& name, const Uuid& topic_id) const {
  const auto found = std::ranges::find_if(all_, [&](const auto& directory) {
    return storage::was_there(directory->directory().contents(), name, topic_id);
  });
  return found == all_.end() ? nullptr : found->get();
}

}  // namespace moldau::broker

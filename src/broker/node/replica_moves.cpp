#include "broker/node/replica_moves.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "replication/partition/partition.h"
#include "storage/directory/partition_directory.h"

namespace moldau::broker {
namespace {

constexpr std::size_t kJobsMax = 4;
constexpr std::chrono::milliseconds kSyncPause{5};  // until a sync of the partition has ended
constexpr std::string_view kThrottle = "replica.alter.log.dirs.io.max.bytes.per.second";

// What the original has for the copy.
struct Piece {
  storage::Slice slice;
  Offset start{0};
  Offset end{0};
  LeaderEpoch epoch{0};
  std::optional<Error> error;
};

// `directory`: where the original has to be. A topic may have been created again, and be elsewhere.
Piece piece_of(replication::Partition& partition, const std::string& directory, Offset from, std::size_t bytes_max) {
  storage::Log& log = *partition.log();
  Piece piece{.slice = {}, .start = log.log_start(), .end = log.log_end(), .epoch = partition.leader_epoch()};
  if (runtime::parent_path(log.directory()) != directory) {
    piece.error = Error(ErrorKind::kNotFound, "the replica is not there any more");
  } else if (auto read = log.read(std::clamp(from, piece.start, piece.end), piece.end, bytes_max, true)) {
    piece.slice = *std::move(read);
  } else {
    piece.error = read.error();
  }
  return piece;
}

}  // namespace

struct ReplicaMoves::Move {
  TopicPartition name;
  Uuid topic_id;
  HostedDirectory* from;
  HostedDirectory* to;
  std::shared_ptr<storage::FutureLog> copy;  // touched by the one job in flight
  std::uint64_t size_bytes = 0;              // of the copy
  Offset end{0};                             // of the copy
  std::optional<std::uint32_t> shard;        // of the partition
  std::unique_ptr<storage::Log> original;    // once it was replaced
  bool waits = false;                        // for its turn to copy
  bool copying = false;
  bool held = false;      // the partition holds its appends
  bool assigned = false;  // the metadata is told of the new directory: no way back without telling it again
  bool cancelled = false;
  Function<void(Result<>)> begun;
  bool moved = false;
  std::vector<Function<void(bool)>> ended;

  [[nodiscard]] TopicIdPartition id() const noexcept { return {topic_id, name.partition}; }
  [[nodiscard]] std::string text() const {
    return storage::partition_directory_name(name) + " from " + from->directory().path() + " to " +
           to->directory().path();
  }
};

ReplicaMoves::ReplicaMoves(Environment environment)
    : environment_(std::move(environment)),
      shard_(environment_.world.shard(0)),
      logger_(environment_.world.logger),
      workers_(environment_.world.workers, shard_, kJobsMax),
      alive_(std::make_shared<ReplicaMoves*>(this)) {}

ReplicaMoves::~ReplicaMoves() {
  *alive_ = nullptr;
}

template <class Work>
void ReplicaMoves::on_worker(const MovePtr& move, Work work, Then<Result<>> then) {
  auto outcome = std::make_shared<Result<>>();
  workers_.run([outcome, work = std::move(work)]() mutable { *outcome = work(); }, shard_,
               [move, outcome, then = std::move(then)]() mutable { then(move, std::move(*outcome)); });
}

template <class T, class Ask>
void ReplicaMoves::on_shard(const MovePtr& move, Ask ask, Then<std::optional<T>> then) {
  PartitionRouter* router = environment_.routers[*move->shard];
  router->shard().post(
      [router, move, ask = std::move(ask), then = std::move(then), alive = alive_, home = &shard_]() mutable {
        replication::Partition* partition = router->local(move->id());
        const bool there = partition != nullptr && !partition->offline() && partition->log() != nullptr;
        std::optional<T> answer = there ? std::optional<T>(ask(*partition)) : std::nullopt;
        home->post([move = std::move(move), answer = std::move(answer), then = std::move(then),
                    alive = std::move(alive)]() mutable {
          if (*alive != nullptr) {
            then(move, std::move(answer));
          }
        });
      });
}

void ReplicaMoves::after(const MovePtr& move, runtime::MonoTime when, Callback then) {
  auto& timer = timers_[move->name];
  // Posted: what follows may end the move, and its timer with it.
  timer = std::make_unique<runtime::Timer>(shard_.timers(), [this, then = std::move(then)]() mutable {
    shard_.post([alive = alive_, then = std::move(then)]() mutable {
      if (*alive != nullptr) {
        then();
      }
    });
  });
  timer->arm(when);
}

std::int64_t ReplicaMoves::bytes_per_second() const {
  const std::string node = std::to_string(environment_.config.node_id.value());
  for (const std::string& name : {node, std::string()}) {
    const metadata::ConfigMap& config = image_->config(metadata::ConfigResourceType::kBroker, name);
    if (const auto found = config.find(kThrottle); found != config.end()) {
      std::int64_t rate = 0;
      const std::string& text = found->second;
      if (std::from_chars(text.data(), text.data() + text.size(), rate).ec == std::errc{} && rate > 0) {
        return rate;
      }
    }
  }
  return INT64_MAX;
}

// A throttle that has changed counts from now on, for what waits by the old one too.
void ReplicaMoves::on_image(std::shared_ptr<const metadata::Image> image) {
  const std::int64_t before = bytes_per_second();
  image_ = std::move(image);
  if (bytes_per_second() != before) {
    next_copy_ = {};
    for (const auto& [name, timer] : timers_) {
      if (timer->armed()) {
        timer->arm(shard_.clock().now());
      }
    }
  }
}

// --- begin ---

void ReplicaMoves::start(const TopicPartition& name, const Uuid& topic_id, HostedDirectory& from, HostedDirectory& to,
                         Function<void(Result<>)> begun) {
  MOLDAU_ASSERT(!moves_.contains(name) && &from != &to);
  auto move = std::make_shared<Move>();
  move->name = name;
  move->topic_id = topic_id;
  move->from = &from;
  move->to = &to;
  move->begun = std::move(begun);
  move->copy = std::make_shared<storage::FutureLog>(
      storage::LogEnvironment{environment_.world.fs, logger_, environment_.random}, to.directory().path(), name,
      topic_id, environment_.topic_configs.config_of(*image_, name.topic).log, shard_.random().uuid());
  moves_.emplace(name, move);
  ++to.partitions;
  environment_.cleaner.pause(move->id(), [this, move, alive = alive_] {
    if (*alive != nullptr) {
      begin(move);
    }
  });
}

void ReplicaMoves::begin(const MovePtr& move) {
  on_worker(
      move, [copy = move->copy, now_ms = shard_.clock().wall_ms()] { return copy->begin(now_ms); },
      [this](const MovePtr& begun_move, Result<> outcome) {
        if (!outcome) {
          return give_up(begun_move, outcome.error(), begun_move->to);
        }
        log(logger_, LogLevel::kInfo, "storage", "moving {}", begun_move->text());
        if (begun_move->begun) {
          std::exchange(begun_move->begun, {})({});
        }
        begun_move->waits = true;
        if (!stop_here(begun_move)) {
          copy_next();
        }
      });
}

void ReplicaMoves::copy_next() {
  for (const auto& [name, move] : std::map(moves_)) {
    if (copying_ == kCopyingMax) {
      return;
    }
    if (move->waits) {
      move->waits = false;
      move->copying = true;
      ++copying_;
      environment_.home.resolve({move->id()}, 0, [this, move, alive = alive_](const PartitionHome::Shards& shards) {
        if (*alive == nullptr) {
          return;
        }
        move->shard = shards.front();
        if (!move->shard) {
          return give_up(move, Error(ErrorKind::kNotFound, "the replica is gone"), nullptr);
        }
        read(move);
      });
    }
  }
}

// --- copy ---

void ReplicaMoves::read(const MovePtr& move) {
  if (stop_here(move)) {
    return;
  }
  const auto bytes_max =
      static_cast<std::size_t>(std::min<std::int64_t>(storage::FutureLog::kChunkBytesMax, bytes_per_second()));
  on_shard<Piece>(
      move,
      [directory = move->from->directory().path(), from = move->end, bytes_max](replication::Partition& partition) {
        return piece_of(partition, directory, from, bytes_max);
      },
      [this](const MovePtr& reading, std::optional<Piece> piece) {
        if (!piece) {
          return give_up(reading, Error(ErrorKind::kOffline, "the replica is gone, or offline"), nullptr);
        }
        if (piece->error) {
          return give_up(reading, *piece->error, nullptr);
        }
        // A batch may reach over the start.
        const Offset first = piece->slice.empty() ? piece->start : std::min(piece->start, piece->slice.base_offset);
        if (reading->end < first) {
          return restart(reading, first);  // what follows the copy's end was deleted
        }
        if (!piece->slice.empty()) {
          return append(reading, piece->slice);
        }
        // Between the copy's end and the original's there is nothing, or what was there was compacted away.
        if (reading->held) {
          seal(reading, {.start = piece->start, .end = piece->end, .epoch = piece->epoch});
        } else {
          hold(reading);
        }
      });
}

void ReplicaMoves::restart(const MovePtr& move, Offset start) {
  on_worker(
      move, [copy = move->copy, start, now_ms = shard_.clock().wall_ms()] { return copy->restart_at(start, now_ms); },
      [this](const MovePtr& restarted, Result<> outcome) { on_written(restarted, outcome); });
}

void ReplicaMoves::append(const MovePtr& move, const storage::Slice& slice) {
  if (!move->held) {
    const std::int64_t rate = bytes_per_second();
    if (rate != INT64_MAX) {
      const runtime::MonoTime now = shard_.clock().now();
      next_copy_ = std::max(next_copy_, now) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                                   1e9 * static_cast<double>(slice.size) / static_cast<double>(rate)));
    }
  }
  on_worker(
      move, [copy = move->copy, slice, now_ms = shard_.clock().wall_ms()] { return copy->append(slice, now_ms); },
      [this](const MovePtr& appended, Result<> outcome) { on_written(appended, outcome); });
}

void ReplicaMoves::on_written(const MovePtr& move, const Result<>& outcome) {
  if (!outcome) {
    return give_up(move, outcome.error(), move->to);
  }
  move->size_bytes = move->copy->size_bytes();
  move->end = move->copy->log_end();
  if (stop_here(move)) {
    return;  // who called it off meanwhile found nothing that waits
  }
  if (!move->held && next_copy_ > shard_.clock().now()) {
    return after(move, next_copy_, [this, move] { read(move); });
  }
  read(move);
}

// --- the exchange ---

void ReplicaMoves::hold(const MovePtr& move) {
  on_shard<bool>(
      move,
      [](replication::Partition& partition) {
        partition.hold_appends();
        return true;
      },
      [this](const MovePtr& held, std::optional<bool> done) {
        held->held = done.has_value();
        read(held);
      });
}

void ReplicaMoves::seal(const MovePtr& move, const storage::FutureLog::Equal& original) {
  on_worker(
      move, [copy = move->copy, original, now_ms = shard_.clock().wall_ms()] { return copy->seal(original, now_ms); },
      [this](const MovePtr& sealed, Result<> outcome) {
        if (!outcome) {
          return give_up(sealed, outcome.error(), sealed->to);
        }
        carry(sealed);
      });
}

// Before the copy can take the original's place: a start that does not know what was compacted takes the gaps for
// damage.
void ReplicaMoves::carry(const MovePtr& move) {
  environment_.cleaner.carry(move->name, *move->to, [this, move, alive = alive_] {
    if (*alive != nullptr && !stop_here(move)) {
      assign(move);
    }
  });
}

void ReplicaMoves::assign(const MovePtr& move) {
  move->assigned = true;
  const auto version = image_->metadata_version();
  if (!version || !metadata::has_directory_assignment(*version)) {
    return replace(move);
  }
  environment_.assigner.tell(move->id(), move->to->directory().id(), [this, move, alive = alive_](bool assigned) {
    if (*alive == nullptr) {
      return;
    }
    if (assigned) {
      replace(move);
    } else {
      fall_back(move, Error(ErrorKind::kInvalid, "the controller does not take the new directory"));
    }
  });
}

void ReplicaMoves::replace(const MovePtr& move) {
  if (!move->to->online()) {
    return fall_back(move, Error(ErrorKind::kOffline, "the directory of the copy has failed"));
  }
  struct Replaced {
    bool busy = false;
    std::optional<Error> error;
    std::unique_ptr<storage::Log> original;
  };
  on_shard<Replaced>(
      move,
      [copy = move->copy](replication::Partition& partition) -> Replaced {
        if (partition.sync_in_flight()) {
          return {.busy = true, .error = std::nullopt, .original = nullptr};
        }
        std::unique_ptr<storage::Log> sealed = copy->take();
        if (const Result<> advanced = sealed->advance_log_start(partition.log_start()); !advanced) {
          return {.busy = false, .error = advanced.error(), .original = nullptr};
        }
        return {.busy = false, .error = std::nullopt, .original = partition.replace_log(std::move(sealed))};
      },
      [this](const MovePtr& replacing, std::optional<Replaced> replaced) {
        if (replaced && replaced->busy) {
          return after(replacing, shard_.clock().now() + kSyncPause, [this, replacing] { replace(replacing); });
        }
        if (!replaced || replaced->error) {
          return fall_back(replacing, replaced ? *replaced->error : Error(ErrorKind::kOffline, "the replica is gone"));
        }
        replacing->original = std::move(replaced->original);
        replacing->moved = true;
        // What the checkpoints of the old directory know of the log start must not go with it (G11).
        replacing->to->checkpointer().keep_log_starts([this, replacing, alive = alive_](bool) {
          if (*alive == nullptr) {
            return;
          }
          if (!replacing->to->online()) {
            // The partition is offline with its copy; the original has all that the copy has.
            return end(replacing);
          }
          retire(replacing);
        });
      });
}

void ReplicaMoves::retire(const MovePtr& move) {
  const std::chrono::milliseconds delay(move->original->config().file_delete_delay_ms);
  on_worker(
      move, [move] { return move->original->close(false); },
      [this, delay](const MovePtr& closed, const Result<>&) {
        closed->original.reset();
        closed->from->checkpointer().forget(closed->name, [this, closed, delay, alive = alive_](const Result<>&) {
          if (*alive != nullptr) {
            closed->from->remover().remove(closed->name, delay, [this, closed, alive](const Result<>&) {
              if (*alive != nullptr) {
                rename(closed);  // a directory that failed just now is not asked again
              }
            });
          }
        });
      });
}

void ReplicaMoves::rename(const MovePtr& move) {
  struct Renamed {
    bool busy = false;
    Result<> outcome;
  };
  const std::string path =
      runtime::join_path(move->to->directory().path(), storage::partition_directory_name(move->name));
  on_shard<Renamed>(
      move,
      [path, &fs = environment_.world.fs](replication::Partition& partition) -> Renamed {
        if (partition.sync_in_flight()) {
          return {.busy = true, .outcome = {}};
        }
        Renamed renamed{.busy = false, .outcome = fs.rename(partition.log()->directory(), path)};
        if (renamed.outcome) {
          partition.log()->on_directory_renamed(path);
        }
        return renamed;
      },
      [this](const MovePtr& renaming, std::optional<Renamed> renamed) {
        if (renamed && renamed->busy) {
          return after(renaming, shard_.clock().now() + kSyncPause, [this, renaming] { rename(renaming); });
        }
        if (!renamed) {
          return end(renaming);  // the directory failed
        }
        if (!renamed->outcome) {
          renaming->to->directory().fail(renamed->outcome.error());
          return end(renaming);
        }
        on_worker(
            renaming,
            [&fs = environment_.world.fs, directory = renaming->to->directory().path()] {
              return fs.sync_dir(directory);
            },
            [this](const MovePtr& durable, const Result<>& outcome) {
              if (!outcome) {
                durable->to->directory().fail(outcome.error());
                return end(durable);
              }
              log(logger_, LogLevel::kInfo, "storage", "moved {}", durable->text());
              end(durable);
            });
      });
}

// --- other ends ---

bool ReplicaMoves::stop_here(const MovePtr& move) {
  if (move->assigned || (!move->cancelled && !stopping_ && move->from->online() && move->to->online())) {
    return false;
  }
  if (stopping_) {
    move->copy.reset();  // the next start begins anew
    --move->to->partitions;
    ++move->from->partitions;  // end() takes it
    end(move);
  } else {
    give_up(move, Error(ErrorKind::kClosed, "the move was called off, or a log directory failed"), nullptr);
  }
  return true;
}

void ReplicaMoves::give_up(const MovePtr& move, const Error& error, HostedDirectory* guilty) {
  log(logger_, move->cancelled ? LogLevel::kInfo : LogLevel::kWarn, "storage", "{} is not moved: {}", move->text(),
      error.message());
  if (guilty != nullptr && error.kind() == ErrorKind::kIo) {
    guilty->directory().fail(error);
  }
  if (move->begun) {
    std::exchange(move->begun, {})(std::unexpected(error));
  }
  --move->to->partitions;
  ++move->from->partitions;  // end() takes it
  if (!move->to->online()) {
    return end(move);
  }
  on_worker(
      move,
      [copy = std::exchange(move->copy, nullptr), &fs = environment_.world.fs]() mutable -> Result<> {
        const std::string path = copy->path();
        copy.reset();
        return fs.remove_tree(path);
      },
      [this](const MovePtr& removed, const Result<>& outcome) {
        if (!outcome) {
          removed->to->directory().fail(outcome.error());
        }
        end(removed);
      });
}

void ReplicaMoves::fall_back(const MovePtr& move, const Error& error) {
  environment_.assigner.tell(move->id(), move->from->directory().id(), [this, move, error, alive = alive_](bool) {
    if (*alive != nullptr) {
      move->assigned = false;
      give_up(move, error, nullptr);
    }
  });
}

void ReplicaMoves::end(const MovePtr& move) {
  if (move->held) {
    on_shard<bool>(
        move,
        [](replication::Partition& partition) {
          partition.release_appends();
          return true;
        },
        [](const MovePtr&, std::optional<bool>) {});
  }
  --move->from->partitions;
  copying_ -= move->copying ? 1 : 0;
  timers_.erase(move->name);
  environment_.cleaner.settle(move->name, move->moved ? *move->to : *move->from);
  environment_.cleaner.resume(move->id());
  moves_.erase(move->name);
  for (Function<void(bool)>& ended : std::exchange(move->ended, {})) {
    ended(move->moved);
  }
  if (stopping_ && moves_.empty() && stopped_) {
    std::exchange(stopped_, {})();
  } else if (!stopping_) {
    copy_next();
  }
}

// --- from outside ---

HostedDirectory* ReplicaMoves::destination_of(const TopicPartition& name) const {
  const auto found = moves_.find(name);
  return found == moves_.end() ? nullptr : found->second->to;
}

bool ReplicaMoves::cancel(const TopicPartition& name, Function<void(bool)> ended) {
  const auto found = moves_.find(name);
  if (found == moves_.end()) {
    return false;
  }
  const MovePtr move = found->second;
  move->cancelled = true;
  move->ended.push_back(std::move(ended));
  hurry(move);
  return true;
}

// One that waits, for its turn or for the throttle, hears of it now.
void ReplicaMoves::hurry(const MovePtr& move) {
  if (std::exchange(move->waits, false)) {
    if (!stop_here(move)) {
      move->waits = true;
    }
  } else if (const auto timer = timers_.find(move->name); timer != timers_.end() && timer->second->armed()) {
    timer->second->arm(shard_.clock().now());
  }
}

void ReplicaMoves::on_directory_failed(HostedDirectory& directory) {
  for (const auto& [name, move] : std::map(moves_)) {
    if (move->from == &directory || move->to == &directory) {
      hurry(move);
    }
  }
}

void ReplicaMoves::stop(Callback ended) {
  stopping_ = true;
  if (moves_.empty()) {
    return ended();
  }
  stopped_ = std::move(ended);
  for (const auto& [name, move] : std::map(moves_)) {
    hurry(move);
  }
}

std::vector<LogDirReport::Future> ReplicaMoves::futures() const {
  std::vector<LogDirReport::Future> futures;
  for (const auto& [name, move] : moves_) {
    if (move->copy && !move->original) {
      futures.push_back(
          {.partition = name, .path = move->copy->path(), .size_bytes = move->size_bytes, .log_end = move->end});
    }
  }
  return futures;
}

}  // namespace moldau::broker

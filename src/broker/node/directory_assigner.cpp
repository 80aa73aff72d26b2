#include "broker/node/directory_assigner.h"

#include <chrono>
#include <utility>

namespace moldau::broker {
namespace {

constexpr std::chrono::milliseconds kRetryDelay{50};

}  // namespace

DirectoryAssigner::DirectoryAssigner(runtime::Shard& shard, Logger& logger)
    : shard_(shard),
      logger_(logger),
      retry_(shard.timers(), [this] { send(); }),
      alive_(std::make_shared<DirectoryAssigner*>(this)) {}

DirectoryAssigner::~DirectoryAssigner() {
  *alive_ = nullptr;
}

void DirectoryAssigner::open(Send send) {
  send_ = std::move(send);
  send_soon();
}

void DirectoryAssigner::tell(const TopicIdPartition& partition, const Uuid& directory, Function<void(bool)> done) {
  if (closed_) {
    if (done) {
      done(false);
    }
    return;
  }
  Wish& wish = wanted_[partition];
  if (wish.directory != directory) {
    wish.directory = directory;
    wish.sent = false;
    for (Function<void(bool)>& overtaken : std::exchange(wish.done, {})) {
      overtaken(false);
    }
  }
  if (done) {
    wish.done.push_back(std::move(done));
  }
  send_soon();
}

void DirectoryAssigner::close() {
  closed_ = true;
  retry_.cancel();
  for (auto& [partition, wish] : std::exchange(wanted_, {})) {
    for (Function<void(bool)>& done : wish.done) {
      done(false);
    }
  }
}

// What is told in one turn goes together.
void DirectoryAssigner::send_soon() {
  if (!std::exchange(posted_, true)) {
    shard_.post([alive = alive_] {
      if (DirectoryAssigner* self = *alive) {
        self->posted_ = false;
        self->send();
      }
    });
  }
}

void DirectoryAssigner::send() {
  if (in_flight_ || closed_ || !send_ || wanted_.empty()) {
    return;
  }
  Assignments assignments;
  for (auto& [partition, wish] : wanted_) {
    if (assignments.size() == kPerRequestMax) {
      break;
    }
    wish.sent = true;
    assignments.push_back({partition, wish.directory});
  }
  in_flight_ = true;
  Assignments sent = assignments;
  send_(std::move(assignments), [alive = alive_, sent = std::move(sent)](const Answer& answer) {
    if (DirectoryAssigner* self = *alive) {
      self->on_answer(sent, answer);
    }
  });
}

void DirectoryAssigner::on_answer(const Assignments& sent, const Answer& answer) {
  using protocol::ErrorCode;
  in_flight_ = false;
  if (!answer && answer.error().code != ErrorCode::kUnsupportedVersion) {
    log(logger_, LogLevel::kDebug, "broker", "the controller does not take the directories of {} replicas yet: {}",
        sent.size(), answer.error().message);
    retry_.arm(shard_.clock().now() + kRetryDelay);
    return;
  }
  for (std::size_t i = 0; i < sent.size(); ++i) {
    end(sent[i].partition, answer && (*answer)[i] == ErrorCode::kNone);
  }
  send();
}

void DirectoryAssigner::end(const TopicIdPartition& partition, bool assigned) {
  const auto found = wanted_.find(partition);
  if (found == wanted_.end() || !found->second.sent) {
    return;  // told otherwise meanwhile
  }
  Wish wish = std::move(found->second);
  wanted_.erase(found);
  for (Function<void(bool)>& done : wish.done) {
    done(assigned);
  }
}

}  // namespace moldau::broker

#include "broker/node/log_dir_requests.h"

#include <algorithm>

#include "storage/directory/partition_directory.h"

namespace moldau::broker {

using protocol::ErrorCode;

namespace {

constexpr std::size_t kNameBytesMax = 255;

// Kafka's name of a copy has the whole topic; one that does not fit cannot be moved there, nor here.
bool name_is_too_long(const TopicPartition& partition) {
  constexpr std::size_t kSuffixBytes = 1 + 32 + 7;  // ".<unique>-future"
  return storage::partition_directory_name(partition).size() + kSuffixBytes > kNameBytesMax;
}

}  // namespace

struct LogDirRequests::Round {
  std::vector<LogDirMove> moves;
  std::vector<ErrorCode> outcomes;
  std::size_t left = 1;  // the function that begins them
  Function<void(std::vector<ErrorCode>)> reply;
};

LogDirRequests::LogDirRequests(HostedDirectories& directories, LogDirReport::Environment report, ReplicaMoves& moves)
    : directories_(directories),
      report_(report),
      moves_(moves),
      home_(report.home),
      alive_(std::make_shared<LogDirRequests*>(this)) {}

LogDirRequests::~LogDirRequests() {
  *alive_ = nullptr;
}

void LogDirRequests::describe(std::optional<std::vector<TopicPartition>> only,
                              Function<void(std::vector<LogDirView>)> reply) {
  report_.describe(std::move(only), moves_.futures(), std::move(reply));
}

HostedDirectory* LogDirRequests::take_preferred(const TopicPartition& name) {
  const auto found = preferred_.extract(name);
  if (found.empty()) {
    return nullptr;
  }
  HostedDirectory* directory = directories_.by_path(found.mapped());
  return directory != nullptr && directory->online() ? directory : nullptr;
}

void LogDirRequests::move(std::vector<LogDirMove> moves, Function<void(std::vector<ErrorCode>)> reply) {
  auto round = std::make_shared<Round>();
  round->outcomes.resize(moves.size(), ErrorCode::kNone);
  round->moves = std::move(moves);
  round->reply = std::move(reply);
  rounds_.push_back(std::move(round));
  if (rounds_.size() == 1) {
    begin_next();
  }
}

void LogDirRequests::begin_next() {
  const auto round = rounds_.front();
  std::vector<TopicPartition> only;
  for (const LogDirMove& move : round->moves) {
    only.push_back(move.partition);
  }
  // Where they are now is known on their shards.
  report_.describe(std::move(only), {}, [this, round, alive = alive_](const std::vector<LogDirView>& views) {
    if (*alive != nullptr) {
      begin(round, views);
    }
  });
}

void LogDirRequests::count_down(Round& round) {
  if (--round.left > 0) {
    return;
  }
  const auto ended = std::move(rounds_.front());
  rounds_.pop_front();
  ended->reply(std::move(ended->outcomes));
  if (!rounds_.empty()) {
    begin_next();
  }
}

void LogDirRequests::begin(const std::shared_ptr<Round>& round, const std::vector<LogDirView>& views) {
  std::map<TopicPartition, HostedDirectory*> places;
  for (const LogDirView& view : views) {
    for (const ReplicaOnDisk& replica : view.replicas) {
      places.emplace(replica.partition, directories_.by_path(view.path));
    }
  }
  for (std::size_t i = 0; i < round->moves.size(); ++i) {
    const LogDirMove& move = round->moves[i];
    const auto place = places.find(move.partition);
    HostedDirectory* from = place == places.end() ? nullptr : place->second;
    if (const auto code = judge(move, from)) {
      round->outcomes[i] = *code;
      continue;
    }
    HostedDirectory& to = *directories_.by_path(move.path);
    ++round->left;
    const auto go_on = [this, round, i, topic_id = image_->topic(move.partition.topic)->id, from,
                        before = moves_.destination_of(move.partition),
                        &to](bool moved) { start(round, i, topic_id, moved ? *before : *from, to); };
    if (!moves_.cancel(move.partition, go_on)) {
      go_on(false);
    }
  }
  count_down(*round);
}

std::optional<ErrorCode> LogDirRequests::judge(const LogDirMove& move, HostedDirectory* from) {
  if (name_is_too_long(move.partition)) {
    return ErrorCode::kInvalidTopicException;
  }
  const HostedDirectory* to = directories_.by_path(move.path);
  if (to == nullptr) {
    const bool was_lost =
        std::ranges::find(directories_.lost_at_start(), move.path) != directories_.lost_at_start().end();
    return was_lost ? ErrorCode::kKafkaStorageError : ErrorCode::kLogDirNotFound;
  }
  if (!to->online()) {
    return ErrorCode::kKafkaStorageError;
  }
  if (to->cordoned) {
    return ErrorCode::kInvalidReplicaAssignment;
  }
  const metadata::Topic* topic = image_->topic(move.partition.topic);
  const bool exists = topic != nullptr && topic->partition(move.partition.partition) != nullptr;
  if (from == nullptr && exists && home_.hosts({topic->id, move.partition.partition})) {
    return ErrorCode::kKafkaStorageError;  // in a directory that has failed
  }
  if (from == nullptr || !exists) {
    if (preferred_.size() < kPreferredMax || preferred_.contains(move.partition)) {
      preferred_.insert_or_assign(move.partition, move.path);
    }
    return exists ? ErrorCode::kReplicaNotAvailable : ErrorCode::kUnknownTopicOrPartition;
  }
  if (moves_.destination_of(move.partition) == to) {
    return ErrorCode::kNone;
  }
  if (from != to && directories_.any_lost()) {
    return ErrorCode::kKafkaStorageError;  // there may be a copy where nobody can look
  }
  return std::nullopt;
}

// Whatever was on its way elsewhere has been called off.
void LogDirRequests::start(const std::shared_ptr<Round>& round, std::size_t index, const Uuid& topic_id,
                           HostedDirectory& from, HostedDirectory& to) {
  const TopicPartition& name = round->moves[index].partition;
  const metadata::Topic* topic = image_->topic(name.topic);
  if (topic == nullptr || topic->id != topic_id || !home_.hosts({topic_id, name.partition})) {
    round->outcomes[index] = ErrorCode::kUnknownTopicOrPartition;
    return count_down(*round);
  }
  if (&from == &to) {
    return count_down(*round);
  }
  moves_.start(name, topic_id, from, to, [this, round, index, alive = alive_](const Result<>& begun) {
    if (*alive != nullptr) {
      round->outcomes[index] = begun ? ErrorCode::kNone : ErrorCode::kKafkaStorageError;
      count_down(*round);
    }
  });
}

}  // namespace moldau::broker

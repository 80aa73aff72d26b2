#include "broker/partitions/append_part.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/partitions/partition_router.h"
#include "replication/partition/partition.h"

namespace moldau::broker {
namespace {

using protocol::ErrorCode;

record::ValidationRules rules_for(const replication::Partition& partition, const AppendEnvironment& environment,
                                  const AppendTerms& terms, std::int64_t now_ms) {
  const replication::PartitionConfig& config = partition.config();
  record::ValidationRules rules;
  rules.now_ms = now_ms;
  rules.zstd_allowed = terms.zstd_allowed;
  rules.compacted = config.log.cleanup_compact;
  rules.timestamp_type = config.produce.timestamp_type;
  rules.timestamp_before_max_ms = config.produce.timestamp_before_max_ms;
  rules.timestamp_after_max_ms = config.produce.timestamp_after_max_ms;
  rules.batch_bytes_max = config.produce.max_message_bytes;
  rules.segment_bytes = config.log.segment_bytes;
  rules.decompressed_bytes_max = environment.decompressed_bytes_max;
  rules.compression = config.produce.compression;
  return rules;
}

// Kafka names the log start beside an error of the batch's content, and leaves it out where the log could not be asked.
bool tells_log_start(ErrorCode error) {
  switch (error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kKafkaStorageError: return false;
    default: return true;
  }
}

void refuse(AppendOutcome& outcome, const replication::Partition& partition, const replication::Refusal& refusal) {
  outcome.error = refusal.code;
  outcome.leader = refusal.leader;
  outcome.leader_epoch = refusal.leader_epoch;
  if (tells_log_start(refusal.code)) {
    outcome.log_start = partition.log_start().value();
  }
}

// Validates and appends one item; gives the offset to wait for with acks=all, if there is one.
std::optional<Offset> append_one(const AppendEnvironment& environment, const AppendTerms& terms, const AppendItem& item,
                                 AppendOutcome& outcome) {
  outcome.index = item.index;
  replication::Partition* partition = environment.router.local(item.id);
  if (partition == nullptr) {
    outcome.error = ErrorCode::kUnknownTopicOrPartition;  // deleted while the request was on its way
    return std::nullopt;
  }
  const std::int64_t now_ms = environment.router.shard().clock().wall_ms();
  auto batch =
      record::validate_produced(item.records, rules_for(*partition, environment, terms, now_ms), environment.scratch);
  TopicTraffic& traffic = environment.router.traffic();
  if (!batch) {
    refuse(outcome, *partition, {.code = batch.error().code});
    traffic.on_append_refused(item.id.topic_id, batch.error().code, item.records.size(), batch.error().cause);
    outcome.record_errors = std::move(batch.error().record_errors);
    // As in Kafka, the response explains a refusal in words only beside the refused records.
    outcome.message = outcome.record_errors.empty() ? nullptr : batch.error().message;
    return std::nullopt;
  }
  if (batch->header.is_transactional()) {
    outcome.error = ErrorCode::kInvalidTxnState;
    traffic.on_append_refused(item.id.topic_id, outcome.error, item.records.size());
    return std::nullopt;
  }
  const std::size_t bytes = batch->bytes.size();
  const auto appended = partition->append(replication::AppendOrigin::kClient, kNoLeaderEpoch, *batch, terms.acks);
  environment.scratch.trim();  // a batch that was built anew is written now
  if (!appended) {
    refuse(outcome, *partition, appended.error());
    traffic.on_append_refused(item.id.topic_id, appended.error().code, bytes);
    return std::nullopt;
  }
  traffic.on_appended(item.id.topic_id, static_cast<std::uint64_t>(appended->last_offset - appended->first_offset) + 1,
                      bytes);
  outcome.base_offset = appended->first_offset.value();
  outcome.append_time_ms = appended->append_time_ms;
  outcome.log_start = appended->log_start.value();
  return appended->last_offset + 1;
}

// The items of a part and how far they were appended.
struct Progress {
  Progress(const AppendEnvironment& env, const AppendTerms& t, std::vector<AppendItem> taken)
      : environment(env), terms(t), items(std::move(taken)), outcomes(items.size()), ends(items.size()) {}

  // Takes up items until this turn's work is done.
  AppendTurns::Step run_turn() {
    for (std::uint64_t done = 0; next < items.size(); ++next) {
      if (done >= kTurnWorkMax) {
        return AppendTurns::Step::kMore;
      }
      replication::Partition* partition = environment.router.local(items[next].id);
      if (partition != nullptr && partition->holds_appends()) {
        held_by = partition;
        return AppendTurns::Step::kHeld;
      }
      const std::uint64_t worked = environment.scratch.work_total();
      ends[next] = append_one(environment, terms, items[next], outcomes[next]);
      const std::uint64_t work = kItemWork + items[next].records.size() + environment.scratch.work_total() - worked;
      environment.turns.charge(work);
      done += work;
      must_wait = must_wait || (terms.acks == replication::Acks::kAll && ends[next].has_value());
    }
    return AppendTurns::Step::kDone;
  }

  AppendEnvironment environment;
  AppendTerms terms;
  std::vector<AppendItem> items;
  std::vector<AppendOutcome> outcomes;
  std::vector<std::optional<Offset>> ends;
  std::size_t next = 0;
  bool must_wait = false;
  replication::Partition* held_by = nullptr;  // of the last turn
};

class AppendPart final : public Operation, public AppendTurns::Work {
 public:
  AppendPart(Progress progress, AppendDone done) : progress_(std::move(progress)), done_(std::move(done)) {}

  AppendTurns::Step step() override {
    const AppendTurns::Step step = progress_.run_turn();
    if (step == AppendTurns::Step::kDone) {
      acknowledge();
    } else if (step == AppendTurns::Step::kHeld) {
      progress_.held_by->when_released(progress_.environment.turns.resume(progress_.terms.source));
    }
    return step;
  }

  // Everything was appended: parks what is not acknowledged yet.
  void acknowledge() {
    for (std::size_t i = 0; progress_.must_wait && i < progress_.items.size(); ++i) {
      const std::optional<Offset> end = progress_.ends[i];
      replication::Partition* partition = end ? progress_.environment.router.local(progress_.items[i].id) : nullptr;
      if (partition == nullptr) {
        continue;
      }
      auto waiter = std::make_unique<replication::AckWaiter>(progress_.environment.router.shard().timers(),
                                                             [this, i](ErrorCode error) { on_ack(i, error); });
      if (!partition->await_ack(*end, progress_.terms.deadline, *waiter)) {
        waiters_.push_back(std::move(waiter));
        ++waiting_;
      }
    }
    if (waiting_ == 0) {
      complete();
    }
  }

 private:
  void complete() {
    done_(std::move(progress_.outcomes));
    progress_.environment.operations.finish(*this);
  }

  void on_ack(std::size_t i, ErrorCode error) {
    progress_.outcomes[i].error = error;  // the offsets stay: after a timeout the data is kept
    if (--waiting_ == 0) {
      complete();
    }
  }

  Progress progress_;
  AppendDone done_;
  std::vector<std::unique_ptr<replication::AckWaiter>> waiters_;
  std::size_t waiting_ = 0;
};

}  // namespace

void run_append_part(const AppendEnvironment& environment, std::vector<AppendItem> items, const AppendTerms& terms,
                     AppendDone done) {
  if (environment.operations.refuses()) {
    return;  // nobody will be there to be answered
  }
  Progress progress(environment, terms, std::move(items));
  const bool waits = environment.turns.is_busy(terms.source) || environment.turns.is_spent();
  const bool appended = !waits && progress.run_turn() == AppendTurns::Step::kDone;
  if (appended && !progress.must_wait) {
    done(std::move(progress.outcomes));
    return;
  }
  AppendPart& part = environment.operations.add(std::make_unique<AppendPart>(std::move(progress), std::move(done)));
  if (appended) {
    part.acknowledge();
  } else {
    environment.turns.add(terms.source, part);
  }
}

}  // namespace moldau::broker

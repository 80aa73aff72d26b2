#include "broker/partitions/append_part.h"

#include <utility>

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
  if (!batch) {
    refuse(outcome, *partition, {.code = batch.error().code});
    outcome.record_errors = std::move(batch.error().record_errors);
    // As in Kafka, the response explains a refusal in words only beside the refused records.
    outcome.message = outcome.record_errors.empty() ? nullptr : batch.error().message;
    return std::nullopt;
  }
  if (batch->header.is_transactional()) {
    outcome.error = ErrorCode::kInvalidTxnState;
    return std::nullopt;
  }
  const auto appended = partition->append(replication::AppendOrigin::kClient, kNoLeaderEpoch, *batch, terms.acks);
  if (!appended) {
    refuse(outcome, *partition, appended.error());
    return std::nullopt;
  }
  outcome.base_offset = appended->first_offset.value();
  outcome.append_time_ms = appended->append_time_ms;
  outcome.log_start = appended->log_start.value();
  return appended->last_offset + 1;
}

class AppendPart final : public Operation {
 public:
  AppendPart(const AppendEnvironment& environment, std::vector<AppendOutcome> outcomes, AppendDone done)
      : environment_(environment), outcomes_(std::move(outcomes)), done_(std::move(done)) {}

  // Parks every append that is not acknowledged yet. True: none had to be parked.
  bool wait(const std::vector<AppendItem>& items, const std::vector<std::optional<Offset>>& ends,
            runtime::MonoTime deadline) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      replication::Partition* partition = ends[i] ? environment_.router.local(items[i].id) : nullptr;
      if (partition == nullptr) {
        continue;
      }
      auto waiter = std::make_unique<replication::AckWaiter>(environment_.router.shard().timers(),
                                                             [this, i](ErrorCode error) { on_ack(i, error); });
      if (!partition->await_ack(*ends[i], deadline, *waiter)) {
        waiters_.push_back(std::move(waiter));
        ++waiting_;
      }
    }
    return waiting_ == 0;
  }

  void complete() { done_(std::move(outcomes_)); }

 private:
  void on_ack(std::size_t i, ErrorCode error) {
    outcomes_[i].error = error;  // the offsets stay: after a timeout the data is kept
    if (--waiting_ == 0) {
      complete();
      environment_.operations.finish(*this);
    }
  }

  AppendEnvironment environment_;
  std::vector<AppendOutcome> outcomes_;
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
  std::vector<AppendOutcome> outcomes(items.size());
  std::vector<std::optional<Offset>> ends(items.size());
  bool must_wait = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    ends[i] = append_one(environment, terms, items[i], outcomes[i]);
    must_wait = must_wait || ends[i].has_value();
  }
  if (terms.acks != replication::Acks::kAll || !must_wait) {
    done(std::move(outcomes));
    return;
  }
  AppendPart& part =
      environment.operations.add(std::make_unique<AppendPart>(environment, std::move(outcomes), std::move(done)));
  if (part.wait(items, ends, terms.deadline)) {
    part.complete();
    environment.operations.finish(part);
  }
}

}  // namespace moldau::broker

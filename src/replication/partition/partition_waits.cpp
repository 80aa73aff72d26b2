// Who waits: acknowledgements, long polls, DeleteRecords; and the syncs that end some of the waits.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "replication/partition/partition.h"
#include "replication/partition/partition_state.h"

namespace moldau::replication {

using protocol::ErrorCode;

// --- acknowledgements ---

bool Partition::await_ack(Offset end, runtime::MonoTime deadline, AckWaiter& waiter) {
  MOLDAU_ASSERT(!waiter.linked());
  MOLDAU_ASSERT(end <= core_.log_end(), end.value(), core_.log_end().value());
  waiter.partition_ = this;
  waiter.end_ = end;
  waiter.sync_deadline_ = environment_.shard.clock().now() + kSyncWaitMax;
  const bool leads = core_.is_leader();
  const bool durable = !config_.acks_all_sync || durable_end_ >= end;
  const AckStatus status = leads ? core_.ack_status(end) : AckStatus::kWaiting;
  if (leads && durable && status == AckStatus::kReached) {
    return true;
  }
  WaitNode* place = &acks_;
  while (place->previous() != &acks_ && static_cast<AckWaiter*>(place->previous())->end_ > end) {
    place = place->previous();
  }
  waiter.link_before(*place);
  if (!leads) {  // told in the next turn, never from inside
    waiter.at_deadline_ = offline_ ? ErrorCode::kKafkaStorageError : ErrorCode::kNotLeaderOrFollower;
    waiter.timer_.arm(environment_.shard.clock().now());
  } else if (durable && status == AckStatus::kTooFewAfterAppend) {
    waiter.at_deadline_ = ErrorCode::kNotEnoughReplicasAfterAppend;
    waiter.timer_.arm(environment_.shard.clock().now());
  } else {
    waiter.timer_.arm(deadline);
    if (!durable) {
      request_sync();
    }
  }
  return false;
}

bool Partition::waits_for_disk_only(const AckWaiter& waiter) const {
  return core_.is_leader() && config_.acks_all_sync && durable_end_ < waiter.end_ &&
         core_.ack_status(waiter.end_) != AckStatus::kWaiting;
}

void Partition::complete_acks() {
  // A callback may append, park and complete others: the list is looked at anew each time.
  while (acks_.linked() && core_.is_leader()) {
    AckWaiter& first = static_cast<AckWaiter&>(*acks_.next());
    if (config_.acks_all_sync && durable_end_ < first.end_) {
      return;
    }
    switch (core_.ack_status(first.end_)) {
      case AckStatus::kWaiting: return;
      case AckStatus::kReached: first.finish(ErrorCode::kNone); break;
      case AckStatus::kTooFewAfterAppend: first.finish(ErrorCode::kNotEnoughReplicasAfterAppend); break;
    }
  }
}

void Partition::fail_waiters(ErrorCode code) {
  WaitNode failed;
  failed.take_all(acks_);
  while (failed.linked()) {
    static_cast<AckWaiter&>(*failed.next()).finish(code);
  }
  std::list<DeleteWait> deletes = std::exchange(deletes_, {});
  for (DeleteWait& wait : deletes) {
    wait.timer.cancel();
    wait.done(std::unexpected(code));
  }
  wake_fetches(true);
}

// --- long polls ---

void Partition::park(Offset from, FetchIsolation isolation, FetchWaiter& waiter) {
  MOLDAU_ASSERT(!waiter.linked());
  waiter.from_ = from;
  waiter.isolation_ = isolation;
  waiter.link_before(fetches_);
}

void Partition::wake_fetches(bool changed) {
  if (!fetches_.linked()) {
    return;
  }
  WaitNode woken;
  woken.take_all(fetches_);
  while (woken.linked()) {
    FetchWaiter& waiter = static_cast<FetchWaiter&>(*woken.next());
    waiter.unlink();
    if (changed || bound_of(waiter.isolation_) > waiter.from_) {
      waiter.wake_(changed ? WakeReason::kChanged : WakeReason::kProgress);
    } else {
      waiter.link_before(fetches_);
    }
  }
}

// --- DeleteRecords ---

Partition::DeleteWait::DeleteWait(Partition& partition, Offset offset, DeleteRecordsDone callback)
    : target(offset), done(std::move(callback)), timer(partition.environment_.shard.timers(), [this, &partition] {
        const bool replicated =
            partition.core_.is_leader() && partition.core_.low_watermark(partition.environment_.brokers) >= target;
        if (replicated && !durable && timer.when() < sync_deadline) {
          timer.arm(sync_deadline);
          return;
        }
        std::list<DeleteWait> expired;
        const auto self =
            std::ranges::find_if(partition.deletes_, [this](const DeleteWait& wait) { return &wait == this; });
        expired.splice(expired.end(), partition.deletes_, self);
        // The timer, and this callback with it, ends with the list: the answer is moved out first.
        DeleteRecordsDone answer = std::move(done);
        runtime::Shard& shard = partition.environment_.shard;
        shard.post([ended = std::move(expired)] {});
        answer(std::unexpected(ErrorCode::kRequestTimedOut));
      }) {}

void Partition::delete_records(Offset offset, runtime::MonoTime deadline, DeleteRecordsDone done) {
  if (const auto refused = unavailable(kNoLeaderEpoch, true)) {
    done(std::unexpected(refused->code));
    return;
  }
  if (config_.log.cleanup_compact && !config_.log.cleanup_delete) {
    done(std::unexpected(ErrorCode::kPolicyViolation));
    return;
  }
  const Offset target = offset == kNoOffset ? core_.high_watermark() : offset;
  if (target < Offset(0) || target > core_.high_watermark()) {
    done(std::unexpected(ErrorCode::kOffsetOutOfRange));
    return;
  }
  if (target > core_.log_start()) {
    if (const auto advanced = log_->advance_log_start(target); !advanced) {
      done(std::unexpected(refuse_io(advanced.error()).code));
      return;
    }
    Effects effects;
    core_.on_log_start(log_->log_start(), effects);
    apply(effects);
  }
  DeleteWait& wait = deletes_.emplace_back(*this, target, std::move(done));
  wait.sync_deadline = environment_.shard.clock().now() + kSyncWaitMax;
  wait.timer.arm(deadline);
  environment_.directory.keep_log_start(*this, [alive = alive_, start = core_.log_start()](bool kept) {
    Partition* partition = *alive;
    if (partition == nullptr || partition->offline_ || !partition->log_) {
      return;  // the waiters have been told
    }
    if (!kept) {
      partition->on_directory_failed();
      return;
    }
    for (DeleteWait& kept_wait : partition->deletes_) {
      kept_wait.durable = kept_wait.durable || kept_wait.target <= start;
    }
    partition->complete_deletes();
  });
}

void Partition::complete_deletes() {
  if (!core_.is_leader()) {
    return;
  }
  const Offset low = core_.low_watermark(environment_.brokers);
  std::list<DeleteWait> completed;
  for (auto it = deletes_.begin(); it != deletes_.end();) {
    const auto here = it++;
    if (here->durable && low >= here->target) {
      completed.splice(completed.end(), deletes_, here);
    }
  }
  for (DeleteWait& wait : completed) {
    wait.timer.cancel();
    wait.done(low);
  }
}

// --- syncs ---

void Partition::request_sync() {
  if (!offline_ && log_) {
    environment_.sync.request(*this);
  }
}

void Partition::sync_if_due() {
  if (log_ && !offline_ && log_->has_unsynced() && config_.flush_ms != INT64_MAX &&
      wall_ms() - log_->unsynced_since_ms() >= config_.flush_ms) {
    request_sync();
  }
}

void Partition::begin_sync(std::vector<storage::SyncJob>& jobs) {
  ticket_ = std::make_shared<storage::SyncTicket>(log_->collect_unsynced());
  ticket_has_roll_ = std::exchange(rolled_, false);
  for (const auto& file : ticket_->files) {
    jobs.emplace_back([file] { return file->sync(); });
  }
  if (!ticket_->replacements.empty() || !ticket_->directories.empty()) {
    jobs.emplace_back([ticket = ticket_, &fs = environment_.fs] { return ticket->run_names(fs); });
  }
}

void Partition::end_sync(Result<> outcome) {
  const auto ticket = std::move(ticket_);
  if (!outcome) {
    log_->on_sync_failed(outcome.error());
    on_storage_failure(outcome.error());
    return;
  }
  log_->on_synced(*ticket);
  if (offline_) {
    return;  // nothing is promised any more
  }
  if (log_->durable_end() > durable_end_) {
    durable_end_ = log_->durable_end();
    check_invariants();
    tell([this](PartitionListener& listener) { listener.on_durable_end(*this, durable_end_); });
    complete_acks();
  }
  if (std::exchange(ticket_has_roll_, false)) {
    environment_.directory.on_roll_synced(*this);
  }
}

}  // namespace moldau::replication

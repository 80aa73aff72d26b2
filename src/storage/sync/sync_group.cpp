#include "storage/sync/sync_group.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace moldau::storage {

struct SyncClient::Round {
  SyncClient* client = nullptr;  // null once withdrawn
  std::size_t left = 0;
  Result<> outcome;
};

SyncClient::~SyncClient() {
  MOLDAU_ASSERT(!queued_ && !round_);
}

SyncGroup::SyncGroup(runtime::Shard& shard, runtime::Workers& workers, std::size_t jobs_max)
    : shard_(shard), workers_(workers), jobs_max_(jobs_max), alive_(std::make_shared<SyncGroup*>(this)) {
  MOLDAU_ASSERT(jobs_max > 0);
}

SyncGroup::~SyncGroup() {
  MOLDAU_ASSERT(queue_.empty(), static_cast<std::int64_t>(queue_.size()));
  *alive_ = nullptr;
  shard_.cancel_turn_end(*this);
}

void SyncGroup::request(SyncClient& client) {
  MOLDAU_ASSERT(shard_.is_current());
  if (client.queued_ || client.failed_ || closing_) {
    return;
  }
  client.queued_ = true;
  queue_.push_back(&client);
  if (!client.round_) {
    shard_.at_turn_end(*this);
  }
}

void SyncGroup::withdraw(SyncClient& client) noexcept {
  if (client.queued_) {
    client.queued_ = false;
    std::erase(queue_, &client);
  }
  if (client.round_) {
    client.round_->client = nullptr;
    client.round_.reset();
  }
}

void SyncGroup::close(Callback idle) {
  MOLDAU_ASSERT(!closing_);
  closing_ = true;
  on_idle_ = std::move(idle);
  shard_.at_turn_end(*this);
}

void SyncGroup::on_turn_end() {
  // Those whose round is in flight keep their place and begin when it ends.
  for (std::size_t i = 0; i < queue_.size() && in_flight_ + jobs_.size() < jobs_max_;) {
    SyncClient& client = *queue_[i];
    if (client.round_) {
      ++i;
      continue;
    }
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(i));
    begin(client);
  }
  dispatch();
  tell_if_idle();
}

void SyncGroup::begin(SyncClient& client) {
  client.queued_ = false;
  std::vector<SyncJob> jobs;
  client.begin_sync(jobs);
  auto round = std::make_shared<SyncClient::Round>();
  round->client = &client;
  round->left = jobs.size();
  client.round_ = round;
  if (jobs.empty()) {
    end(*round);
    return;
  }
  for (SyncJob& job : jobs) {
    jobs_.push_back({round, std::move(job)});
  }
}

void SyncGroup::dispatch() {
  while (!jobs_.empty() && in_flight_ < jobs_max_) {
    PendingJob next = std::move(jobs_.front());
    jobs_.pop_front();
    if (!next.round->outcome) {  // S3: an earlier job of the round failed
      on_job_done(next.round, next.round->outcome);
      continue;
    }
    struct Running {
      SyncJob job;
      Result<> outcome;
    };
    auto running = std::make_shared<Running>(Running{std::move(next.job), {}});
    ++in_flight_;
    workers_.run([running] { running->outcome = running->job(); }, shard_,
                 [alive = alive_, running, round = std::move(next.round)] {
                   if (SyncGroup* group = *alive) {
                     --group->in_flight_;
                     group->on_job_done(round, running->outcome);
                     group->shard_.at_turn_end(*group);
                   }
                 });
  }
}

void SyncGroup::on_job_done(const std::shared_ptr<SyncClient::Round>& round, Result<> outcome) {
  if (!outcome && round->outcome) {
    round->outcome = outcome;
    if (round->client != nullptr) {
      round->client->failed_ = true;
    }
  }
  MOLDAU_ASSERT(round->left > 0);
  if (--round->left == 0) {
    end(*round);
  }
}

void SyncGroup::end(SyncClient::Round& round) {
  ++rounds_;
  if (SyncClient* client = std::exchange(round.client, nullptr)) {
    const Result<> outcome = round.outcome;
    const auto keep = std::exchange(client->round_, nullptr);  // `round` lives until the end of this function
    if (client->failed_ && client->queued_) {
      client->queued_ = false;
      std::erase(queue_, client);
    }
    if (client->queued_) {
      shard_.at_turn_end(*this);
    }
    client->end_sync(outcome);
  }
}

void SyncGroup::tell_if_idle() {
  if (closing_ && on_idle_ && queue_.empty() && jobs_.empty() && in_flight_ == 0) {
    shard_.post(std::move(on_idle_));
    on_idle_ = nullptr;
  }
}

}  // namespace moldau::storage

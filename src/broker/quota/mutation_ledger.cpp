#include "broker/quota/mutation_ledger.h"

#include <iterator>

namespace moldau::broker {

TokenBucket& MutationLedger::bucket_of(const QuotaClient& counted_as) {
  Key key(counted_as.user, counted_as.client_id);
  if (const auto found = index_.find(key); found != index_.end()) {
    entities_.splice(entities_.end(), entities_, found->second);
    return found->second->bucket;
  }
  if (entities_.size() >= config_.entities_max) {
    index_.erase(entities_.front().key);
    entities_.pop_front();
  }
  entities_.push_back({.key = key, .bucket = {}});
  index_.emplace(std::move(key), std::prev(entities_.end()));
  return entities_.back().bucket;
}

MutationLedger::Taken MutationLedger::take(const QuotaClient& client, double partitions, bool strict, QuotaTime now) {
  const auto limit = limits_->of(QuotaKind::kMutation, client);
  if (!limit) {
    return {};
  }
  TokenBucket& bucket = bucket_of(limit->counted_as);
  if (strict) {
    if (const QuotaTime owed = bucket.owed(config_.window, limit->limit, now); owed.count() > 0) {
      return {.given = false, .hold_off = owed};
    }
  }
  bucket.spend(config_.window, limit->limit, partitions, now);
  return {.given = true, .hold_off = strict ? QuotaTime(0) : bucket.owed(config_.window, limit->limit, now)};
}

}  // namespace moldau::broker

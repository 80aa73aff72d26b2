#include "broker/quota/quota_ledger.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

namespace moldau::broker {

std::size_t QuotaLedger::Hash::operator()(const KeyView& key) const noexcept {
  const std::hash<std::string_view> hash;
  std::size_t seed = static_cast<std::size_t>(key.kind);
  for (const std::string_view part : {key.user, key.client_id}) {
    seed ^= hash(part) + 0x9E37'79B9'7F4A'7C15 + (seed << 6) + (seed >> 2);
  }
  return seed;
}

QuotaLedger::Entity& QuotaLedger::entity(const KeyView& key, double limit, QuotaTime now) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    entities_.splice(entities_.end(), entities_, found->second);
    found->second->used = now;
    found->second->limit = limit;
    return *found->second;
  }
  if (entities_.size() >= config_.entities_max) {
    index_.erase(entities_.front().key());
    entities_.pop_front();
  }
  Entity& made = entities_.emplace_back(Entity{.kind = key.kind,
                                               .user = std::string(key.user),
                                               .client_id = std::string(key.client_id),
                                               .limit = limit,
                                               .rate = {},
                                               .bucket = {},
                                               .used = now});
  index_.emplace(made.key(), std::prev(entities_.end()));
  return made;
}

void QuotaLedger::use(Entity& entity, double amount, QuotaTime now) {
  entity.rate.record(config_.window, amount, now);
  entity.bucket.spend(config_.window, entity.limit, amount, now);
}

void QuotaLedger::record(Entity& entity, double amount, QuotaTime now) {
  use(entity, amount, now);
  if (entity.round != round_) {
    entity.round = round_;
    entity.charge = charges_.size();
    charges_.push_back(
        {.kind = entity.kind, .user = entity.user, .client_id = entity.client_id, .limit = entity.limit});
  }
  charges_[entity.charge].amount += amount;
}

QuotaTime QuotaLedger::charge(QuotaKind kind, const QuotaClient& client, double amount, QuotaTime now) {
  const auto limit = limits_->of(kind, client);
  if (!limit) {
    return QuotaTime(0);
  }
  Entity& charged = entity({kind, limit->counted_as.user, limit->counted_as.client_id}, limit->limit, now);
  record(charged, amount, now);
  const QuotaTime excess = std::max(charged.rate.excess(config_.window, limit->limit, now),
                                    charged.bucket.owed(config_.window, limit->limit, now));
  return kind == QuotaKind::kRequest ? std::min(excess, config_.window.sample) : excess;
}

void QuotaLedger::add(QuotaKind kind, const QuotaClient& client, double amount, QuotaTime now) {
  if (const auto limit = limits_->of(kind, client)) {
    record(entity({kind, limit->counted_as.user, limit->counted_as.client_id}, limit->limit, now), amount, now);
  }
}

std::optional<double> QuotaLedger::burst(QuotaKind kind, const QuotaClient& client) const {
  const auto limit = limits_->of(kind, client);
  return limit ? std::optional(limit->limit * config_.window.least_seconds()) : std::nullopt;
}

std::vector<QuotaCharge> QuotaLedger::take_charges() {
  ++round_;
  return std::exchange(charges_, {});
}

void QuotaLedger::merge(std::span<const QuotaCharge> charges, QuotaTime now) {
  for (const QuotaCharge& charge : charges) {
    use(entity({charge.kind, charge.user, charge.client_id}, charge.limit, now), charge.amount, now);
  }
}

void QuotaLedger::expire(QuotaTime now) {
  while (!entities_.empty() && now - entities_.front().used >= config_.window.whole()) {
    Entity& oldest = entities_.front();
    if (oldest.bucket.owed(config_.window, oldest.limit, now).count() > 0) {
      oldest.used = now;  // its debt is not forgotten
      entities_.splice(entities_.end(), entities_, entities_.begin());
      continue;
    }
    index_.erase(entities_.front().key());
    entities_.pop_front();
  }
}

}  // namespace moldau::broker

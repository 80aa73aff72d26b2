// What clients have used of their quotas of metadata changes (controller_mutation_rate). Pure.
//
// A strict quota gives nothing while it is overdrawn, and any amount otherwise; a lenient one gives always, and says
// how long its client is to be held off. Shard:  the controller's: one owner, so that its numbers are exact. Bound:
// entities_max entities; the longest unused goes first. Source: Kafka's ControllerMutationQuotaManager,
// StrictControllerMutationQuota, PermissiveControllerMutationQuota;
//         KIP-599.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/quota/quota_limits.h"
#include "broker/quota/token_bucket.h"

namespace moldau::broker {

class MutationLedger {
 public:
  struct Config {
    QuotaWindow window;
    std::size_t entities_max = 10'000;
  };
  explicit MutationLedger(const Config& config) : config_(config) {}

  void set_limits(std::shared_ptr<const QuotaLimits> limits) { limits_ = std::move(limits); }

  struct Taken {
    bool given = true;
    QuotaTime hold_off{0};  // the client, from now on
  };
  [[nodiscard]] Taken take(const QuotaClient& client, double partitions, bool strict, QuotaTime now);

  [[nodiscard]] std::size_t entities() const noexcept { return entities_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;
  struct Entity {
    Key key;
    TokenBucket bucket;
  };
  using Entities = std::list<Entity>;

  TokenBucket& bucket_of(const QuotaClient& counted_as);

  Config config_;
  std::shared_ptr<const QuotaLimits> limits_ = std::make_shared<const QuotaLimits>();
  Entities entities_;  // the longest unused first
  std::map<Key, Entities::iterator> index_;
};

}  // namespace moldau::broker

// What the clients of a node have used of their quotas, as one shard knows it. Pure.
//
// Each shard has a ledger of its own and judges by it alone, so that no request waits for another shard. What it
// charged it tells the others soon (take_charges, merge): a ledger lacks at most what other shards charged since they
// last told. The decision: docs/decisions/2026-11-21-quotas-on-shards.md.
//
// A client is held off until its rate is back at the limit, as in Kafka, and until what it used beyond the window is
// made good. The second is ours: in Kafka a debt is forgotten with the sample that it was made in, so that many
// connections of one client get far beyond their quota. Invariants: L0 in any time t no more is used than the limit
// times t and the window, and what each of the client's
//             connections had in flight (P10).
//             L1 once all charges are told, every ledger knows the same sums. L2 a charge that was taken back has not
//             been. L3 entities_max entities at most; the longest unused goes first. One that was not used for a whole
//             window is worth no more than a new one, and goes.
// Units:      bytes, and for kRequest percent-seconds of a thread.
// Source:     Kafka's ClientQuotaManager, ClientRequestQuotaManager; KIP-13, 124, 219. Differences: Kafka forgets
// debts,
//             and keeps an entity for an hour and any number of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/quota/quota_limits.h"
#include "broker/quota/rate.h"
#include "broker/quota/token_bucket.h"

namespace moldau::broker {

struct QuotaCharge {
  QuotaKind kind = QuotaKind::kProduce;
  std::string user;  // as counted: see QuotaLimit
  std::string client_id;
  double limit = 0;
  double amount = 0;
};

class QuotaLedger {
 public:
  struct Config {
    QuotaWindow window;
    std::size_t entities_max = 20'000;  // some 10 MiB when each has all its samples
  };
  explicit QuotaLedger(const Config& config) : config_(config) {}

  void set_limits(std::shared_ptr<const QuotaLimits> limits) { limits_ = std::move(limits); }
  [[nodiscard]] const QuotaLimits& limits() const noexcept { return *limits_; }

  // Records `amount`, and gives how long the client is to be held off; zero within its quota, or without one. Request
  // time holds off for a sample at most.
  QuotaTime charge(QuotaKind kind, const QuotaClient& client, double amount, QuotaTime now);
  // The same without judging. Negative takes back.
  void add(QuotaKind kind, const QuotaClient& client, double amount, QuotaTime now);
  // What an idle client may use at once and stay within its quota; nullopt without one.
  [[nodiscard]] std::optional<double> burst(QuotaKind kind, const QuotaClient& client) const;

  // What was charged here since the last call, for the ledgers of the other shards.
  [[nodiscard]] std::vector<QuotaCharge> take_charges();
  [[nodiscard]] bool has_charges() const noexcept { return !charges_.empty(); }
  void merge(std::span<const QuotaCharge> charges, QuotaTime now);

  void expire(QuotaTime now);
  [[nodiscard]] std::size_t entities() const noexcept { return entities_.size(); }

 private:
  struct KeyView {
    QuotaKind kind;
    std::string_view user;
    std::string_view client_id;
    friend bool operator==(const KeyView&, const KeyView&) = default;
  };
  struct Entity {
    QuotaKind kind;
    std::string user;
    std::string client_id;
    double limit = 0;
    Rate rate;
    TokenBucket bucket;
    QuotaTime used{0};
    std::uint64_t round = 0;  // in which its charge was begun
    std::size_t charge = 0;   // its place in charges_, in that round
    [[nodiscard]] KeyView key() const noexcept { return {kind, user, client_id}; }
  };
  struct Hash {
    std::size_t operator()(const KeyView& key) const noexcept;
  };
  using Entities = std::list<Entity>;  // the longest unused first

  Entity& entity(const KeyView& key, double limit, QuotaTime now);
  void use(Entity& entity, double amount, QuotaTime now);
  void record(Entity& entity, double amount, QuotaTime now);

  Config config_;
  std::shared_ptr<const QuotaLimits> limits_ = std::make_shared<const QuotaLimits>();
  Entities entities_;
  std::unordered_map<KeyView, Entities::iterator, Hash> index_;  // its keys are views into the entities
  std::vector<QuotaCharge> charges_;
  std::uint64_t round_ = 1;
};

}  // namespace moldau::broker

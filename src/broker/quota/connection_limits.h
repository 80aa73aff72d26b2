// Decides which new connections may begin, when, and which are turned away. Pure.
//
// A connection that comes to the front of its listener's queue is counted in the rates of the node and of the listener
// once (arrive), waits as long as these say and until there is room, and is then judged by its address (admit).
// Invariants: N1 no more connections than the node, its listener and its address may have. N2 who is turned away for
// the
//             rate of its address counts in no rate.
// Bounds:     addresses that are counted: the open connections; addresses whose rate is kept: addresses_max, the
// longest
//             unused goes first.
// Source:     Kafka's ConnectionQuotas; KIP-402, 612; max.connections, max.connections.per.ip and .overrides,
//             max.connection.creation.rate, the quota connection_creation_rate of an ip. Difference: the listener
//             between brokers goes beyond max.connections without another connection being closed for it, and not
//             beyond what the open files allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "broker/quota/quota_limits.h"
#include "broker/quota/rate.h"

namespace moldau::broker {

class ConnectionLimits {
 public:
  static constexpr double kNoRate = std::numeric_limits<double>::infinity();

  struct Config {
    std::size_t connections_max = SIZE_MAX;  // max.connections
    std::size_t descriptors_max = SIZE_MAX;  // nobody goes beyond
    std::size_t per_address_max = SIZE_MAX;  // max.connections.per.ip
    std::map<IpAddress, std::size_t> per_address_overrides;
    double creation_rate = kNoRate;  // max.connection.creation.rate
    QuotaWindow window;
    std::size_t addresses_max = 20'000;
  };
  struct Listener {
    std::size_t connections_max = SIZE_MAX;  // listener.name.X.max.connections
    double creation_rate = kNoRate;          // listener.name.X.max.connection.creation.rate
    bool between_brokers = false;            // and clients have another: the node's limits do not hold it up
  };
  using ListenerIndex = std::size_t;

  explicit ConnectionLimits(Config config) : config_(std::move(config)) {}
  ListenerIndex add_listener(const Listener& listener);
  // Take effect for the connections to come.
  void set(Config config) { config_ = std::move(config); }
  void set(ListenerIndex listener, const Listener& limits) { listeners_[listener].limits = limits; }
  void set_rates(std::shared_ptr<const QuotaLimits> rates) { rates_ = std::move(rates); }

  // How long the rates hold the connection up; a sample of the window at most.
  [[nodiscard]] QuotaTime arrive(ListenerIndex listener, QuotaTime now);
  [[nodiscard]] bool has_room(ListenerIndex listener) const;

  enum class Verdict : std::uint8_t { kAdmitted, kTooMany, kTooFast };
  struct Judgement {
    Verdict verdict = Verdict::kAdmitted;
    std::size_t most = 0;      // kTooMany: of its address
    QuotaTime close_after{0};  // kTooFast: until then it stays unread
  };
  // While there is room. No `address`: one that is unknown has no limit.
  [[nodiscard]] Judgement admit(ListenerIndex listener, const std::optional<IpAddress>& address, QuotaTime now);
  void leave(ListenerIndex listener, const std::optional<IpAddress>& address);

  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] std::size_t open(ListenerIndex listener) const { return listeners_[listener].open; }
  [[nodiscard]] const Config& config() const noexcept { return config_; }

 private:
  struct ListenerState {
    Listener limits;
    std::size_t open = 0;
    Rate rate;
  };
  struct AddressRate {
    IpAddress address;
    Rate rate;
  };
  using AddressRates = std::list<AddressRate>;  // the longest unused first

  [[nodiscard]] QuotaTime count(Rate& rate, double limit, QuotaTime now) const;
  [[nodiscard]] QuotaTime judge_rate(ListenerState& listener, const IpAddress& address, QuotaTime now);
  Rate& rate_of(const IpAddress& address);

  Config config_;
  std::vector<ListenerState> listeners_;
  std::shared_ptr<const QuotaLimits> rates_ = std::make_shared<const QuotaLimits>();
  std::size_t open_ = 0;
  Rate rate_;
  std::unordered_map<IpAddress, std::size_t, IpAddress::Hash> open_of_;
  AddressRates address_rates_;
  std::unordered_map<IpAddress, AddressRates::iterator, IpAddress::Hash> rate_index_;
};

}  // namespace moldau::broker

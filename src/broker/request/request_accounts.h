// What one shard keeps account of for its requests: what clients use of their quotas, how long requests took.
//
// Quotas:  the ledger of this shard judges alone; what it charged goes to the other shards every kTellInterval. Request
//          time is the time that a request's handler ran on this shard, and no other; what waits costs nothing.
// Cost:    without quotas limited() is one load. With them each request looks its client up, and nothing waits.
// Shard:   one per shard; wire() tells them of each other. They go before their shards.
// Source:  Kafka's ClientQuotaManager, ClientRequestQuotaManager, RequestHandlerHelper; KIP-13, 124, 219.
//          Differences: work that a request causes on other shards, in the controller or after a wait is not counted as
//          its time; so is none that an answer costs to be sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/quota/quota_ledger.h"
#include "broker/request/request_times.h"
#include "broker/request/slow_requests.h"
#include "runtime/shard.h"
#include "runtime/stopwatch.h"
#include "runtime/timer.h"

namespace moldau::broker {

// Who all clients are while nobody is authenticated.
inline constexpr std::string_view kAnonymous = "ANONYMOUS";

class RequestAccounts {
 public:
  static constexpr std::chrono::milliseconds kTellInterval{10};

  struct Config {
    QuotaLedger::Config quotas;
    SlowRequests::Config slow;
  };
  RequestAccounts(runtime::Shard& shard, Logger& logger, const runtime::Stopwatch& stopwatch, const Config& config);

  // All of them by shard, this one included.
  void wire(std::vector<RequestAccounts*> all) { all_ = std::move(all); }
  // Tells no other shard any more; they may go.
  void close() noexcept { tell_timer_.cancel(); }
  void set_limits(std::shared_ptr<const QuotaLimits> limits);
  [[nodiscard]] const QuotaLimits& limits() const noexcept { return ledger_.limits(); }

  // Some client of produce, fetch or request time has a quota.
  [[nodiscard]] bool limited() const noexcept { return limited_; }
  // Whether the client's Produces are to wait for each other.
  [[nodiscard]] bool is_held_to_one(std::string_view client_id) const;

  // How long the client is to be held off.
  [[nodiscard]] QuotaTime charge(QuotaKind kind, std::string_view client_id, double amount);
  void add(QuotaKind kind, std::string_view client_id, double amount);
  [[nodiscard]] std::optional<double> burst(QuotaKind kind, std::string_view client_id) const;

  // Around the handling of one request; between the two charge_time() charges what passed since the last of these.
  void begin_handling();
  void end_handling(std::string_view client_id);
  [[nodiscard]] QuotaTime charge_time(std::string_view client_id);
  // The request that is being handled costs its client no time.
  void exempt() noexcept { measured_from_.reset(); }

  [[nodiscard]] SlowRequests& slow() noexcept { return slow_; }
  [[nodiscard]] RequestTimes& times() noexcept { return request_times_; }
  [[nodiscard]] const runtime::Stopwatch& stopwatch() const noexcept { return stopwatch_; }
  [[nodiscard]] runtime::MonoTime now() const noexcept { return shard_.clock().now(); }
  [[nodiscard]] std::size_t entities() const noexcept { return ledger_.entities(); }
  [[nodiscard]] std::uint64_t throttled_total() const noexcept { return throttled_total_; }
  void count_throttled() noexcept { ++throttled_total_; }

 private:
  [[nodiscard]] QuotaTime quota_time() const noexcept;
  [[nodiscard]] double take_measured();
  void charged();
  void tell();

  runtime::Shard& shard_;
  const runtime::Stopwatch& stopwatch_;
  SlowRequests slow_;
  RequestTimes request_times_;
  QuotaLedger ledger_;
  bool limited_ = false;
  bool times_ = false;  // request time is limited
  std::optional<runtime::MonoTime> measured_from_;
  std::vector<RequestAccounts*> all_;
  runtime::Timer tell_timer_;
  std::uint64_t throttled_total_ = 0;
};

}  // namespace moldau::broker

#include "broker/request/request_accounts.h"

#include <utility>

namespace moldau::broker {

RequestAccounts::RequestAccounts(runtime::Shard& shard, Logger& logger, const runtime::Stopwatch& stopwatch,
                                 const Config& config)
    : shard_(shard),
      stopwatch_(stopwatch),
      slow_(logger, config.slow),
      ledger_(config.quotas),
      all_{this},
      tell_timer_(shard.timers(), [this] { tell(); }) {}

void RequestAccounts::set_limits(std::shared_ptr<const QuotaLimits> limits) {
  ledger_.set_limits(std::move(limits));
  times_ = !ledger_.limits().none(QuotaKind::kRequest);
  limited_ = times_ || !ledger_.limits().none(QuotaKind::kProduce) || !ledger_.limits().none(QuotaKind::kFetch);
}

QuotaTime RequestAccounts::quota_time() const noexcept {
  return std::chrono::floor<QuotaTime>(shard_.clock().now().time_since_epoch());
}

bool RequestAccounts::is_held_to_one(std::string_view client_id) const {
  const QuotaClient client{kAnonymous, client_id};
  return ledger_.limits().of(QuotaKind::kProduce, client) || ledger_.limits().of(QuotaKind::kRequest, client);
}

QuotaTime RequestAccounts::charge(QuotaKind kind, std::string_view client_id, double amount) {
  const QuotaTime excess = ledger_.charge(kind, {kAnonymous, client_id}, amount, quota_time());
  charged();
  return excess;
}

void RequestAccounts::add(QuotaKind kind, std::string_view client_id, double amount) {
  ledger_.add(kind, {kAnonymous, client_id}, amount, quota_time());
  charged();
}

std::optional<double> RequestAccounts::burst(QuotaKind kind, std::string_view client_id) const {
  return ledger_.burst(kind, {kAnonymous, client_id});
}

void RequestAccounts::begin_handling() {
  if (times_) {
    measured_from_ = stopwatch_.read();
  }
}

void RequestAccounts::end_handling(std::string_view client_id) {
  if (measured_from_) {
    add(QuotaKind::kRequest, client_id, take_measured());
    measured_from_.reset();
  }
}

QuotaTime RequestAccounts::charge_time(std::string_view client_id) {
  return times_ ? charge(QuotaKind::kRequest, client_id, take_measured()) : QuotaTime(0);
}

// In percent-seconds of a thread.
double RequestAccounts::take_measured() {
  if (!measured_from_) {
    return 0;
  }
  const runtime::MonoTime now = stopwatch_.read();
  const std::chrono::duration<double> passed = now - std::exchange(*measured_from_, now);
  return passed.count() * 100;
}

void RequestAccounts::charged() {
  if (ledger_.has_charges() && !tell_timer_.armed()) {
    tell_timer_.arm(shard_.clock().now() + kTellInterval);
  }
}

void RequestAccounts::tell() {
  const auto charges = std::make_shared<const std::vector<QuotaCharge>>(ledger_.take_charges());
  for (RequestAccounts* other : all_) {
    if (other != this) {
      other->shard_.post([other, charges] { other->ledger_.merge(*charges, other->quota_time()); });
    }
  }
  ledger_.expire(quota_time());
}

}  // namespace moldau::broker

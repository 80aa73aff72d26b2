#include "broker/node/acceptor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/ip_address.h"

namespace moldau::broker {
namespace {

ConnectionLimits::Listener limits_of(const ListenerConfig& listener) {
  return {.connections_max = static_cast<std::size_t>(listener.connections_max),
          .creation_rate = listener.creation_rate == INT32_MAX ? ConnectionLimits::kNoRate : listener.creation_rate,
          .between_brokers = listener.is_for_brokers_alone};
}

}  // namespace

ConnectionLimits::Config connection_limits(const NodeConfig& config, std::size_t descriptors) {
  const auto rate = config.connection_creation_rate;
  return {.connections_max = static_cast<std::size_t>(config.connections_max),
          .descriptors_max = descriptors,
          .per_address_max = static_cast<std::size_t>(config.connections_per_ip_max),
          .per_address_overrides = config.connections_per_ip_overrides,
          .creation_rate = rate == INT32_MAX ? ConnectionLimits::kNoRate : rate,
          .window = config.quota_window};
}

runtime::ListenOptions listen_options(const NodeConfig& config) {
  return {.backlog = config.listen_backlog,
          .receive_buffer_bytes = config.socket_receive_buffer_bytes,
          .send_buffer_bytes = config.socket_send_buffer_bytes};
}

Acceptor::Acceptor(ListenerConfig listener, ConnectionQuota& quota, std::size_t waiting_max, Logger& logger)
    : listener_(std::move(listener)),
      quota_(quota),
      index_(quota.add_listener(limits_of(listener_))),
      waiting_max_(waiting_max),
      logger_(logger),
      hold_timer_(quota.home().timers(), [this] { go_on(); }),
      refused_timer_(quota.home().timers(), [this] { close_refused(); }) {}

Result<> Acceptor::bind(runtime::Network& network, const runtime::ListenOptions& options) {
  MOLDAU_TRY(socket, network.listen(listener_.bind, options, *this));
  socket_ = std::move(socket);
  return {};
}

void Acceptor::open(std::vector<ConnectionTable*> tables) {
  tables_ = std::move(tables);
  admit_waiting();
}

void Acceptor::close() {
  socket_.reset();
  waiting_.clear();
  refused_.clear();
  hold_timer_.cancel();
  refused_timer_.cancel();
  tables_.clear();
}

void Acceptor::set_limits(const ListenerConfig& listener) {
  quota_.set(index_, limits_of(listener));
}

runtime::Endpoint Acceptor::advertised() const {
  runtime::Endpoint endpoint = listener_.told();
  if (endpoint.port == 0) {
    endpoint.port = socket_->local().port;
  }
  return endpoint;
}

void Acceptor::on_accept(std::unique_ptr<runtime::Socket> socket) {
  if (waiting_.size() >= waiting_max_) {
    const runtime::Endpoint& peer = socket->peer();
    ++refused_total_;
    log(logger_, LogLevel::kDebug, "net", "refused {}:{}: {} connections wait already", peer.host, peer.port,
        waiting_max_);
    return;
  }
  waiting_.push_back(std::move(socket));
  admit_waiting();
}

void Acceptor::admit_waiting() {
  while (!tables_.empty() && !waiting_.empty() && !held_up_) {
    admit_front();
  }
}

void Acceptor::go_on() {
  held_up_ = false;
  admit_waiting();
}

// It is admitted, refused, or holds up those behind it.
void Acceptor::admit_front() {
  if (!std::exchange(front_counted_, true)) {
    if (const QuotaTime wait = quota_.arrive(index_); wait.count() > 0) {
      held_up_ = true;
      hold_timer_.arm(quota_.home().clock().now() + wait);
      return;
    }
  }
  if (!quota_.has_room(index_)) {
    log(logger_, LogLevel::kWarn, "net",
        "listener {}: new connections wait, since {} are open, {} of them here: max.connections, or its part of the "
        "open files limit",
        listener_.name, quota_.limits().open(), quota_.limits().open(index_));
    held_up_ = true;
    quota_.wait([this] { go_on(); });
    return;
  }
  std::unique_ptr<runtime::Socket> socket = std::move(waiting_.front());
  waiting_.pop_front();
  front_counted_ = false;
  ConnectionQuota::Admission admission = quota_.admit(index_, IpAddress::parse(socket->peer().host));
  if (admission.judgement.verdict == ConnectionLimits::Verdict::kAdmitted) {
    return deal_out(std::move(socket), std::move(admission.slot));
  }
  refuse(std::move(socket), admission.judgement);
}

void Acceptor::refuse(std::unique_ptr<runtime::Socket> socket, const ConnectionLimits::Judgement& judgement) {
  constexpr auto kBetweenLines = std::chrono::seconds(1);
  const runtime::MonoTime now = quota_.home().clock().now();
  ++refused_total_;
  ++untold_;
  if (now - told_at_ >= kBetweenLines) {
    told_at_ = now;
    const std::string& host = socket->peer().host;
    if (judgement.verdict == ConnectionLimits::Verdict::kTooMany) {
      log(logger_, LogLevel::kWarn, "net",
          "listener {}: refused {} connections, the last from {}, which has {} already", listener_.name, untold_, host,
          judgement.most);
    } else {
      log(logger_, LogLevel::kWarn, "net",
          "listener {}: refused {} connections, the last from {}, which makes too many", listener_.name, untold_, host);
    }
    untold_ = 0;
  }
  if (judgement.close_after.count() > 0 && refused_.size() < waiting_max_ / 2) {
    refused_.push_back({now + judgement.close_after, std::move(socket)});
    if (!refused_timer_.armed()) {
      refused_timer_.arm(now + judgement.close_after);
    }
  }
}

void Acceptor::close_refused() {
  const runtime::MonoTime now = quota_.home().clock().now();
  std::erase_if(refused_, [now](const Refused& one) { return one.close_at <= now; });
  if (!refused_.empty()) {
    refused_timer_.arm(std::ranges::min_element(refused_, {}, &Refused::close_at)->close_at);
  }
}

void Acceptor::deal_out(std::unique_ptr<runtime::Socket> socket, ConnectionSlot slot) {
  const std::size_t shard = next_++ % tables_.size();
  if (shard == 0) {
    tables_[0]->add(std::move(socket), listener_.name, std::move(slot));
    return;
  }
  ConnectionInfo info;
  info.listener_name = listener_.name;
  info.local = socket->local();
  info.peer = socket->peer();
  info.slot = std::move(slot);
  tables_[0]->hand_over(static_cast<std::uint32_t>(shard), socket->detach(), std::move(info), {}, false);
}

}  // namespace moldau::broker

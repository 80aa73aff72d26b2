#include "broker/node/broker_lifecycle.h"

#include <utility>

#include "base/assert.h"

namespace moldau::broker {

using protocol::ErrorCode;

namespace {
// While something is to happen soon the heartbeats do not wait for the interval.
constexpr auto kSoon = std::chrono::milliseconds(10);
}  // namespace

BrokerLifecycle::BrokerLifecycle(runtime::Shard& shard, Logger& logger, metadata::ControllerShell& controller,
                                 metadata::MetadataLoader& loader, Options options, Events events)
    : shard_(shard),
      logger_(logger),
      controller_(controller),
      loader_(loader),
      options_(std::move(options)),
      events_(std::move(events)),
      timer_(shard.timers(), [this] { state_ == State::kRegistering ? register_now() : heartbeat(); }),
      patience_(shard.timers(), [this] { finish_leaving(); }) {}

void BrokerLifecycle::on_controller_active() {
  if (state_ == State::kIdle) {
    state_ = State::kRegistering;
    register_now();
  }
}

void BrokerLifecycle::register_now() {
  controller_.register_broker(options_.registration, [this](auto reply) { on_registration(std::move(reply)); });
}

void BrokerLifecycle::on_registration(std::expected<metadata::BrokerRegistrationReply, metadata::ApiError> reply) {
  if (state_ != State::kRegistering) {
    return;
  }
  if (!reply) {
    if (reply.error().code == ErrorCode::kNotController || reply.error().code == ErrorCode::kRequestTimedOut) {
      timer_.arm(shard_.clock().now() + kSoon);
    } else {
      events_.on_refused(reply.error());
    }
    return;
  }
  epoch_ = reply->epoch;
  state_ = State::kStarting;
  events_.on_registered(epoch_);
  heartbeat();
}

void BrokerLifecycle::ready() {
  ready_ = true;
  if (state_ == State::kStarting) {
    timer_.arm(shard_.clock().now());
  }
}

void BrokerLifecycle::amend_registration() {
  if ((state_ != State::kStarting && state_ != State::kRunning) || amending_) {
    return;
  }
  amending_ = true;
  log(logger_, LogLevel::kInfo, "broker", "the metadata knows log directories now: the registration is sent again");
  controller_.register_broker(options_.registration, [this](auto reply) {
    amending_ = false;
    if (!reply) {
      log(logger_, LogLevel::kWarn, "broker", "the amended registration was refused: {}", reply.error().message);
    }
  });
}

void BrokerLifecycle::on_directories_lost(std::vector<Uuid> ids) {
  lost_directories_ = std::move(ids);
  told_directories_ = false;
  if (state_ == State::kStarting || state_ == State::kRunning) {
    timer_.arm(shard_.clock().now());
  }
}

void BrokerLifecycle::on_cordoned(std::vector<Uuid> ids) {
  cordoned_directories_ = std::move(ids);
  told_directories_ = false;
  if (state_ == State::kStarting || state_ == State::kRunning) {
    timer_.arm(shard_.clock().now());
  }
}

void BrokerLifecycle::heartbeat() {
  if (in_flight_ || state_ == State::kLeft) {
    return;
  }
  in_flight_ = true;
  metadata::BrokerHeartbeat request;
  request.broker = options_.registration.broker;
  request.epoch = epoch_;
  request.metadata_offset = loader_.loaded_end() - 1;
  request.want_fence = !ready_;
  request.want_shut_down = state_ == State::kLeaving;
  request.offline_log_dirs = lost_directories_;
  told_directories_ = true;
  // Told, as Kafka does, once the registration was read: the answer to it was.
  request.cordoned_log_dirs = cordoned_directories_;
  controller_.heartbeat(std::move(request), [this](auto reply) { on_heartbeat(std::move(reply)); });
}

void BrokerLifecycle::on_heartbeat(std::expected<metadata::BrokerHeartbeatReply, metadata::ApiError> reply) {
  in_flight_ = false;
  if (state_ == State::kLeft) {
    return;
  }
  auto next = options_.heartbeat_interval;
  if (!reply) {
    log(logger_, LogLevel::kDebug, "broker", "heartbeat refused: {}", reply.error().message);
    next = kSoon;
  } else if (state_ == State::kLeaving) {
    if (reply->should_shut_down) {
      return finish_leaving();
    }
    next = kSoon;
  } else if (state_ == State::kStarting && !reply->is_fenced) {
    state_ = State::kRunning;
    events_.on_running();
  } else if (state_ == State::kStarting && ready_) {
    next = kSoon;
  }
  if (!told_directories_) {
    next = kSoon;
  }
  timer_.arm(shard_.clock().now() + next);
}

void BrokerLifecycle::leave(std::chrono::milliseconds patience, Callback left) {
  MOLDAU_ASSERT(!left_ && state_ != State::kLeft);
  left_ = std::move(left);
  if (state_ != State::kStarting && state_ != State::kRunning) {
    return finish_leaving();
  }
  state_ = State::kLeaving;
  patience_.arm(shard_.clock().now() + patience);
  timer_.arm(shard_.clock().now());
}

void BrokerLifecycle::finish_leaving() {
  state_ = State::kLeft;
  timer_.cancel();
  patience_.cancel();
  if (left_) {
    // Its owner takes this object apart next: not from inside one of its own callbacks.
    shard_.post([left = std::move(left_)]() mutable { left(); });
  }
}

}  // namespace moldau::broker

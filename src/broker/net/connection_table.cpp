#include "broker/net/connection_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/net/partial_frames.h"

namespace moldau::broker {
namespace {
constexpr auto kSweepInterval = std::chrono::seconds(1);
constexpr auto kSlowCheckInterval = std::chrono::milliseconds(100);  // it looks at every partly received frame
}  // namespace

ConnectionTable::ConnectionTable(runtime::Shard& shard, runtime::Network& network, Logger& logger, const Config& config)
    : shard_(shard),
      network_(network),
      logger_(logger),
      config_(config),
      chunks_(config.memory,
              [this] {
                room_ = true;
                if (anyone_waits()) {
                  go_on_at_turn_end();
                }
              }),
      sweep_timer_(shard.timers(), [this] {
        sweep();
        sweep_timer_.arm(shard_.clock().now() + kSweepInterval);
      }) {
  sweep_timer_.arm(shard_.clock().now() + kSweepInterval);
}

ConnectionTable::~ConnectionTable() {
  draining_ = true;
  connections_.clear();
  shard_.cancel_turn_end(*this);
}

void ConnectionTable::wire(FrameHandler& handler, std::vector<ConnectionTable*> tables) {
  handler_ = &handler;
  tables_ = std::move(tables);
}

void ConnectionTable::add(std::unique_ptr<runtime::Socket> socket, std::string listener_name, ConnectionSlot slot) {
  ConnectionInfo info;
  info.listener_name = std::move(listener_name);
  info.local = socket->local();
  info.peer = socket->peer();
  info.slot = std::move(slot);
  insert(std::move(socket), std::move(info), {});
}

void ConnectionTable::insert(std::unique_ptr<runtime::Socket> socket, ConnectionInfo info, Bytes received) {
  if (draining_) {
    return;
  }
  const ConnectionId id = next_id_++;
  ++opened_total_;
  const Connection::Environment environment{shard_, chunks_, *handler_, *this, config_.frame_bytes_max};
  auto& connection = connections_[id];
  connection = std::make_unique<Connection>(environment, id, std::move(socket), std::move(info));
  connection->start(received);
}

void ConnectionTable::complete(ConnectionId connection, std::uint64_t sequence, Response response) {
  if (const auto found = connections_.find(connection); found != connections_.end()) {
    found->second->complete(sequence, std::move(response));
  }
}

ConnectionInfo* ConnectionTable::info_of(ConnectionId connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() || found->second->closed() ? nullptr : &found->second->info();
}

std::list<Connection*>::iterator ConnectionTable::add_partial(Connection& connection) {
  return partials_.insert(partials_.end(), &connection);
}

void ConnectionTable::remove_partial(std::list<Connection*>::iterator place) {
  const bool was_oldest = place == partials_.begin();
  partials_.erase(place);
  if (was_oldest && !stalled_.empty()) {  // the next one may go on whatever is in use
    room_ = true;
    go_on_at_turn_end();
  }
}

bool ConnectionTable::may_exceed(const Connection& connection) const noexcept {
  return connection.is_beyond_limit() || (!partials_.empty() && partials_.front() == &connection);
}

// The one that is beyond the limit already comes first: until it ends, nobody else may be.
ConnectionTable::Stalled::value_type ConnectionTable::stalled_key(const Connection& connection) {
  return {connection.is_beyond_limit() ? 0 : connection.announced_bytes(), connection.partial_since(), connection.id()};
}

ConnectionTable::Stalled& ConnectionTable::stalled_of(const Connection& connection) noexcept {
  return connection.wants_small() ? stalled_small_ : stalled_;
}

void ConnectionTable::on_stalled(Connection& connection) {
  const bool is_new = stalled_of(connection).insert(stalled_key(connection)).second;
  MOLDAU_ASSERT(is_new, static_cast<std::int64_t>(connection.id()));
  judge_slow_ = true;
  go_on_at_turn_end();
}

void ConnectionTable::on_closed(Connection& connection) {
  if (connection.stalled()) {
    stalled_of(connection).erase(stalled_key(connection));
  }
  closed_.push_back(connection.id());
  go_on_at_turn_end();
}

bool ConnectionTable::anyone_waits() const noexcept {
  return !stalled_.empty() || !stalled_small_.empty() || !arrivals_.empty();
}

void ConnectionTable::go_on_at_turn_end() {
  shard_.at_turn_end(*this);
}

void ConnectionTable::on_turn_end() {
  for (const ConnectionId id : std::exchange(closed_, {})) {
    handler_->on_connection_closed(id);
    wait_for_answers_.erase(id);
    connections_.erase(id);
  }
  resume_starting();
  if (std::exchange(room_, false)) {
    resume_waiting();
  }
  if (std::exchange(judge_slow_, false) && shard_.clock().now() - slow_checked_at_ >= kSlowCheckInterval) {
    close_slow_partials();
  }
  if (draining_ && connections_.empty() && drained_) {
    Callback drained = std::move(drained_);
    drained();
  }
}

void ConnectionTable::resume_waiting() {
  while (!arrivals_.empty() && try_adopt(arrivals_.front())) {
    arrivals_.pop_front();
  }
  resume_oldest();
  resume(stalled_small_);
  resume(stalled_);
}

void ConnectionTable::resume_oldest() {
  if (!partials_.empty() && partials_.front()->stalled()) {
    Connection& oldest = *partials_.front();
    stalled_of(oldest).erase(stalled_key(oldest));
    oldest.resume_receiving();
  }
}

// In order, until one finds no room: then those behind it find none either, or it is their turn first.
void ConnectionTable::resume(Stalled& stalled) {
  Stalled waiting = std::exchange(stalled, {});
  while (!waiting.empty()) {
    const ConnectionId id = std::get<ConnectionId>(waiting.extract(waiting.begin()).value());
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->closed()) {
      continue;
    }
    found->second->resume_receiving();  // stalls again if there is still no room for it
    if (found->second->stalled()) {
      break;
    }
  }
  stalled.merge(waiting);
}

// What those that wait need beyond what is free of the memory that is not reserved.
std::size_t ConnectionTable::bytes_missing() const {
  std::size_t wanted = 0;
  for (const Stalled* stalled : {&stalled_, &stalled_small_}) {
    for (const auto& [announced, since, id] : *stalled) {
      wanted += connections_.at(id)->wanted_bytes();
    }
  }
  for (const Arrival& arrival : arrivals_) {
    wanted += arrival.received.size();
  }
  const std::size_t in_use = chunks_.in_use_bytes() - chunks_.beyond_limit_bytes();
  return in_use + wanted > chunks_.ordinary_bytes_max() ? in_use + wanted - chunks_.ordinary_bytes_max() : 0;
}

void ConnectionTable::close_slow_partials() {
  const runtime::MonoTime now = shard_.clock().now();
  slow_checked_at_ = now;
  std::vector<PartialFrame> slow;
  for (Connection* connection : partials_) {
    if (connection->partial_is_slow(now)) {
      slow.push_back({.connection = connection->id(), .capacity_bytes = connection->partial_capacity()});
    }
  }
  if (slow.empty()) {
    return;
  }
  for (const ConnectionId id : frames_to_close(std::move(slow), bytes_missing())) {
    Connection& connection = *connections_.at(id);
    ++closed_slow_total_;
    log(logger_, LogLevel::kWarn, "net",
        "closed {}:{}: its request arrives slower than {} bytes a second while request memory is short",
        connection.info().peer.host, connection.info().peer.port, ReceiveRate::kSlowBytesPerSecond);
    connection.abandon();
  }
}

void ConnectionTable::on_answers_changed(std::size_t before, std::size_t now) {
  MOLDAU_ASSERT(answer_bytes_ >= before);
  answer_bytes_ = answer_bytes_ - before + now;
  if (!wait_for_answers_.empty() && has_room_for_answers()) {
    go_on_at_turn_end();
  }
}

void ConnectionTable::wait_for_answers(ConnectionId connection) {
  wait_for_answers_.insert(connection);
}

// Each finds out whether there is still room; who finds none waits again.
void ConnectionTable::resume_starting() {
  if (!has_room_for_answers()) {
    return;
  }
  for (const ConnectionId id : std::exchange(wait_for_answers_, {})) {
    if (const auto found = connections_.find(id); found != connections_.end()) {
      found->second->resume_starting();
    }
  }
}

void ConnectionTable::close_deaf() {
  const runtime::MonoTime now = shard_.clock().now();
  std::vector<Connection*> deaf;
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed() && connection->unsent_bytes() > 0 && now - connection->wrote_at() >= kDeafMax) {
      deaf.push_back(connection.get());
    }
  }
  std::ranges::sort(deaf, {}, [](const Connection* one) { return std::pair(one->wrote_at(), one->id()); });
  for (Connection* connection : deaf) {
    if (answer_bytes_ <= config_.memory.memory_bytes_max / 2) {
      return;
    }
    ++closed_deaf_total_;
    log(logger_, LogLevel::kWarn, "net", "closed {}:{}: it takes no answers, while {} bytes of answers wait",
        connection->info().peer.host, connection->info().peer.port, answer_bytes_);
    connection->abandon();
  }
}

void ConnectionTable::sweep() {
  const runtime::MonoTime now = shard_.clock().now();
  for (const auto& [id, connection] : connections_) {
    if (connection->closed()) {
      continue;
    }
    connection->look_at_peer();
    if (!connection->closed() && now - connection->last_active() > config_.idle_max) {
      ++closed_idle_total_;
      connection->abandon();
    }
  }
  if (anyone_waits()) {
    close_slow_partials();
  }
  if (!has_room_for_answers()) {
    close_deaf();
  }
}

void ConnectionTable::hand_over(std::uint32_t to_shard, std::unique_ptr<runtime::DetachedSocket> socket,
                                ConnectionInfo info, ByteVector received, bool beyond_limit) {
  MOLDAU_ASSERT(to_shard < tables_.size() && to_shard != shard_.index(), to_shard);
  chunks_.send_off(received.size(), beyond_limit);
  ConnectionTable* target = tables_[to_shard];
  target->shard().post(
      [target, arrival = Arrival{.from_shard = shard_.index(),
                                 .socket = std::move(socket),
                                 .info = std::move(info),
                                 .received = std::move(received),
                                 .beyond_limit = beyond_limit}]() mutable { target->arrive(std::move(arrival)); });
}

void ConnectionTable::arrive(Arrival arrival) {
  if (draining_) {
    return;
  }
  if (!arrivals_.empty() || !try_adopt(arrival)) {
    arrivals_.push_back(std::move(arrival));
    judge_slow_ = true;
    go_on_at_turn_end();
  }
}

bool ConnectionTable::try_adopt(Arrival& arrival) {
  const std::size_t bytes = arrival.received.size();
  if (bytes > 0 && !chunks_.has_room(bytes, ReceiveBuffer::claim_to_adopt(chunks_, bytes))) {
    return false;
  }
  insert(network_.attach(std::move(arrival.socket)), std::move(arrival.info), arrival.received);
  if (bytes > 0) {
    ConnectionTable* source = tables_[arrival.from_shard];
    source->shard().post([source, bytes, beyond = arrival.beyond_limit] { source->chunks_.arrived(bytes, beyond); });
  }
  return true;
}

void ConnectionTable::drain(Callback done) {
  MOLDAU_ASSERT(!draining_);
  draining_ = true;
  drained_ = std::move(done);
  arrivals_.clear();
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed()) {
      connection->drain();
    }
  }
  shard_.at_turn_end(*this);
}

void ConnectionTable::cut_off() {
  draining_ = true;
  arrivals_.clear();
  for (const auto& [id, connection] : connections_) {
    if (!connection->closed()) {
      connection->abandon();
    }
  }
}

}  // namespace moldau::broker

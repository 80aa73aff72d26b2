#include "sim/world/sim_connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "runtime/fs.h"

namespace moldau::sim {

using runtime::IoResult;
using runtime::IoStatus;
using runtime::MonoTime;
using runtime::OutRegion;
using std::chrono::milliseconds;

namespace {
constexpr milliseconds kRetransmit{200};         // how often a blocked path is tried again
constexpr std::uint64_t kSilenceMaxMs = 30'000;  // until peers of a machine without power notice
}  // namespace

void SimConnection::schedule(MonoTime when, Callback event) {
  net_.events_.schedule(when, kWorldOwner, std::move(event));
}

void SimConnection::start(MonoTime give_up) {
  net_.trace_.add(net_.events_.now(), end(Side::kClient).node, TraceKind::kConnect, id_, end(Side::kServer).node);
  schedule(net_.arrival(), [self = shared_from_this(), give_up] { self->try_handshake(give_up); });
}

void SimConnection::try_handshake(MonoTime give_up) {
  End& client = end(Side::kClient);
  End& server = end(Side::kServer);
  if (client.state != State::kConnecting) {
    return;
  }
  if (net_.blocked(client.node, server.node) || net_.blocked(server.node, client.node)) {
    if (net_.events_.now() >= give_up) {
      refuse();
    } else {
      schedule(net_.events_.now() + kRetransmit,
               [self = shared_from_this(), give_up] { self->try_handshake(give_up); });
    }
    return;
  }
  const auto place = net_.listeners_.find({server.node, server.local.port});
  if (place == net_.listeners_.end() || place->second->handler_ == nullptr ||
      place->second->waiting_ >= place->second->backlog_) {
    schedule(net_.arrival(), [self = shared_from_this()] { self->refuse(); });
    return;
  }
  open_at_server(place->second);
  schedule(net_.arrival(), [self = shared_from_this()] {
    End& there = self->end(Side::kClient);
    if (there.state == State::kConnecting) {
      there.state = State::kOpen;
      self->notify(Side::kClient);
    } else if (there.state == State::kClosed) {  // it gave up meanwhile
      self->send(Side::kServer, {});
    }
  });
}

void SimConnection::open_at_server(const std::shared_ptr<SimListenerCore>& listener) {
  End& server = end(Side::kServer);
  server.shard = listener->shard_;
  server.process = &listener->shard_->process();
  server.state = State::kOpen;
  net_.trace_.add(net_.events_.now(), server.node, TraceKind::kAccept, id_, end(Side::kClient).node);
  ++listener->waiting_;
  // If the queue is dropped unrun (the process died), the socket dies with it and closes.
  listener->shard_->add_ready(
      [listener, socket = std::make_unique<SimSocket>(shared_from_this(), Side::kServer)]() mutable {
        --listener->waiting_;
        if (listener->handler_ != nullptr) {
          listener->handler_->on_accept(std::move(socket));
        } else {
          socket.reset();
        }
      });
}

void SimConnection::refuse() {
  net_.trace_.add(net_.events_.now(), end(Side::kClient).node, TraceKind::kRefuse, id_);
  end(Side::kServer).state = State::kClosed;
  break_end(Side::kClient);
}

bool SimConnection::dead() const noexcept {
  return std::ranges::all_of(ends_, [](const End& end) { return end.state == State::kClosed; });
}

bool SimConnection::readable(const End& end) const noexcept {
  return end.broken || end.end_arrived || !end.received.empty();
}

std::uint64_t SimConnection::room(Side writer) const noexcept {
  const End& to = ends_[static_cast<std::size_t>(other(writer))];
  const std::uint64_t used = to.in_flight + to.received.size();
  return used < to.buffer_bytes ? to.buffer_bytes - used : 0;
}

bool SimConnection::writable(Side side) const noexcept {
  const End& end = ends_[static_cast<std::size_t>(side)];
  return end.broken || (end.state == State::kOpen && room(side) > 0);
}

void SimConnection::watch(Side side, bool for_writing) {
  End& watching = end(side);
  MOLDAU_ASSERT(watching.handler != nullptr && watching.state != State::kClosed);
  (for_writing ? watching.write_watched : watching.read_watched) = true;
  notify(side);
}

// Queues the watched calls whose condition holds; it is looked at again when they run.
void SimConnection::notify(Side side) {
  End& heard = end(side);
  if (heard.shard == nullptr || heard.handler == nullptr) {
    return;
  }
  auto queue = [&](bool for_writing) {
    heard.shard->add_ready([self = shared_from_this(), side, for_writing] {
      End& there = self->end(side);
      bool& watched = for_writing ? there.write_watched : there.read_watched;
      const bool holds = for_writing ? self->writable(side) : self->readable(there);
      if (there.handler == nullptr || !holds || !std::exchange(watched, false)) {
        return;
      }
      if (for_writing) {
        there.handler->on_writable();
      } else {
        there.handler->on_readable();
      }
    });
  };
  if (heard.read_watched && readable(heard)) {
    queue(false);
  }
  if (heard.write_watched && writable(side)) {
    queue(true);
  }
}

IoResult SimConnection::read(Side side, MutableBytes into) {
  End& reader = end(side);
  MOLDAU_ASSERT(!into.empty());
  if (reader.broken || reader.state == State::kClosed) {
    return {IoStatus::kClosed, 0};
  }
  if (reader.received.empty()) {
    return {reader.end_arrived ? IoStatus::kClosed : IoStatus::kWouldBlock, 0};
  }
  std::size_t count = std::min(into.size(), reader.received.size());
  if (net_.random_.chance(net_.faults_.short_read_ppm)) {
    count = net_.random_.between(1, count);
  }
  const auto stop = reader.received.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(reader.received.begin(), stop, into.begin());
  reader.received.erase(reader.received.begin(), stop);
  schedule(net_.arrival(), [self = shared_from_this(), side] { self->notify(other(side)); });  // there is room again
  return {IoStatus::kOk, count};
}

IoResult SimConnection::write(Side side, std::span<const OutRegion> regions) {
  End& writer = end(side);
  if (writer.broken || writer.state == State::kClosed) {
    return {IoStatus::kClosed, 0};
  }
  std::uint64_t wanted = 0;
  for (const OutRegion& region : regions) {
    wanted += region.file != nullptr ? region.size : region.memory.size();
  }
  MOLDAU_ASSERT(wanted > 0);
  std::uint64_t count = writer.state == State::kOpen ? std::min(wanted, room(side)) : 0;
  if (count == 0) {
    return {IoStatus::kWouldBlock, 0};
  }
  if (net_.random_.chance(net_.faults_.short_write_ppm)) {
    count = net_.random_.between(1, count);
  }
  ByteVector bytes;
  bytes.reserve(count);
  for (const OutRegion& region : regions) {
    const std::uint64_t left = count - bytes.size();
    if (region.file == nullptr) {
      const Bytes part = region.memory.first(std::min<std::uint64_t>(region.memory.size(), left));
      bytes.insert(bytes.end(), part.begin(), part.end());
      continue;
    }
    const std::uint64_t size = std::min<std::uint64_t>(region.size, left);
    if (size == 0) {
      continue;
    }
    const std::size_t before = bytes.size();
    bytes.resize(before + size);
    const auto got = region.file->read_at(region.position, MutableBytes(bytes).subspan(before));
    bytes.resize(before + got.value_or(0));
    if (got.value_or(0) < size) {  // a short or failing file ends the stream here, as sendfile does
      break;
    }
  }
  if (bytes.empty()) {
    return {IoStatus::kClosed, 0};
  }
  const std::size_t accepted = bytes.size();
  send(other(side), std::move(bytes));
  return {IoStatus::kOk, accepted};
}

runtime::PeerState SimConnection::peer_state(Side side) const noexcept {
  const End& asking = ends_[static_cast<std::size_t>(side)];
  if (asking.broken || asking.state == State::kClosed) {
    return runtime::PeerState::kGone;
  }
  return asking.end_arrived ? runtime::PeerState::kEnded : runtime::PeerState::kHere;
}

void SimConnection::send(Side to, ByteVector bytes) {
  End& receiver = end(to);
  receiver.in_flight += bytes.size();
  const MonoTime give_up = net_.events_.now() + net_.faults_.give_up_after;
  while (bytes.size() > 1 && net_.random_.chance(net_.faults_.short_read_ppm)) {  // arrives in pieces
    const auto cut = static_cast<std::ptrdiff_t>(net_.random_.between(1, bytes.size() - 1));
    receiver.last_arrival = std::max(receiver.last_arrival, net_.arrival());
    schedule(receiver.last_arrival,
             [self = shared_from_this(), to, piece = ByteVector(bytes.begin(), bytes.begin() + cut),
              give_up]() mutable { self->arrive(to, std::move(piece), give_up); });
    bytes.erase(bytes.begin(), bytes.begin() + cut);
  }
  receiver.last_arrival = std::max(receiver.last_arrival, net_.arrival());
  schedule(receiver.last_arrival, [self = shared_from_this(), to, bytes = std::move(bytes), give_up]() mutable {
    self->arrive(to, std::move(bytes), give_up);
  });
}

void SimConnection::arrive(Side to, ByteVector bytes, MonoTime give_up) {
  End& receiver = end(to);
  const End& sender = end(other(to));
  if (receiver.broken || sender.broken) {
    return;
  }
  auto& held = held_[static_cast<std::size_t>(to)];
  if (held.empty() && !net_.blocked(sender.node, receiver.node)) {
    deliver(to, bytes);
    return;
  }
  held.push_back({std::move(bytes), give_up});  // older bytes go first, also once the path is open again
  if (held.size() == 1) {
    schedule(net_.events_.now() + kRetransmit, [self = shared_from_this(), to] { self->retransmit(to); });
  }
}

void SimConnection::retransmit(Side to) {
  auto& held = held_[static_cast<std::size_t>(to)];
  if (end(to).broken || end(other(to)).broken) {
    held.clear();
    return;
  }
  if (net_.blocked(end(other(to)).node, end(to).node)) {
    if (net_.events_.now() >= held.front().give_up) {
      reset();
      return;
    }
    schedule(net_.events_.now() + kRetransmit, [self = shared_from_this(), to] { self->retransmit(to); });
    return;
  }
  while (!held.empty() && !end(to).broken) {
    const Held next = std::move(held.front());
    held.pop_front();
    deliver(to, next.bytes);
  }
}

void SimConnection::deliver(Side to, const ByteVector& bytes) {
  End& receiver = end(to);
  net_.trace_.add(net_.events_.now(), receiver.node, TraceKind::kDeliver, id_, static_cast<std::uint64_t>(to), bytes);
  if (net_.random_.chance(net_.faults_.reset_ppm)) {
    reset();
    return;
  }
  receiver.in_flight -= bytes.size();
  if (receiver.state == State::kConnecting) {  // bytes imply the end of the handshake
    receiver.state = State::kOpen;
  }
  if (receiver.state == State::kClosed) {
    if (!bytes.empty()) {  // nobody reads it: the kernel answers with a reset
      schedule(net_.arrival(), [self = shared_from_this(), to] { self->break_end(other(to)); });
    }
    return;
  }
  if (bytes.empty()) {
    receiver.end_arrived = true;
  } else {
    receiver.received.insert(receiver.received.end(), bytes.begin(), bytes.end());
  }
  notify(to);
}

void SimConnection::break_end(Side side) {
  End& broken = end(side);
  broken.broken = true;
  broken.received.clear();
  if (broken.state == State::kConnecting) {
    broken.state = State::kOpen;  // so that watches count; every call says closed
  }
  notify(side);
}

void SimConnection::reset() {
  net_.trace_.add(net_.events_.now(), end(Side::kClient).node, TraceKind::kReset, id_);
  break_end(Side::kClient);
  break_end(Side::kServer);
}

void SimConnection::close(Side side) {
  End& closing = end(side);
  if (closing.state == State::kClosed) {
    return;
  }
  const bool was_open = closing.state == State::kOpen && !closing.broken;
  closing.state = State::kClosed;
  closing.handler = nullptr;
  closing.shard = nullptr;
  if (!was_open) {
    return;
  }
  if (closing.received.empty()) {
    send(other(side), {});
  } else {  // bytes that nobody will read: a reset instead of an end
    schedule(net_.arrival(), [self = shared_from_this(), side] { self->break_end(other(side)); });
  }
  closing.received.clear();
}

void SimConnection::fall_silent(Side side) {
  End& gone = end(side);
  if (gone.state == State::kClosed) {
    return;
  }
  gone.state = State::kClosed;
  gone.handler = nullptr;
  gone.shard = nullptr;
  gone.broken = true;  // nothing that is still in flight arrives, in either direction
  const auto silence = milliseconds(net_.random_.below(kSilenceMaxMs));
  schedule(net_.events_.now() + silence, [self = shared_from_this(), side] { self->break_end(other(side)); });
}

SimSocket::~SimSocket() {
  if (connection_) {
    connection_->close(side_);
  }
}

std::unique_ptr<runtime::DetachedSocket> SimSocket::detach() {
  SimConnection::End& end = connection_->end(side_);
  MOLDAU_ASSERT(!end.read_watched && !end.write_watched);
  end.handler = nullptr;
  end.shard = nullptr;
  return std::make_unique<SimDetachedSocket>(std::move(connection_), side_);
}

std::unique_ptr<runtime::Socket> SimDetachedSocket::attach(SimShard& shard) {
  connection_->end(side_).shard = &shard;
  return std::make_unique<SimSocket>(std::move(connection_), side_);
}

}  // namespace moldau::sim

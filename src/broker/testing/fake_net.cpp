#include "broker/testing/fake_net.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "runtime/fs.h"

namespace moldau::broker::testing {

using runtime::IoResult;
using runtime::IoStatus;

void FakePeer::send(Bytes bytes) {
  incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
  notify();
}

void FakePeer::end() {
  ended_ = true;
  notify();
}

void FakePeer::reset() {
  reset_ = true;
  notify();
}

void FakePeer::set_window(std::size_t bytes) {
  window_ = bytes;
  notify();
}

ByteVector FakePeer::take_received() {
  return std::exchange(received_, {});
}

void FakePeer::notify() {
  if (socket_ != nullptr) {
    socket_->notify();
  }
}

FakeSocket::FakeSocket(ManualShard& shard, std::shared_ptr<FakePeer> peer) : shard_(shard), peer_(std::move(peer)) {
  peer_->socket_ = this;
}

FakeSocket::~FakeSocket() {
  *alive_ = false;
  if (peer_) {
    peer_->socket_ = nullptr;
    peer_->closed_ = true;
  }
}

void FakeSocket::watch_readable() {
  MOLDAU_ASSERT(handler_ != nullptr && peer_ != nullptr);
  read_watched_ = true;
  notify();
}

void FakeSocket::watch_writable() {
  MOLDAU_ASSERT(handler_ != nullptr && peer_ != nullptr);
  write_watched_ = true;
  notify();
}

// Readiness comes in a later event, as in both worlds.
void FakeSocket::notify() {
  const bool readable = peer_->unread() > 0 || peer_->ended_ || peer_->reset_;
  if (read_watched_ && readable) {
    shard_.add_ready([this, alive = alive_] {
      if (*alive && std::exchange(read_watched_, false)) {
        handler_->on_readable();
      }
    });
  }
  if (write_watched_ && (peer_->window_ > 0 || peer_->reset_)) {
    shard_.add_ready([this, alive = alive_] {
      if (*alive && std::exchange(write_watched_, false)) {
        handler_->on_writable();
      }
    });
  }
}

IoResult FakeSocket::try_read(MutableBytes into) {
  MOLDAU_ASSERT(!into.empty());
  if (peer_->reset_) {
    return {IoStatus::kClosed, 0};
  }
  if (peer_->unread() == 0) {
    return {peer_->ended_ ? IoStatus::kClosed : IoStatus::kWouldBlock, 0};
  }
  const std::size_t bytes = std::min({into.size(), peer_->unread(), peer_->read_max_});
  std::memcpy(into.data(), peer_->incoming_.data() + peer_->read_at_, bytes);
  peer_->read_at_ += bytes;
  if (peer_->unread() == 0) {
    peer_->incoming_.clear();
    peer_->read_at_ = 0;
  }
  return {IoStatus::kOk, bytes};
}

IoResult FakeSocket::try_write(std::span<const runtime::OutRegion> regions) {
  if (peer_->reset_) {
    return {IoStatus::kClosed, 0};
  }
  std::size_t written = 0;
  for (const runtime::OutRegion& region : regions) {
    const std::size_t bytes = std::min(region.size, peer_->window_);
    ByteVector content(bytes);
    if (region.file != nullptr) {
      const auto read = region.file->read_at(region.position, content);
      MOLDAU_ASSERT(read && *read == bytes);
    } else {
      content = to_vector(region.memory.first(bytes));
    }
    peer_->received_.insert(peer_->received_.end(), content.begin(), content.end());
    peer_->window_ -= peer_->window_ == SIZE_MAX ? 0 : bytes;
    written += bytes;
    if (bytes < region.size) {
      break;
    }
  }
  return written > 0 ? IoResult{IoStatus::kOk, written} : IoResult{IoStatus::kWouldBlock, 0};
}

runtime::PeerState FakeSocket::peer_state() const noexcept {
  if (peer_->reset_) {
    return runtime::PeerState::kGone;
  }
  return peer_->ended_ ? runtime::PeerState::kEnded : runtime::PeerState::kHere;
}

std::unique_ptr<runtime::DetachedSocket> FakeSocket::detach() {
  MOLDAU_ASSERT(!read_watched_ && !write_watched_);
  peer_->socket_ = nullptr;
  return std::make_unique<FakeDetachedSocket>(std::move(peer_));
}

FakeDetachedSocket::~FakeDetachedSocket() {
  if (peer_) {
    peer_->closed_ = true;
  }
}

Result<std::unique_ptr<runtime::Listener>> FakeNetwork::listen(const runtime::Endpoint& /*at*/,
                                                               const runtime::ListenOptions& /*options*/,
                                                               runtime::AcceptHandler& /*handler*/) {
  return fail(ErrorKind::kUnsupported, "the test's network does not listen");
}

Result<std::unique_ptr<runtime::Socket>> FakeNetwork::connect(const runtime::Endpoint& /*to*/) {
  return fail(ErrorKind::kUnsupported, "the test's network does not connect");
}

std::unique_ptr<runtime::Socket> FakeNetwork::attach(std::unique_ptr<runtime::DetachedSocket> socket) {
  auto* fake = dynamic_cast<FakeDetachedSocket*>(socket.get());
  MOLDAU_ASSERT(fake != nullptr);
  return std::make_unique<FakeSocket>(shard_, fake->release());
}

}  // namespace moldau::broker::testing

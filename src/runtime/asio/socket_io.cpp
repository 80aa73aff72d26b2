#include "runtime/asio/socket_io.h"

#include <array>
#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/assert.h"
#include "runtime/asio/posix_fs.h"

namespace moldau::runtime {
namespace {

constexpr std::size_t kSendIovecsMax = 256;             // regions handed to one sendmsg; below IOV_MAX, on the stack
constexpr std::size_t kSendfileBytesMax = 0x7FFF'F000;  // what one sendfile call moves at most

struct Moved {
  std::size_t bytes = 0;
  bool all = false;     // everything asked for
  bool broken = false;  // the stream cannot go on
};

bool would_block(int code) noexcept {
  return code == EAGAIN || code == EWOULDBLOCK;
}

// Sends the leading memory regions (at most kSendIovecsMax); says through `count` how many it took on.
Moved send_memory(int descriptor, std::span<const OutRegion> regions, std::size_t& count) noexcept {
  std::array<iovec, kSendIovecsMax> vectors;
  std::size_t bytes = 0;
  count = 0;
  while (count < regions.size() && count < kSendIovecsMax && regions[count].file == nullptr) {
    const Bytes memory = regions[count].memory;
    vectors[count] = {const_cast<std::byte*>(memory.data()), memory.size()};
    bytes += memory.size();
    ++count;
  }
  if (bytes == 0) {
    return {0, true, false};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const bool more = count < regions.size();
  for (;;) {
    const ssize_t sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (sent >= 0) {
      return {static_cast<std::size_t>(sent), static_cast<std::size_t>(sent) == bytes, false};
    }
    if (errno != EINTR) {
      return {0, false, !would_block(errno)};
    }
  }
}

Moved send_file(int descriptor, const OutRegion& region) noexcept {
  const auto* file = dynamic_cast<const PosixFile*>(region.file);
  MOLDAU_ASSERT(file != nullptr);  // production sockets and production files go together
  Moved moved;
  while (moved.bytes < region.size) {
    auto offset = static_cast<off_t>(region.position + moved.bytes);
    const ssize_t sent =
        ::sendfile(descriptor, file->descriptor(), &offset, std::min(region.size - moved.bytes, kSendfileBytesMax));
    if (sent > 0) {
      moved.bytes += static_cast<std::size_t>(sent);
    } else if (sent == 0) {
      moved.broken = true;  // the file ended
      return moved;
    } else if (errno != EINTR) {
      moved.broken = !would_block(errno);
      return moved;
    }
  }
  moved.all = true;
  return moved;
}

}  // namespace

IoResult receive_some(int descriptor, MutableBytes into) noexcept {
  MOLDAU_ASSERT(!into.empty());
  for (;;) {
    const ssize_t count = ::recv(descriptor, into.data(), into.size(), MSG_DONTWAIT);
    if (count > 0) {
      return {IoStatus::kOk, static_cast<std::size_t>(count)};
    }
    if (count == 0) {
      return {IoStatus::kClosed, 0};
    }
    if (errno != EINTR) {
      return {would_block(errno) ? IoStatus::kWouldBlock : IoStatus::kClosed, 0};
    }
  }
}

IoResult send_regions(int descriptor, std::span<const OutRegion> regions) {
  MOLDAU_ASSERT(!regions.empty());
  std::size_t total = 0;
  while (!regions.empty()) {
    std::size_t count = 1;
    const Moved moved = regions.front().file != nullptr ? send_file(descriptor, regions.front())
                                                        : send_memory(descriptor, regions, count);
    total += moved.bytes;
    if (!moved.all) {
      if (total > 0) {
        return {IoStatus::kOk, total};  // what broke the stream shows again at the next call
      }
      return {moved.broken ? IoStatus::kClosed : IoStatus::kWouldBlock, 0};
    }
    regions = regions.subspan(count);
  }
  MOLDAU_ASSERT(total > 0);  // nothing to send is the caller's mistake
  return {IoStatus::kOk, total};
}

PeerState peer_state_of(int descriptor) noexcept {
  pollfd looked_at{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  if (::poll(&looked_at, 1, 0) <= 0) {
    return PeerState::kHere;
  }
  if ((looked_at.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    return PeerState::kGone;
  }
  return (looked_at.revents & POLLRDHUP) != 0 ? PeerState::kEnded : PeerState::kHere;
}

}  // namespace moldau::runtime

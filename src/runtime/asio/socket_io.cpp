#include "runtime/asio/socket_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
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
// File regions of one sendmsg that are read into memory, on the stack, and not left to sendfile. Behind a sendfile the
// rest of an answer would leave in a segment of its own, and wake the peer once more for a few bytes.
constexpr std::size_t kReadBytesMax = std::size_t{16} << 10;

struct Moved {
  std::size_t bytes = 0;
  bool all = false;     // everything asked for
  bool broken = false;  // the stream cannot go on
};

bool would_block(int code) noexcept {
  return code == EAGAIN || code == EWOULDBLOCK;
}

// What one sendmsg takes on: memory, and small file regions read into memory.
struct Gathered {
  std::array<iovec, kSendIovecsMax> vectors;  // filled as counted
  std::array<std::byte, kReadBytesMax> read;
  std::size_t count = 0;
  std::size_t bytes = 0;
};

void gather(Gathered& gathered, std::span<const OutRegion> regions) {
  std::size_t read = 0;
  for (; gathered.count < regions.size() && gathered.count < kSendIovecsMax; ++gathered.count) {
    const OutRegion& region = regions[gathered.count];
    Bytes memory = region.memory;
    if (region.file != nullptr) {
      if (region.size > kReadBytesMax - read) {
        return;
      }
      const MutableBytes into = MutableBytes(gathered.read).subspan(read, region.size);
      const Result<std::size_t> got = region.file->read_at(region.position, into);
      if (!got || *got < into.size()) {
        return;  // sendfile will say so, behind what there is
      }
      read += region.size;
      memory = into;
    }
    gathered.vectors[gathered.count] = {const_cast<std::byte*>(memory.data()), memory.size()};
    gathered.bytes += memory.size();
  }
}

Moved send_file(int descriptor, const OutRegion& region) {
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

// Sends the leading regions that gather() takes on, else the file region that is first; says through `count` how many
// they are.
Moved send_some(int descriptor, std::span<const OutRegion> regions, std::size_t& count) {
  Gathered gathered;
  gather(gathered, regions);
  count = gathered.count;
  if (count == 0) {
    count = 1;
    return send_file(descriptor, regions.front());
  }
  if (gathered.bytes == 0) {
    return {0, true, false};
  }
  msghdr message{};
  message.msg_iov = gathered.vectors.data();
  message.msg_iovlen = count;
  const bool more = count < regions.size();
  for (;;) {
    const ssize_t sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (sent >= 0) {
      return {static_cast<std::size_t>(sent), static_cast<std::size_t>(sent) == gathered.bytes, false};
    }
    if (errno != EINTR) {
      return {0, false, !would_block(errno)};
    }
  }
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
    std::size_t count = 0;
    const Moved moved = send_some(descriptor, regions, count);
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

// The system calls that move bytes of a connected non-blocking socket: recv, sendmsg, sendfile.
#pragma once

#include <span>

#include "runtime/net.h"

namespace moldau::runtime {

[[nodiscard]] IoResult receive_some(int descriptor, MutableBytes into) noexcept;
// Memory regions and small file regions in a row leave in one call; those that a larger file region follows are held
// back by the kernel to share its packets. A file that is shorter than its region ends the stream (kClosed): the peer
// was promised those bytes.
[[nodiscard]] IoResult send_regions(int descriptor, std::span<const OutRegion> regions);

// Of a connected socket.
[[nodiscard]] PeerState peer_state_of(int descriptor) noexcept;

}  // namespace moldau::runtime

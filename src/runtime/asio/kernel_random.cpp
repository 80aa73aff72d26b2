#include "runtime/asio/kernel_random.h"

#include <cerrno>
#include <utility>

#include <sys/random.h>

#include "base/assert.h"

namespace moldau::runtime {

std::uint64_t KernelRandom::next() {
  if (used_ == block_.size()) {
    ssize_t count = 0;
    do {
      count = ::getrandom(block_.data(), sizeof block_, 0);
    } while (count < 0 && errno == EINTR);
    MOLDAU_ASSERT(count == static_cast<ssize_t>(sizeof block_), count, errno);
    used_ = 0;
  }
  return std::exchange(block_[used_++], 0);  // no number stays in memory after its use
}

}  // namespace moldau::runtime

// The answers of one connection that have not left yet: gathers them into one write, goes on after a partial one.
#pragma once

#include <cstddef>
#include <deque>

#include "broker/net/response.h"
#include "runtime/net.h"

namespace moldau::broker {

class Outgoing {
 public:
  void push(Response response);

  // Writes until all has left or the socket is full. kOk: all left; kWouldBlock: wait for writability; kClosed: the
  // peer is gone.
  [[nodiscard]] runtime::IoStatus flush(runtime::Socket& socket);

  [[nodiscard]] bool empty() const noexcept { return queue_.empty(); }
  // Bytes held in memory; file ranges cost nothing.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  static constexpr std::size_t kRegionsMax = 64;  // of one gathered write

  std::size_t gather(runtime::OutRegion (&regions)[kRegionsMax]) const;
  void consume(std::size_t bytes);

  std::deque<Response> queue_;
  std::size_t sent_of_front_ = 0;  // bytes of the front answer, ranges included, that have left
  std::size_t memory_bytes_ = 0;
};

}  // namespace moldau::broker

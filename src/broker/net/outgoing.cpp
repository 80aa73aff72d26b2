#include "broker/net/outgoing.h"

#include <span>
#include <utility>

#include "base/assert.h"

namespace moldau::broker {
namespace {

// Calls piece(memory) or piece(range) for every part of the answer, in order, until it returns false.
template <class Memory, class Range>
bool for_each_piece(const Response& response, Memory memory, Range range) {
  std::size_t at = 0;
  for (const Response::Splice& splice : response.splices) {
    if (splice.at > at && !memory(Bytes(response.frame).subspan(at, splice.at - at))) {
      return false;
    }
    at = splice.at;
    if (splice.range.size_bytes > 0 && !range(splice.range)) {
      return false;
    }
  }
  return at == response.frame.size() || memory(Bytes(response.frame).subspan(at));
}

}  // namespace

void Outgoing::push(Response response) {
  MOLDAU_ASSERT(response.kind == Response::Kind::kAnswer && !response.frame.empty());
  memory_bytes_ += response.memory_bytes();
  queue_.push_back(std::move(response));
}

std::size_t Outgoing::gather(runtime::OutRegion (&regions)[kRegionsMax]) const {
  std::size_t count = 0;
  std::size_t skip = sent_of_front_;
  for (const Response& response : queue_) {
    const bool more = for_each_piece(
        response,
        [&](Bytes memory) {
          if (skip >= memory.size()) {
            skip -= memory.size();
            return true;
          }
          const Bytes rest = memory.subspan(std::exchange(skip, 0));
          regions[count++] = {.memory = rest, .file = nullptr, .position = 0, .size = rest.size()};
          return count < kRegionsMax;
        },
        [&](const FileRange& range) {
          if (skip >= range.size_bytes) {
            skip -= range.size_bytes;
            return true;
          }
          const std::size_t skipped = std::exchange(skip, 0);
          regions[count++] = {.memory = {},
                              .file = range.file.get(),
                              .position = range.position + skipped,
                              .size = range.size_bytes - skipped};
          return count < kRegionsMax;
        });
    if (!more) {
      break;
    }
  }
  return count;
}

void Outgoing::consume(std::size_t bytes) {
  sent_of_front_ += bytes;
  while (!queue_.empty()) {
    const std::size_t size = queue_.front().size_bytes();
    if (sent_of_front_ < size) {
      return;
    }
    sent_of_front_ -= size;
    memory_bytes_ -= queue_.front().memory_bytes();
    queue_.pop_front();
  }
  MOLDAU_ASSERT(sent_of_front_ == 0, static_cast<std::int64_t>(sent_of_front_));
}

runtime::IoStatus Outgoing::flush(runtime::Socket& socket) {
  while (!queue_.empty()) {
    runtime::OutRegion regions[kRegionsMax];
    const std::size_t count = gather(regions);
    const runtime::IoResult result = socket.try_write(std::span(regions, count));
    if (result.status != runtime::IoStatus::kOk) {
      return result.status;
    }
    consume(result.bytes);
  }
  return runtime::IoStatus::kOk;
}

}  // namespace moldau::broker

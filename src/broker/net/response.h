// One answer on its way to a client: bytes in memory, with file ranges spliced in that leave by sendfile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "runtime/net.h"

namespace moldau::runtime {
class File;
}

namespace moldau::broker {

// A range of a log segment. The reference keeps the file open, and its inode alive, until the bytes have left.
struct FileRange {
  std::shared_ptr<const runtime::File> file;
  std::uint64_t position = 0;
  std::size_t size_bytes = 0;
};

// Invariants: splices are in order of `at`; `frame` begins with the size field, which counts the spliced bytes too.
struct Response {
  struct Splice {
    std::size_t at = 0;  // the range goes before frame[at]
    FileRange range;
  };

  enum class Kind : std::uint8_t {
    kAnswer,  // send the frame
    kNone,    // nothing is owed (acks=0)
    kClose,   // send what is before it, then close the connection: Kafka's answer to what it cannot parse
  };

  ByteVector frame;
  std::vector<Splice> splices;
  Kind kind = Kind::kAnswer;
  std::chrono::milliseconds mute{0};  // for so long nothing more of the client is started (KIP-219)

  [[nodiscard]] static Response none() { return {.frame = {}, .splices = {}, .kind = Kind::kNone, .mute = {}}; }
  [[nodiscard]] static Response close() { return {.frame = {}, .splices = {}, .kind = Kind::kClose, .mute = {}}; }

  // What it holds until it has left; the files' bytes are not in memory.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof(Response) + frame.capacity() + splices.capacity() * sizeof(Splice);
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    std::size_t size = frame.size();
    for (const Splice& splice : splices) {
      size += splice.range.size_bytes;
    }
    return size;
  }
};

}  // namespace moldau::broker

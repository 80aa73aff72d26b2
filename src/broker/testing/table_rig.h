// Connection tables on fake shards, with a handler that answers each frame with its own bytes, at once or when told to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/connection_table.h"
#include "broker/testing/fake_net.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker::testing {

inline constexpr std::size_t kKiB = std::size_t{1} << 10;
inline constexpr std::size_t kMiB = std::size_t{1} << 20;

// A frame on the wire: size field and content. The first two bytes are the API key: 0 is a Produce.
[[nodiscard]] ByteVector framed(Bytes content);
[[nodiscard]] ByteVector produce_frame(std::size_t content_bytes, char fill = 'p');
[[nodiscard]] ByteVector other_frame(std::size_t content_bytes, char fill = 'f');
// Only the size field.
[[nodiscard]] ByteVector size_field(std::int32_t bytes);
// The whole frames in `stream`, content only; asserts that nothing is left over.
[[nodiscard]] std::vector<ByteVector> frames_in(Bytes stream);

class NullLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return false; }
  void write(LogLevel /*level*/, std::string_view /*area*/, std::string_view /*text*/) override {}
};

class EchoHandler final : public FrameHandler {
 public:
  struct Held {
    Frame frame;
    ResponseTicket ticket;
  };

  [[nodiscard]] std::uint32_t home_of(const ConnectionInfo& info, Bytes frame) override;
  void on_frame(ConnectionInfo& info, Frame frame, ResponseTicket ticket) override;
  void on_connection_closed(ConnectionId connection) override { closed.push_back(connection); }

  // Answers the oldest held frame, or the one at `index`.
  void answer(std::size_t index = 0);
  void answer_all();

  std::uint32_t own_shard = 0;
  std::uint32_t home = 0;  // where Produces live
  bool hold = false;       // keep frames until answer()
  bool one_at_a_time = false;
  std::chrono::milliseconds mute{0};  // after each answer
  std::vector<ByteVector> frames;
  std::deque<std::unique_ptr<Held>> held;
  std::vector<ConnectionId> closed;
};

class TableRig {
 public:
  explicit TableRig(const ConnectionTable::Config& config = {}, std::uint32_t shards = 1);
  TableRig(const TableRig&) = delete;
  TableRig& operator=(const TableRig&) = delete;
  ~TableRig();

  // A new connection; its peer.
  std::shared_ptr<FakePeer> connect(std::uint32_t shard = 0);
  // Turns of all shards until nothing is left to do.
  void settle();
  // Time passes in steps of a quarter of a second, with turns between them.
  void pass(std::chrono::milliseconds time);

  [[nodiscard]] ManualShard& shard(std::uint32_t index = 0) { return *shards_[index].shard; }
  [[nodiscard]] EchoHandler& handler(std::uint32_t index = 0) { return *shards_[index].handler; }
  [[nodiscard]] ConnectionTable& table(std::uint32_t index = 0) { return *shards_[index].table; }

 private:
  struct Part {
    std::unique_ptr<ManualShard> shard;
    std::unique_ptr<FakeNetwork> network;
    std::unique_ptr<EchoHandler> handler;
    std::unique_ptr<ConnectionTable> table;
  };

  NullLogger logger_;
  std::vector<Part> shards_;
};

}  // namespace moldau::broker::testing

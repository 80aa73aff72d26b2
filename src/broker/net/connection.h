// One client connection: bytes to frames, frames to the handler, answers back in request order.
//
// Shard:       lives on one shard; may be handed over once, before its first Produce or Fetch is handled.
// Invariants:
//   C1  answers leave in the order of their requests, whatever order they complete in.
//   C2  only a Produce may start while earlier requests are unanswered, and only if those are all Produces; any other
//       request starts when all before it are answered. What a client sees is Kafka's one request at a time.
//   C3  a frame that may not start yet stays where it is, and its place does not grow: a peer that takes no answers, or
//       waits for one, holds no more request memory than it had.
//   C4  a connection that holds no partial frame and owes no answer holds no chunk.
//   C5  what arrived whole before the peer's end of stream is answered, as long as an answer leaves every
//       kPeerEndedMax.
//   C6  a peer that has left is noticed while nothing is read too: see look_at_peer.
//   C7  after an answer that mutes it no frame is started, and nothing read, until that time is over; what was started
//       before is answered.
//   C8  while the answers of the shard that wait for their peers take too much memory (ConnectionTable T4), no frame is
//       started but a Produce or Fetch, whose answers are small, of a peer that has taken what it was owed.
// Bounds: frame_bytes_max = socket.request.max.bytes; kUnansweredMax; kOutgoingBytesMax.
// Source: Kafka's SocketServer and Selector (inventory §6, 1 and 2). Difference: Produces are pipelined (C2).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "broker/net/chunk_pool.h"
#include "broker/net/connection_quota.h"
#include "broker/net/outgoing.h"
#include "broker/net/receive_buffer.h"
#include "broker/net/receive_rate.h"
#include "broker/net/response.h"
#include "runtime/net.h"
#include "runtime/shard.h"
#include "runtime/timer.h"

namespace moldau::broker {

class ConnectionTable;

using ConnectionId = std::uint64_t;  // unique on its shard for the life of the process

// What is known of the peer beyond its bytes; moves along when the connection is handed over.
struct ConnectionInfo {
  std::string listener_name;
  runtime::Endpoint local;
  runtime::Endpoint peer;
  std::string software_name = "unknown";  // from ApiVersions v3+
  std::string software_version = "unknown";
  std::string client_id;       // of the last request
  bool handed_over = false;    // it may not move again
  bool one_at_a_time = false;  // its Produces wait for each other: no quota is outrun by what is in flight
  ConnectionSlot slot;
};

// The right to answer one request, once. Destroyed unanswered, it closes the connection: nothing is swallowed.
class ResponseTicket {
 public:
  ResponseTicket(ConnectionTable& table, ConnectionId connection, std::uint64_t sequence) noexcept
      : table_(&table), connection_(connection), sequence_(sequence) {}
  ResponseTicket(ResponseTicket&& other) noexcept;
  ResponseTicket& operator=(ResponseTicket&&) = delete;
  ~ResponseTicket();

  void answer(Response response);
  // Null if the connection has gone meanwhile.
  [[nodiscard]] ConnectionInfo* info() const noexcept;
  [[nodiscard]] ConnectionId connection() const noexcept { return connection_; }

 private:
  ConnectionTable* table_;
  ConnectionId connection_;
  std::uint64_t sequence_;
};

class FrameHandler {
 public:
  virtual ~FrameHandler() = default;
  // Where the connection should live before this frame is handled; its own shard's index for "here".
  [[nodiscard]] virtual std::uint32_t home_of(const ConnectionInfo& info, Bytes frame) = 0;
  // Handles one frame. May answer at once or later, on this shard. Must not destroy the connection.
  virtual void on_frame(ConnectionInfo& info, Frame frame, ResponseTicket ticket) = 0;
  // The connection is gone: what waits on its behalf may be given up.
  virtual void on_connection_closed(ConnectionId connection) = 0;
};

class Connection final : public runtime::SocketHandler, private runtime::TurnEndHook {
 public:
  static constexpr std::size_t kUnansweredMax = 256;                       // pipelined Produces
  static constexpr std::size_t kOutgoingBytesMax = std::size_t{1} << 20;   // of answers in memory, before reading stops
  static constexpr std::size_t kReadBytesPerEvent = std::size_t{2} << 20;  // then others have their turn
  static constexpr std::chrono::seconds kPeerEndedMax{5};  // between answers to a peer that sends no more, or has left

  struct Environment {
    runtime::Shard& shard;
    ChunkPool& chunks;
    FrameHandler& handler;
    ConnectionTable& table;
    std::size_t frame_bytes_max;  // socket.request.max.bytes
  };

  Connection(const Environment& environment, ConnectionId id, std::unique_ptr<runtime::Socket> socket,
             ConnectionInfo info);
  ~Connection() override;

  // Starts to read; `received` are bytes that another shard had received before it handed the connection over, for
  // which the pool has room.
  void start(Bytes received);

  void on_readable() override;
  void on_writable() override;

  // Called by the table for a ticket; out of order is fine.
  void complete(std::uint64_t sequence, Response response);
  // Called by the table when memory is free again.
  void resume_receiving();
  // Stops reading; closes once every started request is answered and has left.
  void drain();
  // Closes at once, whatever is owed.
  void abandon() { close(); }
  // Called by the table every now and then. Closes if the peer has reset the connection, or has ended its stream and
  // got no answer for kPeerEndedMax. Where nothing is read, the end of the stream would be found only behind the
  // answer that is waited for, which a long poll may put off for weeks.
  void look_at_peer();

  [[nodiscard]] ConnectionId id() const noexcept { return id_; }
  [[nodiscard]] ConnectionInfo& info() noexcept { return info_; }
  [[nodiscard]] bool stalled() const noexcept { return stalled_; }
  [[nodiscard]] runtime::MonoTime last_active() const noexcept { return last_active_; }
  // Of a partly received frame: since when, the request memory that it holds, the chunk that it needs to go on.
  [[nodiscard]] runtime::MonoTime partial_since() const noexcept { return partial_since_; }
  [[nodiscard]] std::size_t partial_capacity() const noexcept { return partial_ ? buffer_.capacity() : 0; }
  [[nodiscard]] bool partial_is_slow(runtime::MonoTime now) noexcept { return partial_ && rate_.is_slow(now); }
  [[nodiscard]] bool is_beyond_limit() const noexcept { return buffer_.is_beyond_limit(); }
  [[nodiscard]] std::int32_t announced_bytes() const noexcept { return buffer_.announced().value_or(0); }
  [[nodiscard]] bool wants_small() const noexcept { return buffer_.wants_small(); }
  [[nodiscard]] std::size_t wanted_bytes() const noexcept { return buffer_.wanted_bytes(); }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  // Of answers that have not left, in memory; and since when the peer takes none of them.
  [[nodiscard]] std::size_t unsent_bytes() const noexcept { return counted_answer_bytes_; }
  [[nodiscard]] runtime::MonoTime wrote_at() const noexcept { return wrote_at_; }
  // Called by the table when there is memory for answers again.
  void resume_starting();

 private:
  struct Slot {
    std::optional<Response> response;
    bool is_produce = false;
  };
  enum class Parse : std::uint8_t { kNeedBytes, kMustWait, kStopped };
  // Why nothing is read although bytes may be there: an answer, or a write, goes on with it.
  enum class Hold : std::uint8_t {
    kNone,
    kFrame,  // a whole frame is here that may not start yet
    kSpace,  // its place is full, and the frame in it could not start yet
    kMuted,  // its client is held off
  };

  void on_turn_end() override;
  void receive();
  [[nodiscard]] bool must_hold_back();
  Parse parse_frames();
  // `frame` has at least the API key.
  [[nodiscard]] bool may_start(Bytes frame);
  void count_answers();
  void start_frame(std::size_t frame_bytes);
  bool hand_over(Bytes frame);
  void track_partial();
  void end_partial();
  void after_receiving();
  void send_completed();
  void flush();
  void watch_if_reading();
  void close_if_finished();
  void close();
  void mute(std::chrono::milliseconds time);
  void unmute();

  Environment environment_;
  ConnectionId id_;
  std::unique_ptr<runtime::Socket> socket_;
  ConnectionInfo info_;

  ReceiveBuffer buffer_;
  ReceiveRate rate_;  // of the partly received frame
  runtime::MonoTime partial_since_{};
  std::list<Connection*>::iterator partial_place_;  // in the table's list, while partial_

  std::deque<Slot> slots_;                // unanswered or not yet sent, in request order
  std::uint64_t first_sequence_ = 0;      // of slots_.front()
  std::size_t answer_bytes_ = 0;          // in memory, of the answers in slots_
  std::size_t counted_answer_bytes_ = 0;  // these and the outgoing ones, as the table knows them
  runtime::MonoTime wrote_at_{};
  Outgoing outgoing_;
  runtime::MonoTime last_active_{};
  std::optional<runtime::MonoTime> peer_ended_at_;  // since when it is known that the peer sends no more
  Hold hold_ = Hold::kNone;
  bool partial_ = false;  // the front frame is partly received, and may go on
  bool watching_read_ = false;
  bool watching_write_ = false;
  bool stalled_ = false;     // waits for request memory
  bool peer_ended_ = false;  // the end of the stream was read
  bool draining_ = false;    // no further frame is started
  bool cut_ = false;         // the answers from here on are not wanted: the connection closes behind those before
  bool closed_ = false;      // the table destroys it at the end of the turn
  bool muted_ = false;
  std::unique_ptr<runtime::Timer> mute_over_;  // made when first muted: most never are
};

}  // namespace moldau::broker

#include "broker/net/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "broker/net/connection_table.h"

namespace moldau::broker {
namespace {

constexpr std::size_t kSizeFieldBytes = 4;
constexpr std::int16_t kProduceKey = 0;

bool is_produce_frame(Bytes frame) {
  return frame.size() >= 2 && load_be<std::int16_t>(frame.data()) == kProduceKey;
}

}  // namespace

ResponseTicket::ResponseTicket(ResponseTicket&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), connection_(other.connection_), sequence_(other.sequence_) {}

ResponseTicket::~ResponseTicket() {
  if (table_ != nullptr) {
    answer(Response::close());
  }
}

void ResponseTicket::answer(Response response) {
  MOLDAU_ASSERT(table_ != nullptr);
  std::exchange(table_, nullptr)->complete(connection_, sequence_, std::move(response));
}

ConnectionInfo* ResponseTicket::info() const noexcept {
  return table_ == nullptr ? nullptr : table_->info_of(connection_);
}

Connection::Connection(const Environment& environment, ConnectionId id, std::unique_ptr<runtime::Socket> socket,
                       ConnectionInfo info)
    : environment_(environment), id_(id), socket_(std::move(socket)), info_(std::move(info)) {
  last_active_ = environment_.shard.clock().now();
}

Connection::~Connection() {
  environment_.shard.cancel_turn_end(*this);
}

void Connection::start(Bytes received) {
  socket_->set_handler(*this);
  if (!received.empty()) {
    // What was received elsewhere is already in memory there: it may go on whatever is in use.
    chunk_ = environment_.chunks.try_take(received.size(), ChunkPool::Claim::kOldest);
    std::memcpy(chunk_->bytes().data(), received.data(), received.size());
    end_ = received.size();
    if (parse_frames() == Parse::kStopped) {
      return;
    }
    track_partial();
    release_idle_chunk();
  }
  watch_if_reading();
}

void Connection::on_readable() {
  watching_read_ = false;
  receive();
  watch_if_reading();
}

void Connection::on_writable() {
  watching_write_ = false;
  flush();
}

// Reads until the socket is empty, the requests must wait, or others should have their turn.
void Connection::receive() {
  std::size_t read_bytes = 0;
  while (!closed_ && !draining_ && !stalled_) {
    if (parse_frames() != Parse::kNeedBytes || read_bytes >= kReadBytesPerEvent) {
      break;
    }
    if (!make_room()) {
      stalled_ = true;
      rate_.pause(environment_.shard.clock().now());
      environment_.table.on_stalled(*this);
      break;
    }
    const MutableBytes space = chunk_->bytes().subspan(end_);
    const runtime::IoResult result = socket_->try_read(space);
    if (result.status == runtime::IoStatus::kClosed) {
      close();
      return;
    }
    if (result.status == runtime::IoStatus::kWouldBlock) {
      break;
    }
    read_bytes += result.bytes;
    end_ += result.bytes;
    last_active_ = environment_.shard.clock().now();
    if (partial_) {
      rate_.received(last_active_, result.bytes);
    }
    track_partial();
  }
  if (!closed_) {
    track_partial();
    release_idle_chunk();
  }
}

// The capacity that the frame at begin_ may have: twice what of it arrived, or what this connection earned before;
// never what it merely announces.
std::size_t Connection::wanted_capacity() const noexcept {
  const std::size_t have = end_ - begin_;
  const std::size_t earned = std::max({have * 2, learned_frame_bytes_, ChunkPool::kChunkBytesMin});
  if (have < kSizeFieldBytes) {
    return earned;
  }
  const auto announced = static_cast<std::size_t>(load_be<std::int32_t>(chunk_->bytes().data() + begin_));
  return std::min(std::max(announced + kSizeFieldBytes, ChunkPool::kChunkBytesMin), earned);
}

// Makes sure that the chunk has space behind end_. False: the request memory is spent.
bool Connection::make_room() {
  if (chunk_ && chunk_->references() == 1 && begin_ == end_) {
    begin_ = end_ = 0;
  }
  if (chunk_ && end_ < chunk_->capacity()) {
    return true;
  }
  const std::size_t have = end_ - begin_;
  if (chunk_ && chunk_->references() == 1 && begin_ > 0) {
    std::memmove(chunk_->bytes().data(), chunk_->bytes().data() + begin_, have);
    begin_ = 0;
    end_ = have;
    return true;
  }
  const std::size_t wanted = wanted_capacity();
  ChunkRef bigger = environment_.chunks.try_take(wanted, environment_.table.claim_of(*this, wanted));
  if (!bigger) {
    return false;
  }
  if (have > 0) {
    std::memcpy(bigger->bytes().data(), chunk_->bytes().data() + begin_, have);
  }
  chunk_ = std::move(bigger);
  begin_ = 0;
  end_ = have;
  return true;
}

Connection::Parse Connection::parse_frames() {
  Parse outcome = Parse::kNeedBytes;
  while (!closed_ && !draining_) {
    const std::size_t have = end_ - begin_;
    if (have < kSizeFieldBytes) {
      break;
    }
    const std::byte* at = chunk_->bytes().data() + begin_;
    const auto announced = load_be<std::int32_t>(at);
    if (announced <= 0 || static_cast<std::size_t>(announced) > environment_.frame_bytes_max) {
      drain();
      break;
    }
    const auto frame_bytes = static_cast<std::size_t>(announced);
    if (have < kSizeFieldBytes + frame_bytes) {
      break;
    }
    const Bytes frame(at + kSizeFieldBytes, frame_bytes);
    if (!may_start(is_produce_frame(frame))) {
      outcome = Parse::kMustWait;
      break;
    }
    if (hand_over(frame)) {
      outcome = Parse::kStopped;
      break;
    }
    start_frame(frame_bytes);
  }
  if (closed_ || draining_) {
    outcome = Parse::kStopped;
  }
  must_wait_ = outcome == Parse::kMustWait;
  return outcome;
}

bool Connection::may_start(bool is_produce) const noexcept {
  if (outgoing_.memory_bytes() > kOutgoingBytesMax || slots_.size() >= kUnansweredMax) {
    return false;
  }
  return std::all_of(slots_.begin(), slots_.end(),
                     [&](const Slot& slot) { return slot.response.has_value() || (is_produce && slot.is_produce); });
}

void Connection::start_frame(std::size_t frame_bytes) {
  const MutableBytes frame = chunk_->bytes().subspan(begin_ + kSizeFieldBytes, frame_bytes);
  begin_ += kSizeFieldBytes + frame_bytes;
  learned_frame_bytes_ = std::max(learned_frame_bytes_, kSizeFieldBytes + frame_bytes);
  partial_ = false;
  const std::uint64_t sequence = first_sequence_ + slots_.size();
  slots_.push_back({.response = std::nullopt, .is_produce = is_produce_frame(frame)});
  environment_.handler.on_frame(info_, Frame{frame, chunk_}, ResponseTicket(environment_.table, id_, sequence));
}

// Moves the connection to the shard where this frame's partitions live, if it has not moved before and owes nothing.
bool Connection::hand_over(Bytes frame) {
  if (info_.handed_over || !slots_.empty() || !outgoing_.empty()) {
    return false;
  }
  const std::uint32_t home = environment_.handler.home_of(info_, frame);
  if (home == environment_.shard.index()) {
    return false;
  }
  const ByteVector received = to_vector(chunk_->bytes().subspan(begin_, end_ - begin_));
  info_.handed_over = true;
  chunk_.reset();
  begin_ = end_ = 0;
  partial_ = false;
  watching_read_ = watching_write_ = false;
  environment_.table.hand_over(home, socket_->detach(), info_, received);
  close();
  return true;
}

void Connection::track_partial() {
  const bool partial = begin_ != end_;
  if (partial && !partial_) {
    partial_since_ = environment_.shard.clock().now();
    rate_.start(partial_since_);
  }
  partial_ = partial;
}

std::size_t Connection::partial_capacity() const noexcept {
  return partial_ && chunk_ ? chunk_->capacity() : 0;
}

void Connection::release_idle_chunk() {
  if (begin_ == end_) {
    chunk_.reset();
    begin_ = end_ = 0;
  }
}

void Connection::complete(std::uint64_t sequence, Response response) {
  if (closed_) {
    return;
  }
  MOLDAU_ASSERT(sequence >= first_sequence_ && sequence - first_sequence_ < slots_.size());
  Slot& slot = slots_[static_cast<std::size_t>(sequence - first_sequence_)];
  MOLDAU_ASSERT(!slot.response.has_value());
  slot.response = std::move(response);
  if (sequence == first_sequence_) {
    environment_.shard.at_turn_end(*this);
  }
}

// Moves answered requests from the front of the slots to the socket's queue.
void Connection::send_completed() {
  while (!slots_.empty() && slots_.front().response.has_value()) {
    Response response = std::move(*slots_.front().response);
    slots_.pop_front();
    ++first_sequence_;
    switch (response.kind) {
      case Response::Kind::kAnswer: outgoing_.push(std::move(response)); break;
      case Response::Kind::kNone: break;
      case Response::Kind::kClose:
        slots_.clear();
        draining_ = true;
        break;
    }
  }
}

// One gathered write a turn, then whatever frames had to wait for these answers.
void Connection::on_turn_end() {
  if (closed_) {
    return;
  }
  send_completed();
  flush();
  if (closed_ || draining_ || begin_ == end_) {
    return;
  }
  receive();
  watch_if_reading();
}

void Connection::flush() {
  if (closed_ || watching_write_) {
    return;
  }
  const bool was_full = outgoing_.memory_bytes() > kOutgoingBytesMax;
  switch (outgoing_.flush(*socket_)) {
    case runtime::IoStatus::kOk: break;
    case runtime::IoStatus::kWouldBlock:
      watching_write_ = true;
      socket_->watch_writable();
      break;
    case runtime::IoStatus::kClosed: close(); return;
  }
  last_active_ = environment_.shard.clock().now();
  if (draining_ && slots_.empty() && outgoing_.empty()) {
    close();
    return;
  }
  if (was_full && outgoing_.memory_bytes() <= kOutgoingBytesMax) {
    environment_.shard.at_turn_end(*this);  // frames that waited for the socket may start
  }
}

void Connection::watch_if_reading() {
  if (closed_ || draining_ || stalled_ || must_wait_ || watching_read_) {
    return;
  }
  watching_read_ = true;
  socket_->watch_readable();
}

void Connection::resume_receiving() {
  if (closed_ || !std::exchange(stalled_, false)) {
    return;
  }
  rate_.resume(environment_.shard.clock().now());
  receive();
  watch_if_reading();
}

void Connection::drain() {
  draining_ = true;
  if (slots_.empty() && outgoing_.empty()) {
    close();
  }
}

void Connection::close() {
  if (!std::exchange(closed_, true)) {
    environment_.shard.cancel_turn_end(*this);
    environment_.table.on_closed(*this);
  }
}

}  // namespace moldau::broker

#include "broker/net/connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/net/connection_table.h"

namespace moldau::broker {
namespace {

constexpr std::size_t kSizeFieldBytes = ReceiveBuffer::kSizeFieldBytes;
constexpr std::int16_t kProduceKey = 0;
constexpr std::int16_t kFetchKey = 1;

bool is_produce_frame(Bytes frame) {
  return frame.size() >= 2 && load_be<std::int16_t>(frame.data()) == kProduceKey;
}

// What it brings is in files, or what it says is of the size of the request.
bool is_answered_shortly(Bytes frame) {
  return is_produce_frame(frame) || (frame.size() >= 2 && load_be<std::int16_t>(frame.data()) == kFetchKey);
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
  if (!closed_) {
    end_partial();
  }
}

void Connection::start(Bytes received) {
  socket_->set_handler(*this);
  if (!received.empty()) {
    buffer_.adopt(environment_.chunks, received);
    if (parse_frames() == Parse::kStopped) {
      return;
    }
    after_receiving();
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
    if (muted_ || parse_frames() != Parse::kNeedBytes || peer_ended_ || read_bytes >= kReadBytesPerEvent ||
        must_hold_back()) {
      break;
    }
    track_partial();
    if (!buffer_.make_room(environment_.chunks, environment_.table.may_exceed(*this))) {
      stalled_ = true;
      break;
    }
    const runtime::IoResult result = socket_->try_read(buffer_.space());
    if (result.status == runtime::IoStatus::kWouldBlock) {
      break;
    }
    last_active_ = environment_.shard.clock().now();
    if (result.status == runtime::IoStatus::kClosed) {
      peer_ended_ = true;
      peer_ended_at_ = peer_ended_at_.value_or(last_active_);
      break;
    }
    read_bytes += result.bytes;
    buffer_.received(result.bytes);
    if (partial_) {
      rate_.received(last_active_, result.bytes);
    }
  }
  after_receiving();
}

// A frame that could not start anyway gets no more memory: a peer that leaves its answers in the socket, or waits in a
// long poll, would hold it for as long as it likes.
bool Connection::must_hold_back() {
  constexpr std::size_t kKeyEnd = kSizeFieldBytes + sizeof(kProduceKey);
  if (slots_.empty() && outgoing_.empty()) {
    return false;
  }
  if (buffer_.size() < kKeyEnd || buffer_.has_space() || may_start(buffer_.bytes().subspan(kSizeFieldBytes))) {
    return false;
  }
  hold_ = Hold::kSpace;
  return true;
}

void Connection::after_receiving() {
  if (closed_) {
    return;
  }
  buffer_.trim(environment_.chunks);
  track_partial();
  if (stalled_) {
    environment_.table.on_stalled(*this);
  }
  close_if_finished();
}

Connection::Parse Connection::parse_frames() {
  Parse outcome = Parse::kNeedBytes;
  while (!closed_ && !draining_ && !muted_) {
    const auto announced = buffer_.announced();
    if (!announced) {
      break;
    }
    if (*announced <= 0 || static_cast<std::size_t>(*announced) > environment_.frame_bytes_max) {
      drain();
      break;
    }
    const auto frame_bytes = static_cast<std::size_t>(*announced);
    if (buffer_.size() < kSizeFieldBytes + frame_bytes) {
      break;
    }
    const Bytes frame = buffer_.bytes().subspan(kSizeFieldBytes, frame_bytes);
    if (!may_start(frame)) {
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
  hold_ = muted_ ? Hold::kMuted : outcome == Parse::kMustWait ? Hold::kFrame : Hold::kNone;
  return outcome;
}

bool Connection::may_start(Bytes frame) {
  const bool leaves_little = is_answered_shortly(frame) && counted_answer_bytes_ == 0;
  if (!leaves_little && !environment_.table.has_room_for_answers() && !buffer_.is_beyond_limit()) {
    environment_.table.wait_for_answers(id_);
    return false;
  }
  // What only one frame may have must not wait for a peer that takes no answers.
  const bool answers_are_full =
      answer_bytes_ + outgoing_.memory_bytes() > kOutgoingBytesMax && !buffer_.is_beyond_limit();
  if (answers_are_full || slots_.size() >= kUnansweredMax) {
    return false;
  }
  const bool beside_others = is_produce_frame(frame) && !info_.one_at_a_time;
  return std::all_of(slots_.begin(), slots_.end(),
                     [&](const Slot& slot) { return slot.response.has_value() || (beside_others && slot.is_produce); });
}

void Connection::start_frame(std::size_t frame_bytes) {
  end_partial();
  const bool is_produce = is_produce_frame(buffer_.bytes().subspan(kSizeFieldBytes, frame_bytes));
  Frame frame = is_produce ? buffer_.take(frame_bytes) : buffer_.take_copied(frame_bytes, environment_.chunks);
  const std::uint64_t sequence = first_sequence_ + slots_.size();
  slots_.push_back({.response = std::nullopt, .is_produce = is_produce});
  environment_.handler.on_frame(info_, std::move(frame), ResponseTicket(environment_.table, id_, sequence));
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
  MOLDAU_ASSERT(!watching_read_ && !watching_write_);
  ByteVector received = to_vector(buffer_.bytes());
  const bool beyond_limit = buffer_.is_beyond_limit();
  info_.handed_over = true;
  buffer_.clear();
  environment_.table.hand_over(home, socket_->detach(), std::move(info_), std::move(received), beyond_limit);
  close();
  return true;
}

void Connection::track_partial() {
  if (buffer_.empty() || hold_ != Hold::kNone) {
    end_partial();
    return;
  }
  const runtime::MonoTime now = environment_.shard.clock().now();
  if (!partial_) {
    partial_ = true;
    partial_since_ = now;
    partial_place_ = environment_.table.add_partial(*this);
    rate_.start(now);
    rate_.received(now, buffer_.size());
  }
  if (stalled_) {
    rate_.pause(now);
  } else {
    rate_.resume(now);
  }
}

void Connection::end_partial() {
  if (std::exchange(partial_, false)) {
    environment_.table.remove_partial(partial_place_);
  }
}

void Connection::complete(std::uint64_t sequence, Response response) {
  if (closed_ || cut_) {
    return;
  }
  MOLDAU_ASSERT(sequence >= first_sequence_ && sequence - first_sequence_ < slots_.size());
  Slot& slot = slots_[static_cast<std::size_t>(sequence - first_sequence_)];
  MOLDAU_ASSERT(!slot.response.has_value());
  if (response.kind == Response::Kind::kClose) {
    draining_ = true;  // what is behind it is not started any more
  }
  if (response.mute.count() > 0) {
    mute(response.mute);
  }
  slot.response = std::move(response);
  answer_bytes_ += slot.response->memory_bytes();
  count_answers();
  if (sequence == first_sequence_) {
    environment_.shard.at_turn_end(*this);
  }
}

// Moves answered requests from the front of the slots to the socket's queue.
void Connection::send_completed() {
  while (!slots_.empty() && slots_.front().response.has_value()) {
    Response response = std::move(*slots_.front().response);
    answer_bytes_ -= response.memory_bytes();
    slots_.pop_front();
    ++first_sequence_;
    switch (response.kind) {
      case Response::Kind::kAnswer: outgoing_.push(std::move(response)); break;
      case Response::Kind::kNone: break;
      case Response::Kind::kClose:
        slots_.clear();
        answer_bytes_ = 0;
        cut_ = draining_ = true;
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
  if (!closed_ && hold_ != Hold::kNone) {
    receive();
    watch_if_reading();
  }
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
  last_active_ = wrote_at_ = environment_.shard.clock().now();
  count_answers();
  close_if_finished();
  if (!closed_ && was_full && outgoing_.memory_bytes() <= kOutgoingBytesMax) {
    environment_.shard.at_turn_end(*this);  // frames that waited for the socket may start
  }
}

void Connection::count_answers() {
  const std::size_t before = std::exchange(counted_answer_bytes_, answer_bytes_ + outgoing_.memory_bytes());
  environment_.table.on_answers_changed(before, counted_answer_bytes_);
}

void Connection::resume_starting() {
  if (!closed_ && hold_ != Hold::kNone) {
    environment_.shard.at_turn_end(*this);
  }
}

void Connection::watch_if_reading() {
  if (closed_ || draining_ || stalled_ || peer_ended_ || watching_read_ || hold_ != Hold::kNone) {
    return;
  }
  watching_read_ = true;
  socket_->watch_readable();
}

void Connection::resume_receiving() {
  if (closed_ || !std::exchange(stalled_, false)) {
    return;
  }
  receive();
  watch_if_reading();
}

void Connection::look_at_peer() {
  if (closed_ || watching_read_) {
    return;
  }
  const runtime::MonoTime now = environment_.shard.clock().now();
  switch (socket_->peer_state()) {
    case runtime::PeerState::kHere: return;
    case runtime::PeerState::kGone: close(); return;
    case runtime::PeerState::kEnded: break;
  }
  if (stalled_ || muted_) {
    return;  // whole requests may wait in the socket: for memory or time, not for the peer
  }
  peer_ended_at_ = peer_ended_at_.value_or(now);
  if (now - std::max(*peer_ended_at_, last_active_) > kPeerEndedMax) {
    close();
  }
}

// Another answer may prolong it.
void Connection::mute(std::chrono::milliseconds time) {
  const runtime::MonoTime until = environment_.shard.clock().now() + time;
  if (!mute_over_) {
    mute_over_ = std::make_unique<runtime::Timer>(environment_.shard.timers(), [this] { unmute(); });
  }
  if (!std::exchange(muted_, true) || until > mute_over_->when()) {
    mute_over_->arm(until);
  }
  if (hold_ == Hold::kNone) {
    hold_ = Hold::kMuted;
  }
  if (!stalled_) {
    end_partial();  // it is not the peer's fault that nothing more arrives
  }
}

void Connection::unmute() {
  muted_ = false;
  if (closed_ || stalled_) {
    return;
  }
  if (watching_read_) {
    hold_ = Hold::kNone;  // nothing has arrived meanwhile
    return;
  }
  receive();
  watch_if_reading();
}

void Connection::drain() {
  draining_ = true;
  close_if_finished();
}

// Nothing more will be started, and nothing is owed.
void Connection::close_if_finished() {
  const bool no_more = draining_ || (peer_ended_ && hold_ == Hold::kNone);
  if (!closed_ && no_more && slots_.empty() && outgoing_.empty()) {
    close();
  }
}

void Connection::close() {
  if (!std::exchange(closed_, true)) {
    end_partial();
    environment_.shard.cancel_turn_end(*this);
    environment_.table.on_answers_changed(std::exchange(counted_answer_bytes_, 0), 0);
    environment_.table.on_closed(*this);
  }
}

}  // namespace moldau::broker

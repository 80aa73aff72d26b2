#include "broker/net/receive_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace moldau::broker {

Bytes ReceiveBuffer::bytes() const noexcept {
  const std::byte* from = chunk_ ? chunk_->bytes().data() : size_field_.data();
  return {from + begin_, size()};
}

std::optional<std::int32_t> ReceiveBuffer::announced() const noexcept {
  if (size() < kSizeFieldBytes) {
    return std::nullopt;
  }
  return load_be<std::int32_t>(bytes().data());
}

bool ReceiveBuffer::has_space() {
  if (!chunk_) {
    return end_ > 0 && end_ < size_field_.size();
  }
  const bool is_ours_alone = chunk_->references() == 1;
  if (is_ours_alone && empty()) {
    begin_ = end_ = 0;
  }
  if (end_ < chunk_->capacity()) {
    return true;
  }
  if (!is_ours_alone || begin_ == 0) {
    return false;
  }
  const std::size_t have = size();
  std::memmove(chunk_->bytes().data(), chunk_->bytes().data() + begin_, have);
  begin_ = 0;
  end_ = have;
  return true;
}

bool ReceiveBuffer::wants_small() const noexcept {
  const auto size = announced();
  return size && static_cast<std::size_t>(*size) + kSizeFieldBytes <= ChunkPool::kSmallFrameBytesMax;
}

std::size_t ReceiveBuffer::wanted_bytes() const noexcept {
  const auto announced_bytes = announced();
  if (!announced_bytes) {
    return kReceiveBytesMin;
  }
  const std::size_t frame = static_cast<std::size_t>(*announced_bytes) + kSizeFieldBytes;
  return std::min(frame, std::max(2 * size(), kReceiveBytesMin));
}

bool ReceiveBuffer::make_room(ChunkPool& pool, bool may_exceed) {
  if (has_space()) {
    return true;
  }
  const auto announced_bytes = announced();
  const std::size_t least = wanted_bytes();
  std::size_t wanted = std::max({least, kReceiveBytesMin, std::min(earned_bytes_, kEarnedBytesMax)});
  if (announced_bytes) {
    const std::size_t frame = static_cast<std::size_t>(*announced_bytes) + kSizeFieldBytes;
    wanted = std::min(wanted, std::max(frame, kReceiveBytesMin));
  }
  ChunkRef chunk = pool.try_take(wanted, ChunkPool::Claim::kOrdinary);
  if (!chunk && wanted > kReceiveBytesMin && least <= kReceiveBytesMin) {
    chunk = pool.try_take(kReceiveBytesMin, ChunkPool::Claim::kOrdinary);
  }
  if (!chunk && !announced_bytes) {
    move_to_size_field();
    return true;
  }
  if (!chunk) {
    const auto claim = wants_small() ? ChunkPool::Claim::kSmall
                       : may_exceed  ? ChunkPool::Claim::kOldest
                                     : ChunkPool::Claim::kOrdinary;
    chunk = pool.try_take(least, claim, chunk_ ? chunk_.operator->() : nullptr);
  }
  if (!chunk) {
    return false;
  }
  move_to(std::move(chunk));
  return true;
}

void ReceiveBuffer::move_to(ChunkRef chunk) {
  const Bytes have = bytes();
  MOLDAU_ASSERT(have.size() <= chunk->capacity());
  if (!have.empty()) {
    std::memcpy(chunk->bytes().data(), have.data(), have.size());
  }
  end_ = have.size();
  begin_ = 0;
  chunk_ = std::move(chunk);
}

void ReceiveBuffer::move_to_size_field() {
  const Bytes have = bytes();
  MOLDAU_ASSERT(have.size() < kSizeFieldBytes);
  if (!have.empty()) {
    std::memmove(size_field_.data(), have.data(), have.size());
  }
  end_ = have.size();
  begin_ = 0;
  chunk_.reset();
}

MutableBytes ReceiveBuffer::space() noexcept {
  const MutableBytes all = chunk_ ? chunk_->bytes() : MutableBytes(size_field_);
  return all.subspan(end_);
}

Frame ReceiveBuffer::take(std::size_t frame_bytes) {
  MOLDAU_ASSERT(chunk_ && kSizeFieldBytes + frame_bytes <= size());
  const MutableBytes frame = chunk_->bytes().subspan(begin_ + kSizeFieldBytes, frame_bytes);
  begin_ += kSizeFieldBytes + frame_bytes;
  earned_bytes_ = std::max(earned_bytes_, kSizeFieldBytes + frame_bytes);
  return {frame, chunk_};
}

Frame ReceiveBuffer::take_copied(std::size_t frame_bytes, ChunkPool& pool) {
  Frame frame = take(frame_bytes);
  if (frame_bytes > kCopiedFrameBytesMax || frame_bytes == 0 || chunk_->capacity() <= kCopiedFrameBytesMax) {
    return frame;
  }
  ChunkRef small = pool.try_take(frame_bytes, ChunkPool::Claim::kSmall);
  if (!small) {
    return frame;
  }
  const MutableBytes copy = small->bytes().first(frame_bytes);
  std::memcpy(copy.data(), frame.bytes.data(), frame_bytes);
  return {copy, std::move(small)};
}

void ReceiveBuffer::trim(ChunkPool& pool) {
  if (empty()) {
    clear();
    return;
  }
  constexpr std::size_t kWaste = 8;  // the copy is an eighth of the chunk at most
  const std::size_t enough = std::max(2 * size(), kReceiveBytesMin);
  if (!chunk_ || chunk_->capacity() <= 2 * kEarnedBytesMax || chunk_->capacity() < kWaste * enough) {
    return;
  }
  if (ChunkRef smaller = pool.try_take(enough, ChunkPool::Claim::kOrdinary)) {
    move_to(std::move(smaller));
  }
}

void ReceiveBuffer::clear() noexcept {
  chunk_.reset();
  begin_ = end_ = 0;
}

ChunkPool::Claim ReceiveBuffer::claim_to_adopt(const ChunkPool& pool, std::size_t bytes) noexcept {
  if (bytes <= ChunkPool::kSmallFrameBytesMax) {
    return ChunkPool::Claim::kSmall;
  }
  return pool.could_ever_fit(bytes) ? ChunkPool::Claim::kOrdinary : ChunkPool::Claim::kOldest;
}

void ReceiveBuffer::adopt(ChunkPool& pool, Bytes bytes) {
  MOLDAU_ASSERT(!chunk_ && empty());
  chunk_ = pool.try_take(bytes.size(), claim_to_adopt(pool, bytes.size()));
  MOLDAU_ASSERT(chunk_);
  std::memcpy(chunk_->bytes().data(), bytes.data(), bytes.size());
  end_ = bytes.size();
}

}  // namespace moldau::broker

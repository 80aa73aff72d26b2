#include "broker/net/chunk_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace moldau::broker {

Chunk::Chunk(ChunkPool& pool, std::size_t capacity, std::uint8_t size_class)
    : pool_(pool),
      data_(std::make_unique_for_overwrite<std::byte[]>(capacity)),
      capacity_(capacity),
      size_class_(size_class) {}

ChunkRef::ChunkRef(Chunk* chunk) noexcept : chunk_(chunk) {
  ++chunk_->references_;
}

ChunkRef::ChunkRef(const ChunkRef& other) noexcept : chunk_(other.chunk_) {
  if (chunk_ != nullptr) {
    ++chunk_->references_;
  }
}

ChunkRef::ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}

ChunkRef& ChunkRef::operator=(ChunkRef other) noexcept {
  std::swap(chunk_, other.chunk_);
  return *this;
}

ChunkRef::~ChunkRef() {
  if (chunk_ != nullptr && --chunk_->references_ == 0) {
    chunk_->pool_.give_back(chunk_);
  }
}

ChunkPool::ChunkPool(Limits limits, Callback on_room) : limits_(limits), on_room_(std::move(on_room)) {
  // give_back must not fail, so its vectors never grow there: at most so many chunks of a class are stored.
  for (std::size_t i = 0; i < kClasses; ++i) {
    free_[i].reserve(limits_.store_bytes_max / (kChunkBytesMin << i));
  }
}

ChunkPool::~ChunkPool() {
  MOLDAU_ASSERT(in_use_bytes_ == 0, static_cast<std::int64_t>(in_use_bytes_));
}

namespace {
std::size_t capacity_for(std::size_t bytes) noexcept {
  return std::bit_ceil(std::max(bytes, ChunkPool::kChunkBytesMin));
}
}  // namespace

bool ChunkPool::has_room(std::size_t bytes, Claim claim, const Chunk* outgrown) const noexcept {
  const std::size_t capacity = capacity_for(bytes);
  if (fits(capacity, claim == Claim::kSmall ? limits_.memory_bytes_max : ordinary_bytes_max())) {
    return true;
  }
  const std::size_t own = outgrown != nullptr && outgrown->beyond_limit_ ? outgrown->capacity_ : 0;
  return claim == Claim::kOldest && beyond_limit_bytes_ == own;
}

bool ChunkPool::could_ever_fit(std::size_t bytes) const noexcept {
  return capacity_for(bytes) <= ordinary_bytes_max();
}

ChunkRef ChunkPool::try_take(std::size_t bytes, Claim claim, const Chunk* outgrown) {
  MOLDAU_ASSERT(bytes <= kChunkBytesMax, static_cast<std::int64_t>(bytes));
  MOLDAU_ASSERT(claim != Claim::kSmall || bytes <= kSmallFrameBytesMax, static_cast<std::int64_t>(bytes));
  if (!has_room(bytes, claim, outgrown)) {
    return {};
  }
  return give(capacity_for(bytes), !has_room(bytes, claim == Claim::kOldest ? Claim::kOrdinary : claim));
}

ChunkRef ChunkPool::give(std::size_t capacity, bool beyond_limit) {
  const auto size_class = static_cast<std::uint8_t>(std::countr_zero(capacity) - std::countr_zero(kChunkBytesMin));
  auto& free = free_[size_class];
  std::unique_ptr<Chunk> chunk;
  if (free.empty()) {
    chunk.reset(new Chunk(*this, capacity, size_class));
  } else {
    chunk = std::move(free.back());
    free.pop_back();
    stored_bytes_ -= capacity;
  }
  chunk->beyond_limit_ = beyond_limit;
  in_use_bytes_ += capacity;
  beyond_limit_bytes_ += beyond_limit ? capacity : 0;
  return ChunkRef(chunk.release());
}

void ChunkPool::give_back(Chunk* chunk) noexcept {
  {
    std::unique_ptr<Chunk> owned(chunk);
    in_use_bytes_ -= chunk->capacity_;
    beyond_limit_bytes_ -= chunk->beyond_limit_ ? chunk->capacity_ : 0;
    if (stored_bytes_ + chunk->capacity_ <= limits_.store_bytes_max) {
      stored_bytes_ += chunk->capacity_;
      free_[chunk->size_class_].push_back(std::move(owned));
    }
  }
  if (on_room_) {
    on_room_();
  }
}

void ChunkPool::send_off(std::size_t bytes, bool beyond_limit) noexcept {
  in_transit_bytes_ += bytes;
  beyond_limit_bytes_ += beyond_limit ? bytes : 0;
}

void ChunkPool::arrived(std::size_t bytes, bool beyond_limit) noexcept {
  MOLDAU_ASSERT(bytes <= in_transit_bytes_, static_cast<std::int64_t>(bytes));
  in_transit_bytes_ -= bytes;
  beyond_limit_bytes_ -= beyond_limit ? bytes : 0;
  if (on_room_) {
    on_room_();
  }
}

}  // namespace moldau::broker

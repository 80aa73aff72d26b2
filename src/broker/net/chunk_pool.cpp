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

bool ChunkPool::has_room(std::size_t capacity, Claim claim) const noexcept {
  const std::size_t reserve = limits_.memory_bytes_max / 8;
  switch (claim) {
    case Claim::kOldest: return true;
    case Claim::kSmall: return capacity <= kChunkBytesMin && in_use_bytes_ + capacity <= limits_.memory_bytes_max;
    case Claim::kOrdinary: return in_use_bytes_ + capacity <= limits_.memory_bytes_max - reserve;
  }
  return false;
}

ChunkRef ChunkPool::try_take(std::size_t bytes, Claim claim) {
  MOLDAU_ASSERT(bytes <= kChunkBytesMax, static_cast<std::int64_t>(bytes));
  const std::size_t capacity = std::bit_ceil(std::max(bytes, kChunkBytesMin));
  if (!has_room(capacity, claim)) {
    return {};
  }
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
  in_use_bytes_ += capacity;
  return ChunkRef(chunk.release());
}

void ChunkPool::give_back(Chunk* chunk) noexcept {
  {
    std::unique_ptr<Chunk> owned(chunk);
    in_use_bytes_ -= chunk->capacity_;
    if (stored_bytes_ + chunk->capacity_ <= limits_.store_bytes_max) {
      stored_bytes_ += chunk->capacity_;
      free_[chunk->size_class_].push_back(std::move(owned));
    }
  }
  if (on_room_) {
    on_room_();
  }
}

}  // namespace moldau::broker

// Receive buffers of one shard: power-of-two chunks with counted references, out of a bounded request memory.
//
// A frame stays in the chunk it was received in: it is decoded as views, its batches are patched there and written from
// there. Several small frames share a chunk; a frame that outgrows its chunk moves to a bigger one.
//
// Shard:  a chunk and all its references live on the shard of its pool. Another shard may work on the bytes while the
//         owner keeps a reference; it never holds one itself. So the count needs no atomics.
// Bound:  chunks in use stay within the shard's part of `queued.max.request.bytes` (`moldau.request.memory.bytes`), but
//         for one frame: up to 7/8 of it anything is given out; the last eighth is a reserve for small frames
//         (kChunkBytesMin); the oldest partly received frame may always go on, so that something always finishes.
//         `store_bytes_max` of free chunks stay warm, since the first touch of fresh memory costs more than the copy.
// Source: Kafka's SimpleMemoryPool. Differences: Kafka takes the announced size at once and has no reserve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/callback.h"

namespace moldau::broker {

class ChunkPool;

// One buffer. Made by ChunkPool::try_take only.
class Chunk {
 public:
  [[nodiscard]] MutableBytes bytes() noexcept { return {data_.get(), capacity_}; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t references() const noexcept { return references_; }

 private:
  friend class ChunkPool;
  friend class ChunkRef;
  Chunk(ChunkPool& pool, std::size_t capacity, std::uint8_t size_class);

  ChunkPool& pool_;
  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_;
  std::uint32_t references_ = 0;
  std::uint8_t size_class_;
};

class ChunkRef {
 public:
  ChunkRef() noexcept = default;
  ChunkRef(const ChunkRef& other) noexcept;
  ChunkRef(ChunkRef&& other) noexcept;
  ChunkRef& operator=(ChunkRef other) noexcept;
  ~ChunkRef();

  [[nodiscard]] Chunk* operator->() const noexcept { return chunk_; }
  explicit operator bool() const noexcept { return chunk_ != nullptr; }
  void reset() noexcept { *this = ChunkRef(); }

 private:
  friend class ChunkPool;
  explicit ChunkRef(Chunk* chunk) noexcept;
  Chunk* chunk_ = nullptr;
};

class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytesMin = std::size_t{64} << 10;
  static constexpr std::size_t kChunkBytesMax = std::size_t{4} << 30;

  struct Limits {
    std::size_t memory_bytes_max = std::size_t{256} << 20;  // this shard's part of the request memory
    std::size_t store_bytes_max = std::size_t{8} << 20;     // kFreeChunkBytes: warm chunks kept for reuse
  };
  enum class Claim : std::uint8_t {
    kOrdinary,  // must leave the reserve alone
    kSmall,     // may use the reserve: a chunk of kChunkBytesMin
    kOldest,    // the one frame that goes on whatever is in use
  };

  // `on_room` runs each time a chunk in use came back.
  ChunkPool(Limits limits, Callback on_room);
  ~ChunkPool();  // no chunk may be in use
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk of at least `bytes` (at most kChunkBytesMax), with whatever an earlier frame left in it; empty if the
  // memory is spent for this claim.
  [[nodiscard]] ChunkRef try_take(std::size_t bytes, Claim claim);

  [[nodiscard]] std::size_t in_use_bytes() const noexcept { return in_use_bytes_; }
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return stored_bytes_; }

 private:
  friend class ChunkRef;
  static constexpr std::size_t kClasses = 17;  // 64 KiB … 4 GiB

  [[nodiscard]] bool has_room(std::size_t capacity, Claim claim) const noexcept;
  void give_back(Chunk* chunk) noexcept;

  Limits limits_;
  Callback on_room_;
  std::vector<std::unique_ptr<Chunk>> free_[kClasses];
  std::size_t stored_bytes_ = 0;
  std::size_t in_use_bytes_ = 0;
};

}  // namespace moldau::broker

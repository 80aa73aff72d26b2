// Receive buffers of one shard: power-of-two chunks with counted references, out of a bounded request memory.
//
// A frame stays in the chunk it was received in: it is decoded as views, its batches are patched there and written from
// there. Several small frames share a chunk; a frame that outgrows its chunk moves to a bigger one.
//
// Shard:  a chunk and all its references live on the shard of its pool. Another shard may work on the bytes while the
//         owner keeps a reference; it never holds one itself. So the count needs no atomics.
// Invariants:
//   P1  what is given out for ordinary claims stays within 7/8 of memory_bytes_max.
//   P2  with what is given out of the reserve (the last eighth, for frames of at most kSmallFrameBytesMax) and what is
//       in transit to another shard it stays within memory_bytes_max.
//   P3  beyond that goes one frame, the oldest that is partly received, so that something always finishes: its chunk,
//       and while it moves to a bigger one both.
// Bound:  memory_bytes_max, the shard's part of `queued.max.request.bytes` (`moldau.request.memory.bytes`), and P3's
//         frame. `store_bytes_max` of free chunks stay warm: the first touch of fresh memory costs more than the copy.
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
  [[nodiscard]] bool is_beyond_limit() const noexcept { return beyond_limit_; }

 private:
  friend class ChunkPool;
  friend class ChunkRef;
  Chunk(ChunkPool& pool, std::size_t capacity, std::uint8_t size_class);

  ChunkPool& pool_;
  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_;
  std::uint32_t references_ = 0;
  std::uint8_t size_class_;
  bool beyond_limit_ = false;  // given out under P3
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
  static constexpr std::size_t kChunkBytesMin = std::size_t{4} << 10;
  static constexpr std::size_t kChunkBytesMax = std::size_t{4} << 30;
  static constexpr std::size_t kSmallFrameBytesMax = std::size_t{64} << 10;  // size field included

  struct Limits {
    std::size_t memory_bytes_max = std::size_t{256} << 20;  // this shard's part of the request memory
    std::size_t store_bytes_max = std::size_t{8} << 20;     // kFreeChunkBytes: warm chunks kept for reuse
  };
  enum class Claim : std::uint8_t {
    kOrdinary,  // must leave the reserve alone
    kSmall,     // a frame of at most kSmallFrameBytesMax: may use the reserve
    kOldest,    // the oldest partly received frame: goes on beyond the limit, alone
  };

  // `on_room` runs each time memory came back.
  ChunkPool(Limits limits, Callback on_room);
  ~ChunkPool();  // no chunk may be in use
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk of at least `bytes` (at most kChunkBytesMax), with whatever an earlier frame left in it; empty if the
  // memory is spent for this claim. `outgrown` is the chunk that the new one will replace, null if none.
  [[nodiscard]] ChunkRef try_take(std::size_t bytes, Claim claim, const Chunk* outgrown = nullptr);
  // True if try_take would give a chunk now.
  [[nodiscard]] bool has_room(std::size_t bytes, Claim claim, const Chunk* outgrown = nullptr) const noexcept;

  // True if an ordinary claim would get it while nothing else is in use.
  [[nodiscard]] bool could_ever_fit(std::size_t bytes) const noexcept;

  // Bytes that left for another shard and are not received there yet still count here, beyond the limit if they were.
  void send_off(std::size_t bytes, bool beyond_limit) noexcept;
  void arrived(std::size_t bytes, bool beyond_limit) noexcept;

  [[nodiscard]] std::size_t in_use_bytes() const noexcept { return in_use_bytes_ + in_transit_bytes_; }
  [[nodiscard]] std::size_t beyond_limit_bytes() const noexcept { return beyond_limit_bytes_; }  // part of in_use_bytes
  [[nodiscard]] std::size_t stored_bytes() const noexcept { return stored_bytes_; }
  [[nodiscard]] std::size_t ordinary_bytes_max() const noexcept {
    return limits_.memory_bytes_max - limits_.memory_bytes_max / kReserveShare;
  }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  friend class ChunkRef;
  static constexpr std::size_t kReserveShare = 8;  // one eighth
  static constexpr std::size_t kClasses = 21;      // 4 KiB … 4 GiB

  [[nodiscard]] bool fits(std::size_t capacity, std::size_t limit) const noexcept {
    return in_use_bytes() - beyond_limit_bytes_ + capacity <= limit;
  }
  [[nodiscard]] ChunkRef give(std::size_t capacity, bool beyond_limit);
  void give_back(Chunk* chunk) noexcept;

  Limits limits_;
  Callback on_room_;
  std::vector<std::unique_ptr<Chunk>> free_[kClasses];
  std::size_t stored_bytes_ = 0;
  std::size_t in_use_bytes_ = 0;
  std::size_t in_transit_bytes_ = 0;
  std::size_t beyond_limit_bytes_ = 0;
};

}  // namespace moldau::broker

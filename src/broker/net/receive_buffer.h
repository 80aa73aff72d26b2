// The bytes of one connection that are received and not started: where they lie, and how that place grows.
//
// Invariants:
//   B1  capacity follows bytes received: at most twice what of the front frame is here, or what this connection has
//       sent before in one whole frame (kEarnedBytesMax at most), never what it announces.
//   B2  while the request memory is spent, the size field is read into four bytes of our own, so that it is known
//   whether
//       the frame is a small one, which the reserve is for, before a chunk is taken.
//   B3  empty() means that no chunk is held, once release_if_empty() was called.
// Source: Kafka's NetworkReceive. Difference: Kafka allocates the announced size at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "broker/net/chunk_pool.h"

namespace moldau::broker {

// One request frame, without its size field. `chunk` keeps the bytes; whoever answers later keeps a copy of it.
struct Frame {
  MutableBytes bytes;
  ChunkRef chunk;
};

class ReceiveBuffer {
 public:
  static constexpr std::size_t kSizeFieldBytes = 4;
  static constexpr std::size_t kReceiveBytesMin = std::size_t{64} << 10;  // of a chunk, while there is memory
  static constexpr std::size_t kEarnedBytesMax = std::size_t{2} << 20;
  static constexpr std::size_t kCopiedFrameBytesMax = ChunkPool::kChunkBytesMin;

  // What is here, from the front frame's size field on.
  [[nodiscard]] Bytes bytes() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  // Request memory that is held.
  [[nodiscard]] std::size_t capacity() const noexcept { return chunk_ ? chunk_->capacity() : 0; }
  [[nodiscard]] bool is_beyond_limit() const noexcept { return chunk_ && chunk_->is_beyond_limit(); }
  // What the front frame's size field says, once that is here. Any number.
  [[nodiscard]] std::optional<std::int32_t> announced() const noexcept;

  // True if space() has room without more memory; moves bytes to the front of their chunk for it.
  [[nodiscard]] bool has_space();
  // Makes sure of that; announced() was found good. False: the request memory is spent. O(size()).
  [[nodiscard]] bool make_room(ChunkPool& pool, bool may_exceed);
  // True if make_room would ask for a chunk that the reserve is for.
  [[nodiscard]] bool wants_small() const noexcept;
  // The least chunk that make_room would go on with.
  [[nodiscard]] std::size_t wanted_bytes() const noexcept;
  [[nodiscard]] MutableBytes space() noexcept;
  void received(std::size_t bytes) noexcept { end_ += bytes; }

  // Takes out the front frame, whole, of `frame_bytes` without the size field.
  [[nodiscard]] Frame take(std::size_t frame_bytes);
  // The same in a chunk of its own if it is at most kCopiedFrameBytesMax: a request that waits long holds little.
  [[nodiscard]] Frame take_copied(std::size_t frame_bytes, ChunkPool& pool);

  // A few bytes left in a huge chunk move to a smaller one; nothing left gives the chunk back.
  void trim(ChunkPool& pool);
  void clear() noexcept;

  // Takes over bytes that another shard received; the pool has room for them by that claim.
  void adopt(ChunkPool& pool, Bytes bytes);
  [[nodiscard]] static ChunkPool::Claim claim_to_adopt(const ChunkPool& pool, std::size_t bytes) noexcept;

 private:
  void move_to(ChunkRef chunk);
  void move_to_size_field();

  ChunkRef chunk_;  // being filled; without one the bytes are in size_field_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t earned_bytes_ = 0;  // the largest frame this connection completed, size field included
  std::array<std::byte, kSizeFieldBytes> size_field_{};
};

}  // namespace moldau::broker

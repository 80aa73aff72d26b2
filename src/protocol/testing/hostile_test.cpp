// Memory follows the frame, never a count in it: every allocation of a decoder is counted.
#include <gtest/gtest.h>
#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "protocol/testing/codec.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace {
std::size_t allocated_bytes = 0;  // ever, not net: the strictest count
}  // namespace

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// A sanitizer brings its own operator new; its hook tells of every allocation.
[[maybe_unused]] const int kHooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { allocated_bytes += size; }, [](const volatile void*) {});
#else
void* operator new(std::size_t size) {
  allocated_bytes += size;
  if (void* const memory = std::malloc(size)) {
    return memory;
  }
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace moldau::testing {
namespace {

// What a decoder may allocate: the element budget, and for owned structures a copy of the frame's strings, each
// rounded up a little.
std::size_t allowance(std::size_t frame_size) {
  return std::min(wire::kBudgetMax, wire::kBudgetFactor * frame_size + wire::kBudgetBase) + 2 * frame_size + 4'096;
}

std::size_t allocated_by(const Codec& codec, Bytes frame, std::int16_t version) {
  const std::size_t before = allocated_bytes;
  (void)codec.decode(frame, version);
  return allocated_bytes - before;
}

// The frame up to `at`, then a count in the version's form, then `filler` bytes.
ByteVector with_count(const Codec& codec, std::int16_t version, Bytes frame, std::size_t at, std::int32_t count,
                      std::size_t filler, std::byte fill) {
  wire::Writer writer;
  writer.raw(frame.first(at));
  if (codec.is_flexible(version)) {
    writer.uvarint(static_cast<std::uint32_t>(count) + 1);
  } else {
    writer.int32(count);
  }
  writer.raw(ByteVector(filler, fill));
  return writer.take();
}

template <class Check>
void for_some_places(Check check) {
  for (const Codec* const codec : all_codecs()) {
    for (const std::int16_t version : {codec->min_version, codec->max_version}) {
      Filler filler(11);
      const ByteVector frame = codec->random_frame(filler, version);
      const std::size_t step = std::max<std::size_t>(1, frame.size() / 40);
      for (std::size_t at = 0; at <= frame.size(); at += step) {
        check(*codec, version, Bytes(frame), at);
      }
    }
  }
}

TEST(HostileCounts, AllocationsAreCounted) {
  const std::size_t before = allocated_bytes;
  const ByteVector some(1'000);
  EXPECT_GE(allocated_bytes - before, some.size());
}

TEST(HostileCounts, ACountBeyondTheFrameAllocatesNothingForIt) {
  for_some_places([](const Codec& codec, std::int16_t version, Bytes frame, std::size_t at) {
    for (const std::int32_t count : {2'147'483'646, 1'000'000}) {
      const ByteVector bad = with_count(codec, version, frame, at, count, 16, std::byte{0});
      // The honest part before the count is small; nothing may grow with the count.
      ASSERT_LE(allocated_by(codec, bad, version), std::size_t{64} * 1'024)
          << codec.name << " v" << version << " count at " << at;
    }
  });
}

TEST(HostileCounts, ManyTinyElementsStayWithinTheBudget) {
  constexpr std::size_t kElements = 30'000;
  for_some_places([](const Codec& codec, std::int16_t version, Bytes frame, std::size_t at) {
    if (at % 3 != 0) {
      return;
    }
    for (const std::byte fill : {std::byte{0}, std::byte{1}}) {
      const ByteVector bad =
          with_count(codec, version, frame, at, static_cast<std::int32_t>(kElements), kElements, fill);
      ASSERT_LE(allocated_by(codec, bad, version), allowance(bad.size()))
          << codec.name << " v" << version << " count at " << at;
    }
  });
}

TEST(HostileCounts, AMillionTaggedFieldsAreRefused) {
  int flexible = 0;
  for (const Codec* const codec : all_codecs()) {
    const std::int16_t version = codec->max_version;
    if (!codec->is_flexible(version)) {
      continue;
    }
    // Without tagged fields, the outermost structure ends with their count.
    const ByteVector frame = codec->default_frame(version);
    ASSERT_EQ(frame.back(), std::byte{0});
    wire::Writer writer;
    writer.raw(Bytes(frame).first(frame.size() - 1));
    writer.uvarint(1'000'000);
    for (std::uint32_t tag = 0; tag < 100'000; ++tag) {
      writer.uvarint(tag + 1'000);
      writer.uvarint(0);
    }
    const ByteVector bad = writer.take();
    const auto refused = codec->decode(bad, version);
    ASSERT_FALSE(refused.has_value()) << codec->name;
    ASSERT_EQ(refused.error().kind(), ErrorKind::kTooLarge) << codec->name;
    ASSERT_LE(allocated_by(*codec, bad, version), std::size_t{64} * 1'024) << codec->name;
    ++flexible;
  }
  EXPECT_GT(flexible, 200);
}

}  // namespace
}  // namespace moldau::testing

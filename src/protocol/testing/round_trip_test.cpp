#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "protocol/testing/codec.h"

namespace moldau::testing {
namespace {

constexpr int kSeeds = 40;  // of each structure and version

std::string where(const Codec& codec, std::int16_t version, std::uint64_t seed) {
  return std::string(codec.name) + " v" + std::to_string(version) + " seed " + std::to_string(seed);
}

template <class Check>
void for_each_version(Check check) {
  for (const Codec* const codec : all_codecs()) {
    for (std::int16_t version = codec->min_version; version <= codec->max_version; ++version) {
      check(*codec, version);
    }
  }
}

TEST(RoundTrip, CoversEveryLiveStructure) {
  std::set<std::string> names;
  for (const Codec* const codec : all_codecs()) {
    names.insert(codec->name);
  }
  EXPECT_EQ(names.size(), 273U);  // 281 schemas less the 8 retired
}

TEST(RoundTrip, EveryVersionIsReadAndWrittenBackEqual) {
  int frames = 0;
  for_each_version([&](const Codec& codec, std::int16_t version) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      Filler filler(seed);
      const ByteVector frame = codec.random_frame(filler, version);
      const auto back = codec.recode(frame, version);
      ASSERT_TRUE(back.has_value()) << where(codec, version, seed) << ": " << back.error().message();
      ASSERT_EQ(back->left_over, 0U) << where(codec, version, seed);
      ASSERT_TRUE(equal(back->bytes, frame)) << where(codec, version, seed);
      ++frames;
    }
  });
  RecordProperty("frames", frames);
  EXPECT_GT(frames, 10'000);
}

TEST(RoundTrip, EveryCutOfAFrameIsAnErrorOrAWholeStructure) {
  for_each_version([&](const Codec& codec, std::int16_t version) {
    Filler filler(7);
    const ByteVector frame = codec.random_frame(filler, version);
    const std::size_t step = std::max<std::size_t>(1, frame.size() / 64);
    for (std::size_t size = 0; size < frame.size(); size += step) {
      ASSERT_FALSE(codec.recode(Bytes(frame).first(size), version).has_value())
          << where(codec, version, 7) << " cut at " << size;
    }
  });
}

TEST(RoundTrip, BytesAfterAStructureAreLeftToTheCaller) {
  for_each_version([&](const Codec& codec, std::int16_t version) {
    Filler filler(3);
    ByteVector frame = codec.random_frame(filler, version);
    frame.insert(frame.end(), 5, std::byte{0x5A});
    const auto back = codec.recode(frame, version);
    ASSERT_TRUE(back.has_value()) << where(codec, version, 3);
    ASSERT_EQ(back->left_over, 5U) << where(codec, version, 3);
  });
}

// What a peer may send is wider than what we write: after one pass it is stable.
TEST(RoundTrip, DamagedFramesAreRefusedOrStable) {
  for_each_version([&](const Codec& codec, std::int16_t version) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Filler filler(seed);
      ByteVector frame = codec.random_frame(filler, version);
      if (frame.empty()) {
        continue;
      }
      for (int n = filler.count(); n >= 0; --n) {
        frame[filler.below(frame.size())] = static_cast<std::byte>(filler.next());
      }
      const auto once = codec.recode(frame, version);
      if (!once.has_value()) {
        continue;
      }
      const auto twice = codec.recode(once->bytes, version);
      ASSERT_TRUE(twice.has_value()) << where(codec, version, seed) << ": " << twice.error().message();
      ASSERT_TRUE(equal(twice->bytes, once->bytes)) << where(codec, version, seed);
    }
  });
}

TEST(RoundTrip, OtherVersionsAreRefused) {
  for (const Codec* const codec : all_codecs()) {
    const ByteVector nothing;
    for (const int version : {codec->min_version - 1, codec->max_version + 1, -32768, 32767}) {
      const auto back = codec->recode(nothing, static_cast<std::int16_t>(version));
      ASSERT_FALSE(back.has_value()) << codec->name;
      ASSERT_EQ(back.error().kind(), ErrorKind::kUnsupported) << codec->name;
    }
  }
}

}  // namespace
}  // namespace moldau::testing

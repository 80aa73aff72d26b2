// Request headers, keys and versions, through a real connection: what is answered and what closes.
#include "broker/request/dispatcher.h"

#include <initializer_list>

#include <gtest/gtest.h>

#include "broker/testing/dispatch_rig.h"
#include "protocol/api/api_info.h"
#include "protocol/testing/codec.h"
#include "protocol/wire/writer.h"

namespace moldau::broker::testing {
namespace {

using protocol::ApiInfo;
using protocol::ApiKey;

constexpr std::int32_t kCorrelation = 0x01020304;

ByteVector bytes_of(std::initializer_list<int> values) {
  ByteVector bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

// key, version, correlation id; then `rest`: client id, tags, body.
ByteVector frame_of(std::int16_t key, std::int16_t version, Bytes rest) {
  ByteVector content(8);
  store_be(content.data(), key);
  store_be(content.data() + 2, version);
  store_be(content.data() + 4, kCorrelation);
  content.insert(content.end(), rest.begin(), rest.end());
  return framed(content);
}

// A whole request of default values; client id "x".
ByteVector request_of(const ApiInfo& api, std::int16_t version) {
  ByteVector rest = bytes_of({0, 1, 'x'});
  if (api.is_flexible(version)) {
    rest.push_back(std::byte{0});
  }
  for (const moldau::testing::Codec* codec : moldau::testing::all_codecs()) {
    if (codec->kind == "request" && codec->key == static_cast<std::int16_t>(api.key)) {
      const ByteVector body = codec->default_frame(version);
      rest.insert(rest.end(), body.begin(), body.end());
    }
  }
  return frame_of(static_cast<std::int16_t>(api.key), version, rest);
}

struct Outcome {
  std::vector<ByteVector> answers;
  bool closed = false;
  std::vector<Seen::Entry> seen;
};

Outcome outcome_of(Bytes sent, ListenerKind kind = ListenerKind::kBroker) {
  DispatchRig rig({}, kind);
  auto peer = rig.connect();
  peer->send(sent);
  rig.settle();
  return {.answers = frames_in(peer->received()), .closed = peer->closed_by_owner(), .seen = rig.seen().requests};
}

void expect_closed(Bytes sent, ListenerKind kind = ListenerKind::kBroker) {
  const Outcome outcome = outcome_of(sent, kind);
  EXPECT_TRUE(outcome.closed);
  EXPECT_TRUE(outcome.answers.empty());
  EXPECT_TRUE(outcome.seen.empty());
}

TEST(Dispatcher, EveryVersionOfEveryApiIsAnsweredWithItsResponseHeader) {
  for (const ApiInfo& api : protocol::api_table()) {
    const auto kind = (api.listeners & protocol::kOnBroker) != 0 ? ListenerKind::kBroker : ListenerKind::kController;
    for (std::int16_t version = api.min_version; version <= api.max_version; ++version) {
      SCOPED_TRACE(::testing::Message() << api.name << " v" << version);
      const Outcome outcome = outcome_of(request_of(api, version), kind);
      ASSERT_EQ(outcome.answers.size(), 1U);
      EXPECT_EQ(load_be<std::int32_t>(outcome.answers[0].data()), kCorrelation);
      if (api.response_header_version(version) == 1) {
        EXPECT_EQ(outcome.answers[0].at(4), std::byte{0}) << "no tagged fields";
      }
      EXPECT_EQ(outcome.seen.at(0).client_id, "x");
      EXPECT_FALSE(outcome.closed);
    }
  }
}

TEST(Dispatcher, AnUnknownApiKeyCloses) {
  for (const int key : {999, 93, 127, 128, -1, INT16_MIN, INT16_MAX}) {
    expect_closed(frame_of(static_cast<std::int16_t>(key), 0, bytes_of({0, 1, 'x', 0, 0, 0, 0})));
  }
}

TEST(Dispatcher, ARetiredApiKeyCloses) {
  for (const int key : {4, 5, 6, 7}) {
    expect_closed(frame_of(static_cast<std::int16_t>(key), 0, bytes_of({0, 1, 'x', 0, 0, 0, 0})));
  }
}

TEST(Dispatcher, AnApiOfTheOtherListenerCloses) {
  for (const ApiInfo& api : protocol::api_table()) {
    if (api.key != ApiKey::kApiVersions && (api.listeners & protocol::kOnBroker) == 0) {
      expect_closed(request_of(api, api.min_version), ListenerKind::kBroker);
    }
    if ((api.listeners & protocol::kOnController) == 0) {
      expect_closed(request_of(api, api.min_version), ListenerKind::kController);
    }
  }
}

TEST(Dispatcher, AnUnknownVersionClosesExceptOfApiVersions) {
  for (const ApiInfo& api : protocol::api_table()) {
    if (api.key == ApiKey::kApiVersions || (api.listeners & protocol::kOnBroker) == 0) {
      continue;
    }
    SCOPED_TRACE(api.name);
    const auto key = static_cast<std::int16_t>(api.key);
    for (const int version : {api.max_version + 1, api.min_version - 1, -1, 99, int{INT16_MAX}}) {
      expect_closed(frame_of(key, static_cast<std::int16_t>(version), bytes_of({0, 1, 'x', 0, 0, 0, 0, 0, 0})));
    }
  }
}

TEST(Dispatcher, AnUnknownVersionOfApiVersionsReachesItsHandlerAndIsAnsweredInVersionZero) {
  for (const int version : {5, 99, int{INT16_MAX}, -1}) {
    SCOPED_TRACE(version);
    const Outcome outcome = outcome_of(frame_of(18, static_cast<std::int16_t>(version), bytes_of({0, 1, 'x', 0})));
    ASSERT_EQ(outcome.answers.size(), 1U);
    EXPECT_EQ(outcome.seen.at(0).version, version);
    EXPECT_FALSE(outcome.closed);
  }
}

TEST(Dispatcher, ATruncatedHeaderCloses) {
  const ByteVector whole = request_of(protocol::api_info(ApiKey::kMetadata), 12);
  constexpr std::size_t kHeaderBytes = 12;  // key, version, correlation, client id "x", no tags
  for (std::size_t bytes = 1; bytes < kHeaderBytes; ++bytes) {
    SCOPED_TRACE(bytes);
    expect_closed(framed(Bytes(whole).subspan(4, bytes)));
  }
}

TEST(Dispatcher, ABodyThatEndsEarlyCloses) {
  const ByteVector whole = request_of(protocol::api_info(ApiKey::kFetch), 12);
  for (std::size_t bytes = 12; bytes + 4 < whole.size(); ++bytes) {
    SCOPED_TRACE(bytes);
    expect_closed(framed(Bytes(whole).subspan(4, bytes)));
  }
}

TEST(Dispatcher, BytesBehindTheBodyAreIgnored) {
  ByteVector content = to_vector(Bytes(request_of(protocol::api_info(ApiKey::kMetadata), 12)).subspan(4));
  content.resize(content.size() + 100, std::byte{0xFF});
  EXPECT_EQ(outcome_of(framed(content)).answers.size(), 1U);
}

TEST(Dispatcher, ANullClientIdCountsAsEmpty) {
  // ApiVersions v0 has header 1, v3 header 2 with tags; the body of v3 is two empty strings and no tags.
  const Outcome v0 = outcome_of(frame_of(18, 0, bytes_of({0xFF, 0xFF})));
  ASSERT_EQ(v0.seen.size(), 1U);
  EXPECT_EQ(v0.seen[0].client_id, "");
  const Outcome v3 = outcome_of(frame_of(18, 3, bytes_of({0xFF, 0xFF, 0, 1, 1, 0})));
  ASSERT_EQ(v3.seen.size(), 1U);
  EXPECT_EQ(v3.seen[0].client_id, "");
}

TEST(Dispatcher, AHostileClientIdIsCarriedAsItIs) {
  const Outcome outcome = outcome_of(frame_of(18, 0, bytes_of({0, 6, 0xFF, 0xFE, 0, '\n', 0xC0, 0x80})));
  ASSERT_EQ(outcome.seen.size(), 1U);
  EXPECT_EQ(outcome.seen[0].client_id, std::string_view("\xFF\xFE\0\n\xC0\x80", 6));
}

TEST(Dispatcher, AClientIdOf32767BytesIsServed) {
  ByteVector rest = bytes_of({0x7F, 0xFF});
  rest.resize(rest.size() + 32767, std::byte{'c'});
  const Outcome outcome = outcome_of(frame_of(18, 0, rest));
  ASSERT_EQ(outcome.seen.size(), 1U);
  EXPECT_EQ(outcome.seen[0].client_id.size(), 32767U);
}

TEST(Dispatcher, AClientIdLongerThanTheFrameCloses) {
  expect_closed(frame_of(18, 0, bytes_of({0x7F, 0xFF, 'c'})));
}

TEST(Dispatcher, UnknownTagsInTheHeaderAreIgnored) {
  // One tag, number 77, of three bytes.
  const Outcome outcome = outcome_of(frame_of(18, 3, bytes_of({0, 1, 'x', 1, 77, 3, 1, 2, 3, 1, 1, 0})));
  EXPECT_EQ(outcome.answers.size(), 1U);
}

TEST(Dispatcher, ARequestThatWaitsMayGiveItsMemoryBack) {
  DispatchRig rig;
  rig.seen().hold = true;
  auto peer = rig.connect();
  ByteVector content = to_vector(Bytes(request_of(protocol::api_info(ApiKey::kMetadata), 12)).subspan(4));
  content.resize(100'000);
  peer->send(framed(content));
  rig.settle();
  ASSERT_EQ(rig.seen().held.size(), 1U);
  EXPECT_GT(rig.table().chunks().in_use_bytes(), 100'000U);
  Request& request = rig.seen().held.front();
  request.release_frame();
  EXPECT_EQ(rig.table().chunks().in_use_bytes(), 0U);
  EXPECT_EQ(request.client_id(), "");
  answer_by_default(request);
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
}

TEST(Dispatcher, AClosedRequestClosesBehindTheAnswersBefore) {
  DispatchRig rig;
  auto peer = rig.connect();
  peer->send(request_of(protocol::api_info(ApiKey::kMetadata), 12));
  peer->send(frame_of(999, 0, {}));
  peer->send(request_of(protocol::api_info(ApiKey::kMetadata), 12));
  rig.settle();
  EXPECT_EQ(frames_in(peer->received()).size(), 1U);
  EXPECT_TRUE(peer->closed_by_owner());
  EXPECT_EQ(rig.seen().requests.size(), 1U);
}

TEST(Dispatcher, CountsRequestsAndRefusals) {
  DispatchRig rig;
  rig.connect()->send(request_of(protocol::api_info(ApiKey::kMetadata), 12));
  rig.connect()->send(frame_of(3, 99, bytes_of({0, 1, 'x', 0})));
  rig.settle();
  EXPECT_EQ(rig.dispatcher().counters_of(ApiKey::kMetadata).requests, 1U);
  EXPECT_EQ(rig.dispatcher().counters_of(ApiKey::kMetadata).refused, 1U);
}

}  // namespace
}  // namespace moldau::broker::testing

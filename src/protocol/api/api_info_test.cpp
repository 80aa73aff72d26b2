#include "protocol/api/api_info.h"

#include <gtest/gtest.h>

#include "protocol/api/response_header.h"
#include "protocol/wire/writer.h"

namespace moldau::protocol {
namespace {

TEST(ApiInfo, KnowsThe89LiveApis) {
  EXPECT_EQ(api_table().size(), 89U);
  std::int16_t before = -1;
  for (const ApiInfo& api : api_table()) {
    EXPECT_GT(static_cast<std::int16_t>(api.key), before);
    before = static_cast<std::int16_t>(api.key);
    EXPECT_EQ(find_api(before), &api);
    EXPECT_LE(api.min_version, api.max_version);
    EXPECT_NE(api.listeners, 0);
  }
  for (const int retired : {4, 5, 6, 7, -1, 93, 999}) {
    EXPECT_EQ(find_api(static_cast<std::int16_t>(retired)), nullptr);
  }
}

TEST(ApiInfo, HidesAnUnstableVersion) {
  const ApiInfo& api = api_info(ApiKey::kInitProducerId);
  EXPECT_EQ(api.max_version, 5);
  EXPECT_EQ(api.latest_version, 6);
  EXPECT_TRUE(api.supports(5));
  EXPECT_FALSE(api.supports(6));
}

TEST(ApiInfo, ChoosesHeaders) {
  const ApiInfo& produce = api_info(ApiKey::kProduce);
  EXPECT_EQ(produce.request_header_version(8), 1);
  EXPECT_EQ(produce.request_header_version(9), 2);
  EXPECT_EQ(produce.response_header_version(8), 0);
  EXPECT_EQ(produce.response_header_version(9), 1);
  const ApiInfo& versions = api_info(ApiKey::kApiVersions);
  EXPECT_EQ(versions.request_header_version(3), 2);
  EXPECT_EQ(versions.response_header_version(3), 0);
  EXPECT_EQ(api_info(ApiKey::kSaslHandshake).request_header_version(1), 1);
  EXPECT_EQ(api_info(ApiKey::kOffsetDelete).flexible_version, kNeverFlexible);
}

TEST(ApiInfo, ListenersAreThoseOfTheSchema) {
  EXPECT_EQ(api_info(ApiKey::kProduce).listeners, kOnBroker);
  EXPECT_EQ(api_info(ApiKey::kVote).listeners, kOnController);
  EXPECT_EQ(api_info(ApiKey::kFetch).listeners, kOnBroker | kOnController);
}

TEST(RequestHeader, KeepsTheClassicClientIdInItsFlexibleForm) {
  for (const std::int16_t api_version : {std::int16_t{8}, std::int16_t{9}}) {
    RequestHeader header;
    header.request_api_key = 0;
    header.request_api_version = api_version;
    header.correlation_id = 77;
    header.client_id = "me";
    wire::Writer writer;
    header.encode(writer, api_info(ApiKey::kProduce).request_header_version(api_version));
    EXPECT_EQ(writer.position(), api_version == 9 ? 13U : 12U);
    wire::Reader reader(writer.bytes());
    const auto back = decode_request_header(reader);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->correlation_id, 77);
    EXPECT_EQ(back->client_id, "me");
    EXPECT_EQ(reader.remaining(), 0U);
  }
}

TEST(RequestHeader, RefusesAnUnknownKeyAndACutHeader) {
  wire::Writer writer;
  writer.int16(999);
  writer.int16(0);
  writer.int32(1);
  writer.int16(-1);
  wire::Reader unknown(writer.bytes());
  const auto refused = decode_request_header(unknown);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kUnsupported);
  wire::Reader cut(writer.bytes().first(3));
  const auto truncated = decode_request_header(cut);
  ASSERT_FALSE(truncated.has_value());
  EXPECT_EQ(truncated.error().kind(), ErrorKind::kTruncated);
}

TEST(RequestHeader, ReadsAnApiVersionsRequestOfTheFuture) {
  wire::Writer writer;
  writer.int16(18);
  writer.int16(99);
  writer.int32(5);
  writer.string("new client", false);
  writer.uvarint(0);
  wire::Reader reader(writer.bytes());
  const auto header = decode_request_header(reader);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->request_api_version, 99);
  EXPECT_EQ(header->correlation_id, 5);
}

TEST(ResponseHeader, HasAFlexibleForm) {
  ResponseHeader header;
  header.correlation_id = 3;
  wire::Writer writer;
  header.encode(writer, 0);
  header.encode(writer, 1);
  EXPECT_EQ(writer.position(), 9U);
}

}  // namespace
}  // namespace moldau::protocol

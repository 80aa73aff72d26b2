#include "http/metrics_text.h"
#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace moldau::http {
namespace {

TEST(RequestParser, ReadsAWholeHead) {
  const auto parsed = parse_request(as_bytes("GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\nrest"));
  ASSERT_EQ(parsed.status, ParseStatus::kComplete);
  EXPECT_EQ(parsed.request.method, "GET");
  EXPECT_EQ(parsed.request.path, "/readyz");
  EXPECT_EQ(parsed.request.query, "verbose");
  EXPECT_TRUE(parsed.request.keep_alive);
  EXPECT_EQ(parsed.consumed_bytes, 41U);
}

TEST(RequestParser, WaitsForTheRest) {
  EXPECT_EQ(parse_request(as_bytes("GET / HT")).status, ParseStatus::kNeedBytes);
  EXPECT_EQ(parse_request({}).status, ParseStatus::kNeedBytes);
}

TEST(RequestParser, RefusesWhatIsNotHttpOrTooLong) {
  EXPECT_EQ(parse_request(as_bytes("\x16\x03\x01 hello\r\n\r\n")).status, ParseStatus::kBad);
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(kRequestHeadBytesMax, 'a');
  EXPECT_EQ(parse_request(as_bytes(endless)).status, ParseStatus::kBad);
}

TEST(MetricsText, WritesFamiliesWithEscapedLabels) {
  MetricsText text;
  text.family("moldau_up", MetricsText::Type::kGauge, "Whether it is up.");
  text.sample({{"name", "a\"b\\c\nd"}}, std::uint64_t{1});
  EXPECT_EQ(text.text(),
            "# HELP moldau_up Whether it is up.\n# TYPE moldau_up gauge\nmoldau_up{name=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(MetricsText, WritesSummariesWithTheirSumAndCount) {
  MetricsText text;
  text.family("moldau_ms", MetricsText::Type::kSummary, "How long.");
  text.sample({{"quantile", "0.5"}}, 1.5);
  text.sum_and_count({{"request", "Fetch"}}, 2.5, 2);
  EXPECT_EQ(text.text(),
            "# HELP moldau_ms How long.\n# TYPE moldau_ms summary\nmoldau_ms{quantile=\"0.5\"} 1.5\n"
            "moldau_ms_sum{request=\"Fetch\"} 2.5\nmoldau_ms_count{request=\"Fetch\"} 2\n");
}

}  // namespace
}  // namespace moldau::http

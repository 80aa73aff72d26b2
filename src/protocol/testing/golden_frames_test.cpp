// Frames captured from Apache Kafka 4.3.1 and its clients (tests/golden/frames) are read and written back equal.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "protocol/api/api_info.h"
#include "protocol/api/response_header.h"
#include "protocol/testing/codec.h"

namespace moldau::testing {
namespace {

struct Frame {
  std::string api;
  std::int16_t version = 0;
  std::string kind;  // "request" or "response"
  ByteVector bytes;  // without the length before it
};

ByteVector from_hex(const std::string& text) {
  ByteVector out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::vector<Frame> golden_frames() {
  std::vector<Frame> out;
  for (const auto& file : std::filesystem::directory_iterator(MOLDAU_SOURCE_DIR "/tests/golden/frames")) {
    if (file.path().extension() != ".txt") {
      continue;
    }
    std::ifstream lines(file.path());
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with('#')) {
        continue;
      }
      std::istringstream words(line);
      Frame frame;
      std::string hex;
      words >> frame.api >> frame.version >> frame.kind >> hex;
      frame.bytes = from_hex(hex);
      out.push_back(std::move(frame));
    }
  }
  return out;
}

const protocol::ApiInfo* api_named(const std::string& name) {
  for (const protocol::ApiInfo& api : protocol::api_table()) {
    if (name == api.name) {
      return &api;
    }
  }
  return nullptr;
}

template <class Header>
ByteVector header_again(wire::Reader& reader, std::int16_t header_version) {
  const auto header = Header::decode(reader, header_version);
  EXPECT_TRUE(header.has_value());
  wire::Writer writer;
  if (header) {
    header->encode(writer, header_version);
  }
  return writer.take();
}

TEST(GoldenFrames, AreReadAndWrittenBackEqual) {
  std::map<std::string, const Codec*> codecs;
  for (const Codec* const codec : all_codecs()) {
    codecs[codec->name] = codec;
  }
  std::set<std::string> apis;
  int count = 0;
  for (const Frame& frame : golden_frames()) {
    const std::string where = frame.api + " v" + std::to_string(frame.version) + " " + frame.kind;
    const protocol::ApiInfo* const api = api_named(frame.api);
    ASSERT_NE(api, nullptr) << where;
    wire::Reader reader(frame.bytes);
    const ByteVector header =
        frame.kind == "request"
            ? header_again<protocol::RequestHeader>(reader, api->request_header_version(frame.version))
            : header_again<protocol::ResponseHeader>(reader, api->response_header_version(frame.version));
    ASSERT_TRUE(equal(header, Bytes(frame.bytes).first(reader.position()))) << where;
    const Bytes body = Bytes(frame.bytes).subspan(reader.position());
    const auto codec = codecs.find(frame.api + (frame.kind == "request" ? "Request" : "Response"));
    ASSERT_NE(codec, codecs.end()) << where;
    const auto back = codec->second->recode(body, frame.version);
    ASSERT_TRUE(back.has_value()) << where << ": " << back.error().message();
    EXPECT_EQ(back->left_over, 0U) << where;
    EXPECT_TRUE(equal(back->bytes, body)) << where;
    apis.insert(frame.api);
    ++count;
  }
  RecordProperty("frames", count);
  EXPECT_GE(apis.size(), 60U);
  EXPECT_GE(count, 300);
}

}  // namespace
}  // namespace moldau::testing

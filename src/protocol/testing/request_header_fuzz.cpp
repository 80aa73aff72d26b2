// A whole request frame as a connection delivers it: the header names the API and the version of the body.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "protocol/api/api_info.h"
#include "protocol/testing/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  const Bytes frame = std::as_bytes(std::span(data, size));
  wire::Reader reader(frame);
  const auto header = protocol::decode_request_header(reader);
  if (!header.has_value()) {
    return 0;
  }
  const protocol::ApiInfo* const api = protocol::find_api(header->request_api_key);
  MOLDAU_ASSERT(api != nullptr);
  wire::Writer writer;
  header->encode(writer, api->request_header_version(header->request_api_version));
  wire::Reader again(writer.bytes());
  const auto back = protocol::decode_request_header(again);
  MOLDAU_ASSERT(back.has_value() && back->correlation_id == header->correlation_id);
  MOLDAU_ASSERT(back->client_id == header->client_id);
  if (!api->supports(header->request_api_version)) {
    return 0;
  }
  for (const testing::Codec* const codec : testing::all_codecs()) {
    if (codec->kind == "request" && codec->key == header->request_api_key) {
      (void)codec->recode(frame.subspan(reader.position()), header->request_api_version);
    }
  }
  return 0;
}

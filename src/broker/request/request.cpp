#include "broker/request/request.h"

#include "base/assert.h"

namespace moldau::broker {
namespace {
constexpr std::size_t kSizeFieldBytes = 4;
}

Request::Request(const protocol::ApiInfo& api, protocol::RequestHeader header, std::size_t header_bytes, Frame frame,
                 ResponseTicket ticket, runtime::MonoTime received)
    : api_(&api),
      header_(std::move(header)),
      body_(frame.bytes.subspan(header_bytes)),
      chunk_(std::move(frame.chunk)),
      ticket_(std::move(ticket)),
      received_(received) {}

void Request::begin_answer(wire::Writer& writer, std::int16_t version) const {
  writer.int32(0);  // the size, patched at the end
  protocol::ResponseHeader header;
  header.correlation_id = header_.correlation_id;
  header.encode(writer, api_->response_header_version(version));
}

void Request::finish_answer(wire::Writer& writer, std::span<FileRange> ranges) {
  const std::size_t total = writer.total_bytes();
  if (!writer.ok() || total - kSizeFieldBytes > INT32_MAX) {
    close();
    return;
  }
  writer.patch_int32(0, static_cast<std::int32_t>(total - kSizeFieldBytes));
  Response response;
  response.splices.reserve(writer.splices().size());
  for (const wire::Splice& splice : writer.splices()) {
    MOLDAU_ASSERT(splice.index < ranges.size() && ranges[splice.index].size_bytes == splice.size_bytes);
    response.splices.push_back({.at = splice.position, .range = std::move(ranges[splice.index])});
  }
  response.frame = writer.take();
  ticket_.answer(std::move(response));
}

}  // namespace moldau::broker

#include "http/request_parser.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace moldau::http {

ParsedRequest parse_request(Bytes received) {
  namespace beast_http = boost::beast::http;
  ParsedRequest result;
  beast_http::request_parser<beast_http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(kRequestHeadBytesMax));
  parser.eager(true);
  boost::system::error_code error;
  result.consumed_bytes = parser.put(boost::asio::const_buffer(received.data(), received.size()), error);
  if (error == beast_http::error::need_more) {
    result.status = received.size() >= kRequestHeadBytesMax ? ParseStatus::kBad : ParseStatus::kNeedBytes;
    return result;
  }
  if (error || !parser.is_done()) {
    result.status = ParseStatus::kBad;
    return result;
  }
  const auto& head = parser.get();
  const auto target = std::string_view(head.target().data(), head.target().size());
  const std::size_t question = target.find('?');
  result.status = ParseStatus::kComplete;
  result.request.method = std::string(head.method_string().data(), head.method_string().size());
  result.request.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) {
    result.request.query = std::string(target.substr(question + 1));
  }
  result.request.keep_alive = head.keep_alive();
  return result;
}

}  // namespace moldau::http

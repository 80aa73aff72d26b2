// The text of an IP address, as a request or a configuration holds it: no input crashes, and what is an address is made
// of nothing but digits, dots and colons before its zone.
#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "base/ip_address.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = moldau::IpAddress::parse(text);
  if (!parsed) {
    return 0;
  }
  const std::string_view address = text.substr(0, text.find('%'));
  if (address.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos || address.size() > 45 ||
      moldau::IpAddress::parse(address) != parsed) {
    std::abort();
  }
  return 0;
}

// .kafka_cleanshutdown: no input crashes; an accepted epoch survives a round trip.
#include <cstdlib>

#include "storage/checkpoint/clean_shutdown.h"

using namespace moldau;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Bytes content(reinterpret_cast<const std::byte*>(data), size);
  if (const auto epoch = storage::parse_clean_shutdown(content)) {
    const std::string text = storage::format_clean_shutdown(*epoch);
    if (storage::parse_clean_shutdown(as_bytes(text)) != epoch) {
      std::abort();
    }
  }
  return 0;
}

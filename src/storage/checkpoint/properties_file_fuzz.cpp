// Java properties and meta.properties: no input crashes; what is accepted survives a round trip.
#include <cstdlib>

#include "storage/checkpoint/meta_properties.h"
#include "storage/checkpoint/properties.h"

using namespace moldau;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Bytes content(reinterpret_cast<const std::byte*>(data), size);
  if (const auto properties = storage::parse_properties(content)) {
    std::string text;
    for (const storage::Property& property : *properties) {
      text += storage::format_property(property.key, property.value) + "\n";
    }
    const auto again = storage::parse_properties(as_bytes(text));
    if (!again || again->size() != properties->size()) {
      std::abort();
    }
    for (std::size_t i = 0; i < again->size(); ++i) {
      if ((*again)[i].key != (*properties)[i].key || (*again)[i].value != (*properties)[i].value) {
        std::abort();
      }
    }
  }
  if (const auto meta = storage::parse_meta_properties(content)) {
    const std::string text = storage::format_meta_properties(*meta);
    const auto again = storage::parse_meta_properties(as_bytes(text));
    if (!again || *again != *meta) {
      std::abort();
    }
  }
  return 0;
}

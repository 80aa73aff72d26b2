#include "storage/index/transaction_index.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const auto index = storage::TransactionIndex::parse(bytes, Offset(0));
  if (index && !equal(index->bytes(), bytes)) {
    std::abort();
  }
  return 0;
}

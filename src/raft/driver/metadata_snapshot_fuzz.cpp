// A snapshot or bootstrap.checkpoint from a damaged disk: an error, or records; never a crash. The first byte chooses
// whether checksums are set right first, so that the parts behind them are reached.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/crc32c.h"
#include "protocol/record/batch_format.h"
#include "raft/driver/batch_file.h"

namespace moldau::raft {
namespace {

class MemoryFile final : public runtime::File {
 public:
  explicit MemoryFile(ByteVector bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    if (position >= bytes_.size()) {
      return 0;
    }
    const std::size_t count = std::min(into.size(), bytes_.size() - static_cast<std::size_t>(position));
    std::memcpy(into.data(), bytes_.data() + position, count);
    return count;
  }
  Result<> write_at(std::uint64_t, std::span<const Bytes>) override { return fail(ErrorKind::kIo, "read only"); }
  Result<std::uint64_t> size() const override { return bytes_.size(); }
  Result<> truncate(std::uint64_t) override { return fail(ErrorKind::kIo, "read only"); }
  Result<> sync() override { return {}; }
  void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}

 private:
  ByteVector bytes_;
};

void mend_checksums(ByteVector& file) {
  std::size_t at = 0;
  while (file.size() - at >= record::kBatchHeaderBytes) {
    const auto header = record::BatchHeader::parse(Bytes(file).subspan(at));
    if (!header || header->size_bytes() > file.size() - at) {
      return;
    }
    const Bytes covered = Bytes(file).subspan(at + record::kAttributesAt, header->size_bytes() - record::kAttributesAt);
    store_be<std::uint32_t>(file.data() + at + record::kCrcAt, crc32c(covered));
    at += header->size_bytes();
  }
}

}  // namespace
}  // namespace moldau::raft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  using namespace moldau::raft;
  if (size == 0) {
    return 0;
  }
  const Bytes content = std::as_bytes(std::span(data + 1, size - 1));
  ByteVector file(content.begin(), content.end());
  if (data[0] % 2 == 0) {
    mend_checksums(file);
  }
  auto reader = BatchFileReader::over(std::make_shared<MemoryFile>(std::move(file)));
  VoterChange voters;
  (void)(*reader)->verify(voters);
  return 0;
}

#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/record/batch.h"
#include "storage/testing/log_fixture.h"

namespace moldau::storage::testing {

// A log of three segments whose files a test may damage before it opens them again.
class LogRecoveryFixture : public LogFixture {
 protected:
  // Three segments of ten batches or so, nothing synced.
  void write_segments() {
    open();
    fill(25);
    ASSERT_EQ(log_->segment_count(), 3U);
    written_ = all();
    bases_ = {0, 0, 0};
    for (const std::string& name : names()) {
      if (name.ends_with(".log")) {
        bases_[0] = bases_[1];
        bases_[1] = bases_[2];
        bases_[2] = std::stoll(name);
      }
    }
  }
  [[nodiscard]] std::vector<StoredRecord> first(std::int64_t count) const {
    return {written_.begin(), written_.begin() + count};
  }
  // Where the batch with this base offset begins in its segment.
  [[nodiscard]] std::size_t position_of(std::int64_t base, std::int64_t offset) {
    record::BatchIterator batches(file(base));
    for (auto next = batches.next(); next && *next; next = batches.next()) {
      if ((*next)->header.base_offset == Offset(offset)) {
        return batches.position() - (*next)->bytes.size();
      }
    }
    ADD_FAILURE() << "no batch at " << offset;
    return 0;
  }
  std::vector<StoredRecord> written_;
  std::vector<std::int64_t> bases_;
};

}  // namespace moldau::storage::testing

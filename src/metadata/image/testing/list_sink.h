// Tests: what an image writes, kept in a list.
#pragma once

#include <utility>
#include <vector>

#include "metadata/image/image.h"

namespace moldau::metadata::testing {

struct ListSink : RecordSink {
  std::vector<records::MetadataRecordAndVersion> list;
  void write(records::MetadataRecordAndVersion record) override { list.push_back(std::move(record)); }
};

}  // namespace moldau::metadata::testing

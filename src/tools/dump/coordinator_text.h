// Records of __consumer_offsets, __transaction_state and __share_group_state as a dump shows them.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "tools/dump/dump_log.h"

namespace moldau::tools {

struct CoordinatorText {
  std::string key;                   // {"type":"1","data":{…}}, or why the record is passed over
  std::optional<std::string> value;  // {"version":"3","data":{…}} or <DELETE>; nothing if it is passed over
  bool is_json = true;               // of the key, and of a value that is not <DELETE>
};

inline constexpr const char* kDeletedText = "<DELETE>";

// `decoder` is one of the three. `offset` is for the text of a record that is passed over.
[[nodiscard]] CoordinatorText coordinator_text(RecordDecoder decoder, Bytes key, const std::optional<Bytes>& value,
                                               Offset offset);

}  // namespace moldau::tools

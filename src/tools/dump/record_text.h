// Records as a dump shows them: control records and records of the metadata log decoded.
#pragma once

#include <expected>
#include <string>

#include "protocol/record/record.h"
#include "tools/dump/row.h"

namespace moldau::tools {

// Adds what a control record says. Nothing is added for a record that is none.
void add_control_record(Row& row, const record::RecordView& record);

// {"type":"TOPIC_RECORD","version":0,"data":{…}}; the error is why the value is no such record.
[[nodiscard]] std::expected<std::string, std::string> metadata_record_json(Bytes value);

}  // namespace moldau::tools

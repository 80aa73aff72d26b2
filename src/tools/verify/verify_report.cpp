#include "tools/verify/verify_report.h"

#include <fmt/format.h>

#include "tools/output/command_result.h"
#include "tools/output/json_writer.h"

namespace moldau::tools {

void VerifyReport::say(std::string_view kind, const std::string& file, std::string_view what,
                       std::optional<std::uint64_t> position) {
  if (json_) {
    JsonWriter json;
    json.begin_object().member("kind", kind).member("file", file).key("position");
    if (position) {
      json.value(static_cast<std::int64_t>(*position));
    } else {
      json.null();
    }
    json.member("what", what).end_object();
    return sinks_.output(json.text() + "\n");
  }
  const std::string place = position ? fmt::format("{} at {}", file, *position) : file;
  sinks_.output(fmt::format("{}: {}: {}\n", kind, place, what));
}

void VerifyReport::fault(const std::string& file, std::string_view what, std::optional<std::uint64_t> position) {
  ++faults_;
  say("fault", file, what, position);
}

void VerifyReport::note(const std::string& file, std::string_view what, std::optional<std::uint64_t> position) {
  ++notes_;
  say("note", file, what, position);
}

void VerifyReport::refuse(const std::string& directory, std::string_view why) {
  refused_ = true;
  sinks_.errors(fmt::format("moldau: {}: {}\n", directory, why));
}

void VerifyReport::summarise() {
  if (json_) {
    JsonWriter json;
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    json.begin_object().member("kind", "summary").member("partitions", number(counts.partitions));
    json.member("segments", number(counts.segments)).member("batches", number(counts.batches));
    json.member("records", number(counts.records)).member("bytes", number(counts.bytes));
    json.member("faults", number(faults_)).member("notes", number(notes_)).end_object();
    return sinks_.output(json.text() + "\n");
  }
  sinks_.output(fmt::format("{} partitions, {} segments, {} batches, {} records, {} bytes: {} faults, {} notes\n",
                            counts.partitions, counts.segments, counts.batches, counts.records, counts.bytes, faults_,
                            notes_));
}

int VerifyReport::exit_code() const noexcept {
  return refused_ ? kExitWrongUsage : faults_ > 0 ? kExitRefused : kExitDone;
}

}  // namespace moldau::tools

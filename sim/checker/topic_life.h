// What the outside knows of a topic that is deleted and created again under its name: of its present life alone. Its
// one writer has one record on its way at a time and sends it again when it hears nothing, so a record may be stored
// twice, but what was acknowledged is at its offset.
//
// Judged: nothing acknowledged is missing (G3, G4), offsets do not move (G9), the front goes only as far as
// DeleteRecords
//         was told and at least as far as it answered (G11), nothing of an earlier life is read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "base/callback.h"
#include "base/ids.h"

namespace moldau::sim {

class TopicLife {
 public:
  using Report = Function<void(std::string)>;
  // `report` outlives this object.
  explicit TopicLife(Report& report) : report_(report) {}

  // The topic was created anew: its records begin with this number.
  void begin(std::uint64_t first_number);
  void on_sent(std::uint64_t number) { next_number_ = number + 1; }
  void on_acked(std::uint64_t number, Offset at);
  void on_delete_sent(Offset target) { delete_sent_ = std::max(delete_sent_, target); }
  void on_deleted(Offset low) { deleted_ = std::max(deleted_, low); }
  [[nodiscard]] Offset deleted() const noexcept { return deleted_; }
  // Behind the last record that was acknowledged.
  [[nodiscard]] Offset acked_end() const noexcept;

  // A reading of [start, end): begin, each record, end.
  void begin_reading(Offset start, Offset end);
  void on_read(Offset at, std::uint64_t number);
  void end_reading();

 private:
  Report& report_;
  std::uint64_t first_number_ = 0;
  std::uint64_t next_number_ = 0;
  std::map<Offset, std::uint64_t> acked_;
  Offset deleted_{0};
  Offset delete_sent_{0};
  Offset start_{0};
  Offset end_{0};
  std::uint64_t read_ = 0;
};

}  // namespace moldau::sim

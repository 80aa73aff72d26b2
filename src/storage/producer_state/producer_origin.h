// Who wrote a batch, as far as producer state cares. Source: Kafka's AppendOrigin.
#pragma once

#include <cstdint>

namespace moldau::storage {

enum class ProducerOrigin : std::uint8_t {
  kClient,       // sequences and epochs are checked, duplicates are found
  kCoordinator,  // epochs are checked: markers and the coordinators' own records
  kReplica,      // the leader checked; nothing is refused
  kRaft,         // the metadata log: nothing is refused
};

}  // namespace moldau::storage

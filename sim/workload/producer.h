// A producer of batches to every partition, with acks=all or acks=1: idempotent with up to five batches of a partition
// on their way, or plain with one. What was not acknowledged when a connection breaks is sent again on the next, in
// order, with the same sequences. Now and then an idempotent one sends an acknowledged batch again, one of its last
// five: the answer must carry the batch's first offset.
//
// Invariants: P1 a partition's batches are first sent in the order of their records; P2 a plain producer sends a batch
//             only after the one before was acknowledged, and an idempotent one does so until its first: a broker that
//             does not know a producer takes any sequence for its first, as Kafka does, so a refused first batch could
//             be overtaken by the second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "protocol/messages/init_producer_id_response.h"
#include "protocol/messages/produce_response.h"
#include "sim/checker/record_name.h"
#include "sim/workload/client.h"

namespace moldau::sim {

struct ProducerOptions {
  std::uint32_t number = 0;
  bool idempotent = true;
  bool synced = true;                 // acks=all; else acks=1: what a power cut may lose. Not of an idempotent one
  std::uint32_t records_max = 8;      // of a batch
  std::uint32_t pause_max_us = 3000;  // between batches
};

class Producer final : public Client {
 public:
  Producer(runtime::World world, Workload& workload, SimRandom random, const ProducerOptions& options);

  // Nothing waits for an answer, and nothing new will come.
  [[nodiscard]] bool drained() const;

 private:
  struct Batch {
    RecordName first;
    std::uint32_t count = 0;
    ByteVector bytes;
    bool sent = false;  // on this connection
    // Of a batch that was acknowledged: its offset, and that it is on its way a second time.
    std::optional<Offset> acked_at;
  };
  struct Partition {
    std::uint64_t next_number = 0;
    std::deque<Batch> unacked;
    std::deque<Batch> acked;  // the last ones of an idempotent producer, oldest first
  };
  [[nodiscard]] std::size_t in_flight_max(const Partition& partition) const noexcept;

  void on_up() override;
  void on_down() override;
  void on_producer_id(const protocol::InitProducerIdResponse& response);
  void produce_one();
  void make_batch(std::uint32_t partition);
  [[nodiscard]] bool send_again(Partition& partition);
  void send_unsent();
  void send(std::vector<std::uint32_t> partitions);
  void on_answer(const protocol::ProduceResponse& response, std::size_t partitions_asked);
  void on_partition(const protocol::ProduceResponse::PartitionProduceResponse& answer);
  void pause();

  ProducerOptions options_;
  ProducerId producer_id_ = kNoProducerId;
  ProducerEpoch producer_epoch_ = kNoProducerEpoch;
  std::vector<Partition> partitions_;
  runtime::Timer next_;
};

}  // namespace moldau::sim

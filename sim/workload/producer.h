// A producer of acks=all batches to every partition: idempotent with up to five batches of a partition on their way, or
// plain with one. What was not acknowledged when a connection breaks is sent again on the next, in order, with the same
// sequences.
//
// Invariants: P1 a partition's batches are first sent in the order of their records; P2 a plain producer sends a batch
//             only after the one before was acknowledged.
#pragma once

#include <cstdint>
#include <deque>
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
  };
  struct Partition {
    std::uint64_t next_number = 0;
    std::deque<Batch> unacked;
  };

  void on_up() override;
  void on_down() override;
  void on_producer_id(const protocol::InitProducerIdResponse& response);
  void produce_one();
  void make_batch(std::uint32_t partition);
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

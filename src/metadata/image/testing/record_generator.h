// Tests: a seeded source of metadata records that are valid in the order in which they are given out.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "metadata/records/any_metadata_record.h"

namespace moldau::metadata::testing {

class RecordGenerator {
 public:
  explicit RecordGenerator(std::uint64_t seed) : random_(seed) {}

  // The first record is metadata.version 30; then anything that fits what came before.
  records::AnyMetadataRecord next();

 private:
  struct TopicState {
    std::string name;
    std::int32_t partitions = 0;
  };
  records::AnyMetadataRecord broker();
  records::AnyMetadataRecord topic();
  records::AnyMetadataRecord access();
  records::AnyMetadataRecord setting();
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  Uuid uuid() { return {random_(), random_()}; }
  std::string name(const char* prefix, std::uint64_t kinds) { return prefix + std::to_string(below(kinds)); }

  std::mt19937_64 random_;
  bool started_ = false;
  std::int64_t sequence_ = 0;
  std::map<std::int32_t, std::int64_t> brokers_;  // id, epoch
  std::map<Uuid, TopicState> topics_;
  std::vector<Uuid> acls_;
};

}  // namespace moldau::metadata::testing

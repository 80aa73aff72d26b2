#include "metadata/image/delta.h"

namespace moldau::metadata {
namespace {

// Calls on_change(key) for each key whose value differs; values are shared pointers.
template <class Map, class OnChange>
void compare(const Map& from, const Map& to, OnChange on_change) {
  if (from.same_as(to)) {
    return;
  }
  auto a = from.begin();
  auto b = to.begin();
  while (a != from.end() || b != to.end()) {
    const bool only_a = b == to.end() || (a != from.end() && a->key < b->key);
    const bool only_b = !only_a && (a == from.end() || b->key < a->key);
    if (only_a) {
      on_change(a->key);
      ++a;
    } else if (only_b) {
      on_change(b->key);
      ++b;
    } else {
      if constexpr (requires { *a->value; }) {
        if (a->value != b->value && !(*a->value == *b->value)) {
          on_change(a->key);
        }
      } else if (!(a->value == b->value)) {
        on_change(a->key);
      }
      ++a;
      ++b;
    }
  }
}

template <class Map>
bool differ(const Map& from, const Map& to) {
  bool different = false;
  compare(from, to, [&](const auto&) { different = true; });
  return different;
}

}  // namespace

ImageChanges difference(const Image& from, const Image& to) {
  ImageChanges changes;
  compare(from.topics(), to.topics(), [&](const Uuid& id) {
    const Topic* before = from.topic(id);
    const Topic* after = to.topic(id);
    if (after == nullptr) {
      changes.deleted_topics.emplace(id, before->name);
      return;
    }
    std::set<PartitionIndex>& partitions = changes.topics[id];
    const decltype(after->partitions) nothing;
    compare(before == nullptr ? nothing : before->partitions, after->partitions,
            [&](PartitionIndex index) { partitions.insert(index); });
  });
  compare(from.brokers(), to.brokers(), [&](NodeId id) { changes.brokers.insert(id); });
  compare(from.controllers(), to.controllers(), [&](NodeId id) { changes.controllers.insert(id); });
  compare(from.configs(), to.configs(), [&](const ConfigResource& resource) { changes.configs.insert(resource); });
  changes.features = from.metadata_version() != to.metadata_version() || differ(from.features(), to.features());
  changes.quotas = differ(from.quotas(), to.quotas());
  changes.producer_ids = from.next_producer_id() != to.next_producer_id();
  changes.acls = differ(from.acls(), to.acls());
  changes.scram = differ(from.scram(), to.scram());
  changes.tokens = differ(from.tokens(), to.tokens());
  return changes;
}

}  // namespace moldau::metadata

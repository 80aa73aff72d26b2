// PersistentMap: an ordered map whose copies share structure. Copying is O(1); a change copies O(log n) nodes.
//
// Shard:      a map that was published is immutable and may be read anywhere; only the owner of an Edit changes a map.
// Invariants: 1 an AVL tree: the heights of siblings differ by one at most, so depth <= 1.45 log2(n).
//             2 a node whose edit is not the caller's is never written: it may be shared with a published copy. A node
//               whose edit is the caller's was made in this edit and has not been published, so it is changed in place.
// Cost:       a node is the entry plus 40 bytes and a control block; one change among 100,000 entries copies at most 24
//             nodes, and a bulk load under one edit copies none.
// Source:     own; Kafka uses PCollections' HashTreePMap (ImmutableMap) for the same end.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace moldau::metadata {

// Names one run of changes. Larger than the edit of every map that it starts from; see Delta.
using Edit = std::uint64_t;

template <class Key, class Value>
class PersistentMap {
 public:
  struct Entry {
    Key key;
    Value value;
  };

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  struct Node : Entry {
    Node(Edit made_in, Key&& k, Value&& v) : Entry{std::move(k), std::move(v)}, edit(made_in) {}
    Node(Edit made_in, const Node& other)
        : Entry(other), left(other.left), right(other.right), edit(made_in), height(other.height) {}
    NodePtr left;
    NodePtr right;
    Edit edit;
    std::int8_t height = 1;
  };
  static constexpr std::size_t kDepthMax = 48;  // of an AVL tree with 2^32 entries

 public:
  // In key order. Valid while some copy of the map that it came from lives.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;

    Iterator() = default;
    const Entry& operator*() const noexcept { return *stack_[depth_ - 1]; }
    const Entry* operator->() const noexcept { return stack_[depth_ - 1]; }
    Iterator& operator++() noexcept {
      const Node* node = stack_[--depth_];
      descend(node->right.get());
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.depth_ == b.depth_ && (a.depth_ == 0 || a.stack_[a.depth_ - 1] == b.stack_[b.depth_ - 1]);
    }

   private:
    friend class PersistentMap;
    void push(const Node* node) noexcept {
      MOLDAU_ASSERT(depth_ < kDepthMax);
      stack_[depth_++] = node;
    }
    void descend(const Node* node) noexcept {
      for (; node != nullptr; node = node->left.get()) {
        push(node);
      }
    }
    std::array<const Node*, kDepthMax> stack_;
    std::size_t depth_ = 0;
  };

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Null if absent. O(log n). Any type that compares with Key by <.
  template <class Like>
  [[nodiscard]] const Value* find(const Like& key) const noexcept {
    const Node* node = root_.get();
    while (node != nullptr) {
      if (key < node->key) {
        node = node->left.get();
      } else if (node->key < key) {
        node = node->right.get();
      } else {
        return &node->value;
      }
    }
    return nullptr;
  }
  template <class Like>
  [[nodiscard]] bool contains(const Like& key) const noexcept {
    return find(key) != nullptr;
  }

  [[nodiscard]] Iterator begin() const noexcept {
    Iterator it;
    it.descend(root_.get());
    return it;
  }
  [[nodiscard]] Iterator end() const noexcept { return {}; }

  // The first entry whose key is not less than `key`.
  template <class Like>
  [[nodiscard]] Iterator lower_bound(const Like& key) const noexcept {
    Iterator it;
    const Node* node = root_.get();
    while (node != nullptr) {
      if (node->key < key) {
        node = node->right.get();
      } else {
        it.push(node);
        node = node->left.get();
      }
    }
    return it;
  }

  void insert_or_assign(Edit edit, Key key, Value value) {
    bool added = false;
    root_ = put(edit, std::move(root_), std::move(key), std::move(value), added);
    size_ += added ? 1 : 0;
  }

  // False if absent.
  template <class Like>
  bool erase(Edit edit, const Like& key) {
    if (!contains(key)) {
      return false;
    }
    root_ = remove(edit, std::move(root_), key);
    --size_;
    return true;
  }

  // Same root: surely equal, without looking. The reverse does not hold.
  [[nodiscard]] bool same_as(const PersistentMap& other) const noexcept { return root_ == other.root_; }

  // Tests: order and balance of every node.
  void check_invariants() const {
    std::size_t count = 0;
    check(root_.get(), nullptr, nullptr, count);
    MOLDAU_ASSERT(count == size_);
  }

 private:
  static int height(const NodePtr& node) noexcept { return node ? node->height : 0; }
  static void update(Node& node) noexcept {
    node.height = static_cast<std::int8_t>(1 + std::max(height(node.left), height(node.right)));
  }
  static NodePtr owned(Edit edit, NodePtr node) {
    return node->edit == edit ? std::move(node) : std::make_shared<Node>(edit, std::as_const(*node));
  }
  static NodePtr rotate_right(Edit edit, NodePtr node) {
    NodePtr top = owned(edit, std::move(node->left));
    node->left = std::move(top->right);
    update(*node);
    top->right = std::move(node);
    update(*top);
    return top;
  }
  static NodePtr rotate_left(Edit edit, NodePtr node) {
    NodePtr top = owned(edit, std::move(node->right));
    node->right = std::move(top->left);
    update(*node);
    top->left = std::move(node);
    update(*top);
    return top;
  }
  // `node` is owned by the edit; its subtrees are balanced.
  static NodePtr balance(Edit edit, NodePtr node) {
    update(*node);
    const int lean = height(node->left) - height(node->right);
    if (lean > 1) {
      if (height(node->left->left) < height(node->left->right)) {
        node->left = rotate_left(edit, owned(edit, std::move(node->left)));
      }
      return rotate_right(edit, std::move(node));
    }
    if (lean < -1) {
      if (height(node->right->right) < height(node->right->left)) {
        node->right = rotate_right(edit, owned(edit, std::move(node->right)));
      }
      return rotate_left(edit, std::move(node));
    }
    return node;
  }

  static NodePtr put(Edit edit, NodePtr node, Key&& key, Value&& value, bool& added) {
    if (!node) {
      added = true;
      return std::make_shared<Node>(edit, std::move(key), std::move(value));
    }
    node = owned(edit, std::move(node));
    if (key < node->key) {
      node->left = put(edit, std::move(node->left), std::move(key), std::move(value), added);
    } else if (node->key < key) {
      node->right = put(edit, std::move(node->right), std::move(key), std::move(value), added);
    } else {
      node->value = std::move(value);
      return node;
    }
    return balance(edit, std::move(node));
  }

  template <class Like>
  static NodePtr remove(Edit edit, NodePtr node, const Like& key) {
    node = owned(edit, std::move(node));
    if (key < node->key) {
      node->left = remove(edit, std::move(node->left), key);
    } else if (node->key < key) {
      node->right = remove(edit, std::move(node->right), key);
    } else {
      if (!node->left) {
        return std::move(node->right);
      }
      if (!node->right) {
        return std::move(node->left);
      }
      NodePtr successor;
      NodePtr right = take_first(edit, std::move(node->right), successor);
      successor->left = std::move(node->left);
      successor->right = std::move(right);
      return balance(edit, std::move(successor));
    }
    return balance(edit, std::move(node));
  }

  // Removes the first node of the subtree into `first`, owned by the edit.
  static NodePtr take_first(Edit edit, NodePtr node, NodePtr& first) {
    node = owned(edit, std::move(node));
    if (!node->left) {
      NodePtr rest = std::move(node->right);
      first = std::move(node);
      return rest;
    }
    node->left = take_first(edit, std::move(node->left), first);
    return balance(edit, std::move(node));
  }

  static int check(const Node* node, const Key* low, const Key* high, std::size_t& count) {
    if (node == nullptr) {
      return 0;
    }
    MOLDAU_ASSERT((low == nullptr || *low < node->key) && (high == nullptr || node->key < *high));
    const int left = check(node->left.get(), low, &node->key, count);
    const int right = check(node->right.get(), &node->key, high, count);
    MOLDAU_ASSERT(left - right <= 1 && right - left <= 1, left, right);
    MOLDAU_ASSERT(node->height == 1 + std::max(left, right), node->height);
    ++count;
    return node->height;
  }

  NodePtr root_;
  std::size_t size_ = 0;
};

}  // namespace moldau::metadata

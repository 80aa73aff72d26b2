#include "metadata/controller/list_operations.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace moldau::metadata {
namespace {

TEST(ListOperations, ElementsAreSplitAsJavaSplitsThem) {
  using Elements = std::vector<std::string_view>;
  EXPECT_EQ(split_list("a,b"), (Elements{"a", "b"}));
  EXPECT_EQ(split_list("a,,b,,"), (Elements{"a", "", "b"}));
  EXPECT_EQ(split_list(",a"), (Elements{"", "a"}));
  EXPECT_EQ(split_list(""), (Elements{""}));
  EXPECT_EQ(split_list(","), Elements{});
  EXPECT_EQ(join_list({"a", "", "b"}), "a,,b");
  EXPECT_EQ(join_list({"", ""}), ",");
  EXPECT_EQ(join_list({}), "");
}

TEST(ListOperations, AppendingAddsWhatIsNotThereYet) {
  EXPECT_EQ(append_to_list("delete", "compact,delete,compact"), "delete,compact");
  EXPECT_EQ(append_to_list("", "compact"), "compact");
  EXPECT_EQ(append_to_list("delete", ""), "delete,") << "nothing is an element, which no list of Kafka's may have";
  EXPECT_EQ(append_to_list("", ""), "");
  EXPECT_EQ(append_to_list("delete,", ","), "delete");
}

TEST(ListOperations, SubtractingTakesAwayOnceForEachTimeItIsNamed) {
  EXPECT_EQ(subtract_from_list("a,b,a", "a"), "b,a");
  EXPECT_EQ(subtract_from_list("a,b,a", "a,a,c"), "b");
  EXPECT_EQ(subtract_from_list("a,,b", ""), "a,b");
}

}  // namespace
}  // namespace moldau::metadata

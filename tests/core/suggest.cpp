#include "../../core/suggest.h"

#include <gtest/gtest.h>

namespace lacuna {

TEST(suggest, the_fewest_edits_win_and_far_names_are_not_suggested) {
  EXPECT_EQ(nearest("moed", {"seed", "mode"}), "mode");  // two neighbours exchanged are one edit
  EXPECT_EQ(nearest("shape", {"images", "shapes"}), "shapes");
  EXPECT_EQ(nearest("kitten", {"sitting"}), "");  // three of six
  EXPECT_EQ(nearest("abcdefghi", {"abcxyzghi"}), "abcxyzghi");
  EXPECT_EQ(nearest("", {"idx"}), "");
  EXPECT_EQ(nearest("anything", {}), "");
  EXPECT_EQ(nearest("ab", {"ac", "ab"}), "ab");
  EXPECT_EQ(suggestion("lr_", {"lr"}), " (did you mean \"lr\"?)");
  EXPECT_EQ(suggestion("far away", {"lr"}), "");
}

TEST(suggest, some_of_many_names) {
  EXPECT_EQ(some_of({}), "");
  EXPECT_EQ(some_of({"a"}), "a");
  EXPECT_EQ(some_of({"a", "b", "c", "d", "e"}), "a, b, c, d, e");
  EXPECT_EQ(some_of({"a", "b", "c", "d", "e", "f"}), "a, b, c, d and 2 more");
  EXPECT_EQ(counted({"a", "b"}), "2 (a, b)");
  EXPECT_EQ(counted({}), "0");
}

}  // namespace lacuna

#include "config_schema/java_pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace moldau::config {
namespace {

// What Pattern.compile of Java 17 says.
constexpr const char* kTaken[] = {R"()",
                                  R"(a)",
                                  R"(a.*)",
                                  R"([]a])",
                                  R"([^]a])",
                                  R"([a]])",
                                  R"(a])",
                                  R"(})",
                                  R"(a{2})",
                                  R"(a{2,})",
                                  R"(a{1,2})",
                                  R"(a*+)",
                                  R"(a*?)",
                                  R"(a++)",
                                  R"(a??)",
                                  R"(())",
                                  R"((|a))",
                                  R"(a||b)",
                                  R"(|)",
                                  R"((?:a))",
                                  R"((?=a))",
                                  R"((?!a))",
                                  R"((?<=a))",
                                  R"((?<!a))",
                                  R"((?<name>a))",
                                  R"((?i)a)",
                                  R"((?i:a))",
                                  R"((?-i)a)",
                                  R"(\d)",
                                  R"(\Qa()",
                                  R"(\Qa(\E)",
                                  R"(\x41)",
                                  R"(\x{41})",
                                  R"(\u0041)",
                                  R"(\01)",
                                  R"(\1)",
                                  R"((a)\1)",
                                  R"((?<n>a)\k<n>)",
                                  R"(\pL)",
                                  R"(\p{L})",
                                  R"([a-z])",
                                  R"([a-])",
                                  R"([-a])",
                                  R"([\d-z])",
                                  R"([a&&b])",
                                  R"([a&&])",
                                  R"([&&a])",
                                  R"([a[b]])",
                                  R"(\cA)",
                                  R"(\b)",
                                  R"(\b{g})",
                                  R"(\h\v\R\X)",
                                  R"(\N{LATIN SMALL LETTER A})",
                                  R"((?>a))",
                                  R"(a{1}{2})",
                                  R"(^*)",
                                  R"($+)",
                                  R"([a^])",
                                  R"(\w+@[a-z]+\.com)",
                                  R"(11\.1.*)",
                                  R"((((a))))",
                                  R"([a-z&&[^b]])",
                                  R"(\G\A\Z\z)",
                                  R"(\_)",
                                  R"(\-)",
                                  R"([\Qa]\E])",
                                  R"((?x) a # c)",
                                  R"((?<=a*))",
                                  R"((?<=a{1,3}))",
                                  R"((?<=a+)b)"};
constexpr const char* kRefused[] = {R"([a)",     R"([])",       R"({)",
                                    R"(a{)",     R"(a{2)",      R"(a{2,1})",
                                    R"(a{,2})",  R"(a{x})",     R"(a{99999999999})",
                                    R"(*a)",     R"(+a)",       R"(?a)",
                                    R"(a**)",    R"(a*?+)",     R"(a+++)",
                                    R"((a)",     R"(a))",       R"((?<1a>a))",
                                    R"((?<>a))", R"((?z)a)",    R"((?)",
                                    R"((?i)",    R"(\)",        R"(\y)",
                                    R"(\E)",     R"(\Qa(\E))",  R"(\x4)",
                                    R"(\x{})",   R"(\u004)",    R"(\0)",
                                    R"(\08)",    R"(\k<name>)", R"(\k<)",
                                    R"(\p{)",    R"(\p{})",     R"(\p1)",
                                    R"([z-a])",  R"([a-\d])",   R"([a[b])",
                                    R"([[])",    R"(\c)",       R"([\b])",
                                    R"([\R])",   R"(\N)",       R"(a{1}*)",
                                    R"((*a))",   R"((a|*b))",   R"([^])",
                                    R"(\o)"};

TEST(JavaPattern, JavasOwnVerdicts) {
  for (const char* const text : kTaken) {
    EXPECT_TRUE(is_java_pattern(text)) << text;
  }
  for (const char* const text : kRefused) {
    EXPECT_FALSE(is_java_pattern(text)) << text;
  }
}

TEST(JavaPattern, DeepGroupsEnd) {
  EXPECT_FALSE(is_java_pattern(std::string(100'000, '(')));
  EXPECT_FALSE(is_java_pattern(std::string(100'000, '[')));
}

}  // namespace
}  // namespace moldau::config

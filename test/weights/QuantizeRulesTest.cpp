//===- QuantizeRulesTest.cpp - Which rule decides a format -------------------===//

#include "compiler/transforms/QuantizeRules.h"

#include <gtest/gtest.h>

using namespace cria;

namespace {

/// What is wrong with `rules` once two layers have asked for their formats.
std::string complaint(llvm::StringRef rules) {
  QuantizeRules parsed = llvm::cantFail(QuantizeRules::parse(rules));
  for (std::string layer : {"layers.0.", "layers.1."})
    for (std::string role : {"q_proj", "down_proj"})
      parsed.formatOf(layer + role);
  return llvm::toString(parsed.checkUsed());
}

} // namespace

TEST(QuantizeRules, TheLastThatFitsWins) {
  QuantizeRules rules = llvm::cantFail(QuantizeRules::parse("q4,q_proj=q3,layers.0.q_proj=q8"));
  EXPECT_EQ(rules.formatOf("layers.0.q_proj"), llama::Format::Q8);
  EXPECT_EQ(rules.formatOf("layers.1.q_proj"), llama::Format::Q3);
  EXPECT_EQ(rules.formatOf("layers.1.o_proj"), llama::Format::Q4);
}

// A rule that decides nothing is a mistake: of its name, or of the order.
TEST(QuantizeRules, EveryOneDecidesSomething) {
  EXPECT_EQ(complaint("q4"), "");
  EXPECT_EQ(complaint("q4,q_proj=q3,layers.0.q_proj=q8"), "");
  EXPECT_EQ(complaint("q4,gate_proj=q8"), "expects the name of a matrix, but none is called 'gate_proj'");
  std::string overridden = "expects rules that decide a format, but others behind '";
  EXPECT_EQ(complaint("q4,layers.0.q_proj=q8,q_proj=q3"),
            overridden + "layers.0.q_proj' fit all that it fits, and the last one wins");
  EXPECT_EQ(complaint("q4,q_proj=q8,layers.1.q_proj=none,layers.0.q_proj=none"),
            overridden + "q_proj' fit all that it fits, and the last one wins");
}

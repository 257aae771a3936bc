//===- PhasesTest.cpp - The names of phases --------------------------------===//

#include "compiler/pipeline/Pipeline.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace cria;
using namespace mlir;

namespace {

TEST(Phases, HaveNames) {
  EXPECT_TRUE(isPhase("import"));
  for (const Phase &phase : phases())
    EXPECT_TRUE(isPhase(phase.name));
  EXPECT_FALSE(isPhase(""));
  EXPECT_FALSE(isPhase("models"));
}

// A name that none has stops nowhere: nothing is run.
TEST(Phases, StopAfterNoneOfAnUnknownName) {
  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>("module {}", &context);
  ASSERT_TRUE(module);
  EXPECT_TRUE(failed(runPhases(*module, CompileOptions(), "models")));
  EXPECT_EQ(messages, "expects a phase to stop after, but got 'models'\n");
}

} // namespace

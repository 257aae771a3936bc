//===- Support.h - Runs a function of MLIR text in the interpreter -*- C++ -*-===//
#ifndef CRIA_TEST_REFERENCE_SUPPORT_H
#define CRIA_TEST_REFERENCE_SUPPORT_H

#include "compiler/reference/Interpreter.h"
#include "dialects/llama/Llama.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace cria::reference {

/// A module of MLIR text and its interpreter. Diagnostics are collected in
/// `messages` instead of being printed.
class Program {
public:
  explicit Program(const std::string &text)
      : context(registry(), mlir::MLIRContext::Threading::DISABLED) {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return mlir::success();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return;
    auto created = Interpreter::create(*module);
    if (mlir::succeeded(created))
      interpreter.emplace(std::move(*created));
  }

  /// The first result of @f, or nothing where it fails.
  std::vector<double> call(std::vector<Tensor> arguments = {}) {
    EXPECT_TRUE(interpreter) << messages;
    if (!interpreter)
      return {};
    llvm::SmallVector<TensorRef> values;
    for (Tensor &argument : arguments)
      values.push_back(std::make_shared<Tensor>(std::move(argument)));
    auto func = interpreter->lookup("f");
    if (mlir::failed(func))
      return {};
    auto results = interpreter->call(*func, values);
    if (mlir::failed(results) || results->empty())
      return {};
    return results->front()->data;
  }

  std::string messages;
  std::optional<Interpreter> interpreter;

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry result;
    result.insert<llama::LlamaDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect>();
    return result;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Values computed in F64 along another path: a few roundings apart.
inline void expectNear(const std::vector<double> &found, const std::vector<double> &expected,
                       double tolerance = 1e-14) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance) << "at " << i;
}

inline void expectMessage(const Program &program, const std::string &part) {
  EXPECT_NE(program.messages.find(part), std::string::npos) << program.messages;
}

} // namespace cria::reference

#endif // CRIA_TEST_REFERENCE_SUPPORT_H

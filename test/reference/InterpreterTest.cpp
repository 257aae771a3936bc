//===- InterpreterTest.cpp - Functions, layers, caches, weights, errors ----===//

#include "test/reference/Support.h"

using namespace cria::reference;

namespace {

using Values = std::vector<double>;

// y = x + x in a layer that sees a value from above, and a constant from above it.
TEST(Interpreter, RunsLayersAndConstants) {
  Program program(R"(func.func @f(%x: tensor<?x2xf32>) -> tensor<1x2xf32> {
    %one = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
    %y = llama.layer "a" (%one : tensor<1x2xf32>) -> tensor<1x2xf32> {
    ^bb0(%h: tensor<1x2xf32>):
      %s = llama.add %h, %one : tensor<1x2xf32>
      llama.yield %s : tensor<1x2xf32>
    }
    return %y : tensor<1x2xf32>
  })");
  EXPECT_EQ(program.call({{{1, 2}, {0, 0}}}), (Values{2, 4}));
}

// A cache starts at zero and keeps what a step left in it.
TEST(Interpreter, KeepsCaches) {
  Program program(R"(
    llama.cache @c : tensor<3x1x2xf32>
    func.func @f(%rows: tensor<?x2xf32>, %p: index) -> tensor<3x1x2xf32> {
      %old = llama.cache_read @c : tensor<3x1x2xf32>
      %new = llama.cache_update %old, %rows at %p
        : (tensor<3x1x2xf32>, tensor<?x2xf32>, index) -> tensor<3x1x2xf32>
      llama.cache_write @c, %new : tensor<3x1x2xf32>
      return %new : tensor<3x1x2xf32>
    })");
  EXPECT_EQ(program.call({{{1, 2}, {1, 2}}, Tensor::index(1)}), (Values{0, 0, 1, 2, 0, 0}));
  EXPECT_EQ(program.call({{{1, 2}, {3, 4}}, Tensor::index(0)}), (Values{3, 4, 1, 2, 0, 0}));
}

// An outlined layer takes its weight as an argument: two calls of one function
// must not share what they made of it, although its op is the same.
TEST(Interpreter, CallsOneFunctionWithTwoWeights) {
  Program program(R"(
    func.func private @layer(%x: tensor<1x1xf32>, %w: tensor<1x1xf32>)
        -> (tensor<1x1xf32>, tensor<1x1xf16>) {
      %c = llama.cast %w : tensor<1x1xf32> to tensor<1x1xf16>
      %y = llama.linear %x, %c : (tensor<1x1xf32>, tensor<1x1xf16>) -> tensor<1x1xf32>
      return %y, %c : tensor<1x1xf32>, tensor<1x1xf16>
    }
    func.func @f(%x: tensor<1x1xf32>, %a: tensor<1x1xf32>, %b: tensor<1x1xf32>)
        -> tensor<1x1xf32> {
      %y:2 = call @layer(%x, %a) : (tensor<1x1xf32>, tensor<1x1xf32>)
        -> (tensor<1x1xf32>, tensor<1x1xf16>)
      %z:2 = call @layer(%y#0, %b) : (tensor<1x1xf32>, tensor<1x1xf32>)
        -> (tensor<1x1xf32>, tensor<1x1xf16>)
      return %z#0 : tensor<1x1xf32>
    })");
  EXPECT_EQ(program.call({{{1, 1}, {2}}, {{1, 1}, {3}}, {{1, 1}, {5}}}), (Values{30}));
}

const char *const kModel = R"(
  llama.synthetic @w seed 1 mean 2.0 deviation 0.0 : tensor<3x2xf32>
  func.func @forward(%t: tensor<?xi32>, %p: index) -> tensor<?x2xf32> {
    %w = llama.weight @w : tensor<3x2xf32>
    %x = llama.embed %t, %w : (tensor<?xi32>, tensor<3x2xf32>) -> tensor<?x2xf32>
    return %x : tensor<?x2xf32>
  }
  func.func @logits(%h: tensor<?x2xf32>) -> tensor<?x3xf32> {
    %w = llama.weight @w : tensor<3x2xf32>
    %l = llama.linear %h, %w : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
    return %l : tensor<?x3xf32>
  })";

TEST(Interpreter, Steps) {
  Program program(kModel);
  ASSERT_TRUE(program.interpreter);
  auto logits = program.interpreter->step({0, 2}, 0);
  ASSERT_TRUE(mlir::succeeded(logits));
  EXPECT_EQ(*logits, Values(6, 8)); // 2 * 2 + 2 * 2
}

TEST(Interpreter, RefusesAnEmptyStep) {
  Program program(kModel);
  ASSERT_TRUE(program.interpreter);
  EXPECT_TRUE(mlir::failed(program.interpreter->step({}, 0)));
  expectMessage(program, "expects argument #0 of type 'tensor<?xi32>', but got shape [0]");
}

TEST(Interpreter, RefusesAModuleWithoutAModel) {
  Program program("func.func @forward() { return }");
  ASSERT_TRUE(program.interpreter);
  EXPECT_TRUE(mlir::failed(program.interpreter->step({0}, 0)));
  expectMessage(program, "expects a function named 'logits', but there is none");
}

TEST(Interpreter, ChecksArguments) {
  Program program("func.func @f(%x: tensor<2x?xf32>) { return }");
  EXPECT_TRUE(program.call({{{3, 1}, {1, 2, 3}}}).empty());
  expectMessage(program, "expects argument #0 of type 'tensor<2x?xf32>', but got shape [3, 1]");
  EXPECT_TRUE(program.call().empty());
  expectMessage(program, "expects a call with 1 arguments, but got 0");
}

TEST(Interpreter, RefusesOpsThatItDoesNotKnow) {
  Program program("func.func @f(%a: index) -> index {"
                  "%b = arith.addi %a, %a : index return %b : index }");
  EXPECT_TRUE(program.call({Tensor::index(1)}).empty());
  expectMessage(program, "'arith.addi' op has no meaning in the reference interpreter");
}

TEST(Interpreter, EndsARecursion) {
  Program program("func.func @f() -> index { %a = call @f() : () -> index return %a : index }");
  EXPECT_TRUE(program.call().empty());
  expectMessage(program, "expects calls at most 64 deep");
}

TEST(Interpreter, RefusesWhatMemoryCannotHold) {
  Program weight("llama.synthetic @w seed 1 mean 0.0 deviation 1.0 : tensor<1048576x1048576xf32>\n"
                 "func.func @f() { %w = llama.weight @w : tensor<1048576x1048576xf32>\n return }");
  EXPECT_TRUE(weight.call().empty());
  expectMessage(weight, "expects at most 2147483648 elements in the reference interpreter");
  Program constant("func.func @f() { %c = arith.constant dense<0.0> :"
                   "tensor<4611686018427387904x4xf32>\n return }");
  EXPECT_TRUE(constant.call().empty());
  expectMessage(constant, "expects at most 2147483648 elements in the reference interpreter");
  Program cache("llama.cache @c : tensor<1048576x1024x1024xf32>");
  EXPECT_FALSE(cache.interpreter);
  expectMessage(cache, "expects at most 2147483648 elements in the reference interpreter");
}

} // namespace

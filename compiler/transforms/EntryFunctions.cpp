//===- EntryFunctions.cpp - The functions that a model is called by --------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"

using namespace mlir;
using namespace cria;

std::optional<EntryKind> cria::entryKind(StringRef name) {
  name.consume_front(kEntryPrefix);
  if (name == llama::kScreenedName)
    return EntryKind::Screened;
  for (auto [base, kind] : {std::pair(llama::kForwardName, EntryKind::Forward),
                            std::pair(llama::kFinishName, EntryKind::Finish),
                            std::pair(llama::kLogitsName, EntryKind::Logits)}) {
    StringRef step = name;
    if (step.consume_front(base) && (step.empty() || step == "_one" || step == "_chunk"))
      return kind;
  }
  return std::nullopt;
}

bool cria::isOfHead(func::FuncOp func) {
  std::optional<EntryKind> kind = func ? entryKind(func.getName()) : std::nullopt;
  return kind == EntryKind::Logits || kind == EntryKind::Screened;
}

/// Whether `type` is a tensor [T] or [T, N] of `element`.
static bool isTensor(Type type, int64_t rank, Type element) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == rank && tensor.getElementType() == element;
}

/// Whether the function takes and returns what a `kind` of them does; sizes may be any.
static bool hasTypesOf(EntryKind kind, FunctionType type) {
  MLIRContext *context = type.getContext();
  Type f32 = Float32Type::get(context);
  ArrayRef<Type> inputs = type.getInputs(), results = type.getResults();
  if (inputs.empty() || results.size() != 1 || !isTensor(results.front(), 2, f32))
    return false;
  bool first = kind == EntryKind::Forward ? isTensor(inputs.front(), 1, IntegerType::get(context, 32))
                                          : isTensor(inputs.front(), 2, f32);
  switch (kind) {
  case EntryKind::Forward:
  case EntryKind::Finish:
    return first && inputs.size() == 2 && inputs.back().isIndex();
  case EntryKind::Logits:
    return first && inputs.size() == 1;
  case EntryKind::Screened:
    return first && inputs.size() == 2 && isTensor(inputs.back(), 1, f32);
  }
  llvm_unreachable("every kind takes something");
}

static StringRef describe(EntryKind kind) {
  switch (kind) {
  case EntryKind::Forward:
    return "to take tokens [T] and a position and to return a hidden state [T, D]";
  case EntryKind::Finish:
    return "to take a hidden state [T, D] and a position and to return another one";
  case EntryKind::Logits:
    return "to take a hidden state [T, D] and to return logits [T, V]";
  case EntryKind::Screened:
    return "to take a hidden state [1, D] and a margin [1] and to return logits [1, V]";
  }
  llvm_unreachable("every kind has a description");
}

FailureOr<func::FuncOp> cria::lookupEntry(ModuleOp module, StringRef name) {
  auto func = module.lookupSymbol<func::FuncOp>(name);
  if (!func)
    return module.emitError("expects a function @") << name;
  auto expects = [&](StringRef what) -> InFlightDiagnostic {
    return func.emitOpError("@") << name << " expects " << what << ", but got ";
  };
  constexpr StringLiteral kBody = "a body of one block";
  if (func.isDeclaration())
    return expects(kBody) << "a declaration";
  if (!func.getBody().hasOneBlock())
    return expects(kBody) << func.getBody().getBlocks().size();
  EntryKind kind = *entryKind(name);
  if (!hasTypesOf(kind, func.getFunctionType()))
    return expects(describe(kind)) << func.getFunctionType();
  return func;
}

LogicalResult cria::checkSizes(func::FuncOp func, llama::ModelAttr model, int64_t tokens) {
  Builder builder(func.getContext());
  Type f32 = builder.getF32Type(), position = builder.getIndexType(), margin = RankedTensorType::get({1}, f32);
  Type ids = RankedTensorType::get({tokens}, builder.getI32Type());
  Type hidden = RankedTensorType::get({tokens, model.getWidth()}, f32);
  Type logits = RankedTensorType::get({tokens, model.getVocabulary()}, f32);
  FunctionType expected;
  switch (*entryKind(func.getName())) {
  case EntryKind::Forward:
    expected = builder.getFunctionType({ids, position}, hidden);
    break;
  case EntryKind::Finish:
    expected = builder.getFunctionType({hidden, position}, hidden);
    break;
  case EntryKind::Logits:
    expected = builder.getFunctionType(hidden, logits);
    break;
  case EntryKind::Screened:
    expected = builder.getFunctionType({hidden, margin}, logits);
    break;
  }
  if (func.getFunctionType() == expected)
    return success();
  return func.emitOpError("@") << func.getName() << " expects " << expected << " by the sizes of the model, but got "
                               << func.getFunctionType();
}

//===- LlamaDialect.cpp - Registration -------------------------------------===//

#include "dialects/llama/Llama.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

#include "dialects/llama/LlamaDialect.cpp.inc"
#include "dialects/llama/LlamaEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/llama/LlamaAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/llama/LlamaTypes.cpp.inc"

void cria::llama::LlamaDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/llama/LlamaAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/llama/LlamaTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/llama/LlamaOps.cpp.inc"
      >();
}

using namespace mlir;
using namespace cria::llama;

LogicalResult LlamaDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != kModelAttrName)
    return success();
  if (!isa<ModuleOp>(op) || !isa<ModelAttr>(attribute.getValue()))
    return op->emitOpError("expects '") << kModelAttrName << "' to be a #llama.model on a module, "
                                        << "but got " << attribute.getValue();
  return success();
}

LogicalResult ModelAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                                StringRef architecture, int64_t vocabulary, int64_t width,
                                int64_t ffn, int64_t layers, int64_t heads, int64_t kvHeads,
                                int64_t headSize, int64_t contextSize, int64_t chunk, int64_t bosId,
                                bool addBos, DenseI64ArrayAttr eosIds, uint64_t parameters,
                                StringRef inputHash) {
  std::pair<StringRef, int64_t> sizes[] = {
      {"vocabulary", vocabulary}, {"width", width},       {"ffn", ffn},
      {"layers", layers},         {"heads", heads},       {"kvHeads", kvHeads},
      {"headSize", headSize},     {"chunk", chunk},       {"contextSize", contextSize}};
  for (auto [key, value] : sizes)
    if (value < 1 || value > std::numeric_limits<int32_t>::max()) // (C1)
      return emitError() << "expects " << key << " in [1, 2147483647], but got " << value;
  if (heads % kvHeads) // (C2)
    return emitError() << "expects heads that are a multiple of kvHeads " << kvHeads << ", but got "
                       << heads;
  if (bosId < -1 || bosId >= vocabulary) // (C3)
    return emitError() << "expects bosId in [-1, " << vocabulary << "), but got " << bosId;
  for (int64_t id : eosIds.asArrayRef())
    if (id < 0 || id >= vocabulary) // (C3)
      return emitError() << "expects eosIds in [0, " << vocabulary << "), but got " << id;
  return success();
}

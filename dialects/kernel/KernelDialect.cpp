//===- KernelDialect.cpp - Registration ------------------------------------===//

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/kernel/KernelDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/kernel/KernelAttributes.cpp.inc"

void cria::kernel::KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/kernel/KernelAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/kernel/KernelOps.cpp.inc"
      >();
}

int64_t cria::kernel::ThreadAttr::getMappingId() const { return getDimension(); }
bool cria::kernel::ThreadAttr::isLinearMapping() const { return true; }
int64_t cria::kernel::ThreadAttr::getRelativeIndex() const { return getDimension(); }
int64_t cria::kernel::RowsAttr::getMappingId() const { return getDimension(); }
bool cria::kernel::RowsAttr::isLinearMapping() const { return true; }
int64_t cria::kernel::RowsAttr::getRelativeIndex() const { return getDimension(); }
int64_t cria::kernel::EachAttr::getMappingId() const { return getDimension(); }
bool cria::kernel::EachAttr::isLinearMapping() const { return true; }
int64_t cria::kernel::EachAttr::getRelativeIndex() const { return getDimension(); }

llvm::LogicalResult
cria::kernel::PitchAttr::verifyEncoding(mlir::ArrayRef<int64_t> shape, mlir::Type,
                                        llvm::function_ref<mlir::InFlightDiagnostic()> emitError) const {
  if (shape.empty())
    return emitError() << "expects a tensor with slices for a pitch, but got one of rank 0";
  int64_t elements = 1;
  for (int64_t size : shape.drop_front())
    elements *= mlir::ShapedType::isDynamic(size) ? 1 : size;
  if (elements > getElements())
    return emitError() << "expects slices of at most " << getElements() << " elements for that pitch, but got "
                       << elements;
  return llvm::success();
}

//===- KernelDialect.cpp - Registration, attributes ------------------------===//
//
// (C1), (C2) … are the constraints of the attributes' descriptions in KernelAttributes.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

#include <limits>

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

using namespace mlir;
using namespace cria::kernel;

//===----------------------------------------------------------------------===//
// On ops
//===----------------------------------------------------------------------===//

/// Whether `value` is an i64 that is not below `least`.
static bool isNumber(Attribute value, int64_t least) {
  auto number = dyn_cast_if_present<IntegerAttr>(value);
  return number && number.getType().isInteger(64) && number.getInt() >= least;
}

static bool areSegments(Attribute value) {
  auto sizes = dyn_cast<DictionaryAttr>(value);
  return sizes && llvm::all_of(ArrayRef<StringRef>{"weights", "state", "workspace", "scratch"},
                               [&](StringRef name) { return isNumber(sizes.get(name), 0); });
}

static bool isPitchedState(Operation *op) {
  auto state = dyn_cast<StateOp>(op);
  return state && isa_and_present<PitchAttr>(state.getTensorType().getEncoding());
}

static bool isStateOfRank4(Operation *op) {
  auto state = dyn_cast<StateOp>(op);
  return state && state.getTensorType().getRank() == 4;
}

static bool hasThreeInputs(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 3;
}

namespace {

/// A row of the table in KernelDialect.td.
struct AttributeRule {
  StringRef name, what;
  bool (*holds)(Operation *op, Attribute value);
};

const AttributeRule kAttributeRules[] = {
    {kTargetAttrName, "a string on a module",
     [](Operation *op, Attribute value) { return isa<ModuleOp>(op) && isa<StringAttr>(value); }},
    {kPositionsAttrName, "an i64, at least 1, on a kernel.state with a pitch",
     [](Operation *op, Attribute value) { return isPitchedState(op) && isNumber(value, 1); }},
    {kObservationAttrName, "an i64, not negative, on a kernel.state of rank 4",
     [](Operation *op, Attribute value) { return isStateOfRank4(op) && isNumber(value, 0); }},
    {kChunkAttrName, "an i64, at least 1, on a function",
     [](Operation *op, Attribute value) { return isa<FunctionOpInterface>(op) && isNumber(value, 1); }},
    {kScreenedAttrName, "a unit on a linalg.generic of three inputs",
     [](Operation *op, Attribute value) { return hasThreeInputs(op) && isa<UnitAttr>(value); }},
    {kBufferAttrName, "an i64 on a tensor.empty",
     [](Operation *op, Attribute value) { return isa<tensor::EmptyOp>(op) && isNumber(value, INT64_MIN); }},
    {kScheduleAttrName, "a #kernel.schedule on an op that can be tiled",
     [](Operation *op, Attribute value) { return isa<TilingInterface>(op) && isa<ScheduleAttr>(value); }},
    {kOwnAttrName, "a unit on a memref.alloc",
     [](Operation *op, Attribute value) { return isa<memref::AllocOp>(op) && isa<UnitAttr>(value); }},
    {kSegmentsAttrName, "the bytes of weights, state, workspace and scratch, i64 that are not negative, on a module",
     [](Operation *op, Attribute value) { return isa<ModuleOp>(op) && areSegments(value); }},
};

} // namespace

LogicalResult KernelDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  auto *rule = llvm::find_if(kAttributeRules, [&](auto &rule) { return rule.name == attribute.getName(); });
  if (rule == std::end(kAttributeRules))
    return op->emitOpError("expects an attribute that the kernel dialect has, but got '")
           << attribute.getName().getValue() << "'";
  // MLIR verifies attributes before the op that they are on: what is asked of the op must hold already.
  if (failed(op->getName().verifyInvariants(op)))
    return failure();
  if (!rule->holds(op, attribute.getValue()))
    return op->emitOpError("expects '")
           << rule->name << "' to be " << rule->what << ", but got " << attribute.getValue();
  auto schedule = dyn_cast<ScheduleAttr>(attribute.getValue());
  if (!schedule)
    return success();
  if (int64_t loops = cast<TilingInterface>(op).getLoopIteratorTypes().size(); loops != schedule.getThreads().size())
    return op->emitOpError("expects a schedule with a number for each of ")
           << loops << " loops, but got " << schedule;
  return success();
}

//===----------------------------------------------------------------------===//
// Schedules, mappings, layouts
//===----------------------------------------------------------------------===//

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, DenseI64ArrayAttr threads,
                                   DenseI64ArrayAttr tiles, int64_t streams) {
  auto negative = [](int64_t size) { return size < 0; };
  if (threads.size() != tiles.size() || llvm::any_of(threads.asArrayRef(), negative) ||
      llvm::any_of(tiles.asArrayRef(), negative)) // (C1)
    return emitError() << "expects threads and tiles of the same loops, not negative, but got ["
                       << threads.asArrayRef() << "] and [" << tiles.asArrayRef() << "]";
  int64_t cut = threads.size() - llvm::count(threads.asArrayRef(), 0);
  if (!cut) // (C2)
    return emitError() << "expects threads that cut a loop, but got [" << threads.asArrayRef() << "]";
  if (streams < 1 || (streams > 1 && cut != 1)) // (C3)
    return emitError() << "expects one stream, or several of one loop that is cut, but got "
                       << streams << " of " << cut;
  return success();
}

int64_t ThreadAttr::getMappingId() const { return getDimension(); }
bool ThreadAttr::isLinearMapping() const { return true; }
int64_t ThreadAttr::getRelativeIndex() const { return getDimension(); }
int64_t RowsAttr::getMappingId() const { return getDimension(); }
bool RowsAttr::isLinearMapping() const { return true; }
int64_t RowsAttr::getRelativeIndex() const { return getDimension(); }
int64_t EachAttr::getMappingId() const { return getDimension(); }
bool EachAttr::isLinearMapping() const { return true; }
int64_t EachAttr::getRelativeIndex() const { return getDimension(); }

LogicalResult PitchAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                        function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.empty())
    return emitError() << "expects a tensor with slices for a pitch, but got one of rank 0";
  int64_t elements = 1;
  for (int64_t size : shape.drop_front())
    elements = llvm::checkedMul(elements, ShapedType::isDynamic(size) ? 1 : size)
                   .value_or(std::numeric_limits<int64_t>::max());
  if (elements > getElements())
    return emitError() << "expects slices of at most " << getElements() << " elements for that pitch, but got "
                       << elements;
  return success();
}

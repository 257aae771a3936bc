//===- ModelTable.cpp - The compiler's half of runtime/Abi.h ---------------===//
//
// The table is built field by field in the order of `CriaModel`, once, below; its
// size is checked against the C struct's.
//
//===----------------------------------------------------------------------===//

#include "compiler/artifact/ModelTable.h"

#include "compiler/Version.h"
#include "compiler/transforms/Passes.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Llama.h"
#include "runtime/Abi.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace cria;

namespace {

/// Collects the fields of a constant struct.
class Table {
public:
  explicit Table(llvm::Module &code) : code(code), context(code.getContext()) {}

  void u32(uint64_t value) { fields.push_back(llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value)); }
  void u64(uint64_t value) { fields.push_back(llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value)); }
  void pointer(llvm::Constant *value) { fields.push_back(value); }
  void text(llvm::StringRef value) { pointer(string(value)); }

  llvm::Constant *string(llvm::StringRef value) {
    return global(llvm::ConstantDataArray::getString(context, value));
  }
  llvm::GlobalVariable *global(llvm::Constant *value) {
    return new llvm::GlobalVariable(code, value->getType(), /*isConstant=*/true,
                                    llvm::GlobalValue::PrivateLinkage, value, "cria_table");
  }
  llvm::Constant *take() { return llvm::ConstantStruct::getAnon(context, fields); }

private:
  llvm::Module &code;
  llvm::LLVMContext &context;
  llvm::SmallVector<llvm::Constant *> fields;
};

/// The address of `rows`, each a struct of one type; null without any.
llvm::Constant *structArray(llvm::Module &code, llvm::ArrayRef<llvm::Constant *> rows) {
  if (rows.empty())
    return llvm::ConstantPointerNull::get(llvm::PointerType::get(code.getContext(), 0));
  auto *type = llvm::ArrayType::get(rows.front()->getType(), rows.size());
  return Table(code).global(llvm::ConstantArray::get(type, rows));
}

llvm::Constant *featureArray(llvm::Module &code, llvm::ArrayRef<Feature> features) {
  llvm::SmallVector<llvm::Constant *> rows;
  for (const Feature &feature : features) {
    Table row(code);
    row.text(feature.name);
    for (uint32_t part : feature.locator)
      row.u32(part);
    rows.push_back(row.take());
  }
  return structArray(code, rows);
}

/// Bytes of one of the module's segments.
FailureOr<uint64_t> segmentBytes(ModuleOp module, StringRef name) {
  auto segments = module->getAttrOfType<DictionaryAttr>(kernel::kSegmentsAttrName);
  auto bytes = segments ? segments.getAs<IntegerAttr>(name) : IntegerAttr();
  if (!bytes)
    return module.emitError("expects '") << kernel::kSegmentsAttrName << "' with the size of '" << name << "': memory is not planned";
  return bytes.getInt();
}

/// The symbol of a level's table, known to the artifact's objects alone.
std::string tableName(unsigned level) { return "cria_level_" + std::to_string(level); }

/// `cria_models()`: the address of a list of all levels' tables.
void addQuery(llvm::Module &code, unsigned levels) {
  auto *pointer = llvm::PointerType::get(code.getContext(), 0);
  llvm::SmallVector<llvm::Constant *> tables;
  for (unsigned level = 0; level < levels; ++level)
    tables.push_back(code.getOrInsertGlobal(tableName(level), pointer));
  for (llvm::Constant *table : tables)
    llvm::cast<llvm::GlobalValue>(table)->setVisibility(llvm::GlobalValue::HiddenVisibility);
  tables.push_back(llvm::ConstantPointerNull::get(pointer));
  auto *type = llvm::ArrayType::get(pointer, tables.size());
  auto *list = new llvm::GlobalVariable(code, type, /*isConstant=*/true, llvm::GlobalValue::PrivateLinkage,
                                        llvm::ConstantArray::get(type, tables), "cria_tables");
  auto *query = llvm::Function::Create(llvm::FunctionType::get(pointer, false), llvm::GlobalValue::ExternalLinkage,
                                       "cria_models", code);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(code.getContext(), "", query));
  builder.CreateRet(list);
}

/// The states that are observed, by their numbers.
llvm::SmallVector<kernel::StateOp> observedStates(ModuleOp module) {
  llvm::SmallVector<kernel::StateOp> states;
  for (auto state : module.getOps<kernel::StateOp>())
    if (state->hasAttr(kernel::kObservationAttrName))
      states.push_back(state);
  llvm::sort(states, [](kernel::StateOp a, kernel::StateOp b) {
    auto number = [](kernel::StateOp op) { return op->getAttrOfType<IntegerAttr>(kernel::kObservationAttrName).getInt(); };
    return number(a) < number(b);
  });
  return states;
}

/// Their places, [1, parts, T, part] each, as `CriaObservation`s; null without any.
llvm::Constant *observationArray(llvm::Module &code, llvm::ArrayRef<kernel::StateOp> states) {
  llvm::SmallVector<llvm::Constant *> rows;
  for (kernel::StateOp state : states) {
    RankedTensorType type = cast<RankedTensorType>(state.getType());
    Table row(code);
    row.u64(state.getOffset());
    row.u32(type.getDimSize(1));
    row.u32(type.getDimSize(3));
    rows.push_back(row.take());
  }
  return structArray(code, rows);
}

/// The fields of a `CriaCaches`: the KV caches lie beside each other.
void addCaches(Table &table, ModuleOp module) {
  int64_t offset = 0, blockBytes = 0, blocks = 0, positions = 0;
  for (auto state : module.getOps<kernel::StateOp>()) {
    auto held = state->getAttrOfType<IntegerAttr>(kernel::kPositionsAttrName);
    if (!held)
      continue;
    RankedTensorType type = state.getTensorType(); // [P, Hkv, ...]
    offset = blocks ? std::min<int64_t>(offset, state.getOffset()) : state.getOffset();
    blocks = type.getDimSize(0);
    positions = held.getInt();
    blockBytes = cast<kernel::PitchAttr>(type.getEncoding()).getElements() * type.getElementTypeBitWidth() / 8;
  }
  for (int64_t number : {offset, blockBytes, blocks, positions})
    table.u64(number);
}

} // namespace

LogicalResult cria::addModelTable(ModuleOp module, const ChipRef &chip, const ShownTypes &types, unsigned level,
                                  unsigned levels, llvm::Module &code) {
  auto model = module->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName);
  auto tokens = module.lookupSymbol<kernel::StateOp>("tokens");
  auto logits = module.lookupSymbol<kernel::StateOp>("logits");
  if (!model || !tokens || !logits)
    return module.emitError("expects a '") << llama::kModelAttrName << "' attribute and states @tokens and @logits";
  if (model.getEosIds().size() > CRIA_MAX_EOS_IDS)
    return module.emitError("expects at most ") << CRIA_MAX_EOS_IDS << " end-of-sequence ids, but got "
                                                << model.getEosIds().size();

  Table table(code);
  table.u32(CRIA_ABI_VERSION);
  table.u32(sizeof(CriaModel));
  table.text(kProducer);
  table.text(model.getName());
  table.text(model.getArchitecture());
  table.text(chip.chip->name);
  table.text(types.weights);
  table.text(types.caches);
  table.text(model.getInputHash());
  table.pointer(featureArray(code, chip.chip->features));
  table.u32(chip.chip->features.size());
  for (int64_t number : {model.getVocabulary(), model.getWidth(), model.getFfn(), model.getLayers(), model.getHeads(),
                         model.getKvHeads(), model.getHeadSize(), model.getContextSize(), model.getChunk(),
                         logits.getTensorType().getDimSize(1)})
    table.u32(number);
  table.u32(uint32_t(model.getBosId()));
  table.u32(model.getAddBos());
  table.u32(model.getEosIds().size());
  for (unsigned place = 0; place < CRIA_MAX_EOS_IDS; ++place)
    table.u32(place < model.getEosIds().size() ? uint32_t(model.getEosIds()[place]) : 0);
  table.u64(model.getParameters());
  for (StringRef segment : {"weights", "state", "workspace", "scratch"}) {
    FailureOr<uint64_t> bytes = segmentBytes(module, segment);
    if (failed(bytes))
      return failure();
    table.u64(*bytes);
  }
  table.u64(tokens.getOffset());
  table.u64(logits.getOffset());
  auto margin = module.lookupSymbol<kernel::StateOp>("margin");
  table.u64(margin ? margin.getOffset() : 0);
  auto rough = module.lookupSymbol<kernel::ConstantOp>(kRoughHeadName);
  table.u64(margin && rough ? rough.getTensorType().getNumElements() : 0);
  llvm::SmallVector<kernel::StateOp> observed = observedStates(module);
  table.pointer(observationArray(code, observed));
  table.u64(observed.size());
  addCaches(table, module);
  for (StringRef entry : {"cria_forward_one", "cria_forward_chunk", "cria_finish_one", "cria_finish_chunk",
                          "cria_logits_one", "cria_logits_chunk"}) {
    llvm::Function *function = code.getFunction(entry);
    if (!function)
      return module.emitError("expects a function @") << entry;
    table.pointer(function);
  }
  llvm::Constant *screened = code.getFunction((kEntryPrefix + llama::kScreenedName).str());
  table.pointer(screened ? screened : llvm::ConstantPointerNull::get(llvm::PointerType::get(code.getContext(), 0)));

  for (llvm::Function &function : code)
    if (!function.isDeclaration())
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::GlobalVariable *global = table.global(table.take());
  if (uint64_t bytes = code.getDataLayout().getTypeAllocSize(global->getValueType()); bytes != sizeof(CriaModel))
    return module.emitError("expects a model's table of ") << sizeof(CriaModel) << " bytes, but got " << bytes;
  global->setName(tableName(level));
  global->setLinkage(llvm::GlobalValue::ExternalLinkage);
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  if (level == 0)
    addQuery(code, levels);
  return success();
}

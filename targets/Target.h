//===- Target.h - What the compiler asks of a target -------------*- C++ -*-===//
//
// A target is a folder: a table of chips, a table of schedules, its last
// lowerings, and one subclass of `Target`. The compiler knows targets only
// through this file; nothing outside `targets/x` names x.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_TARGETS_TARGET_H
#define CRIA_TARGETS_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace llvm {
class Module;
class raw_pwrite_stream;
} // namespace llvm

namespace cria {

/// One CPU feature that a chip must have, and where a machine says that it does.
struct Feature {
  llvm::StringLiteral name;        ///< as LLVM and the operating system spell it
  std::array<uint32_t, 4> locator; ///< `CriaCpuFeature.locator`; the target's meaning
};

/// A chip, or a level that several chips share. Plain data.
struct Chip {
  llvm::StringLiteral name;         ///< as `--target` takes it
  llvm::StringLiteral summary;      ///< one line for `cria targets`
  llvm::StringLiteral llvmCpu;      ///< LLVM's name of it, to tune for
  llvm::ArrayRef<Feature> features; ///< needed at run time, and allowed to LLVM
  int64_t vectorBytes;              ///< of the widest vector register worth using
  bool tiles = false;               ///< products of many rows are products of tiles
};

/// Chips whose code one artifact may carry, to pick from when it starts.
struct ChipSet {
  llvm::StringLiteral name;                  ///< as `--target` takes it
  llvm::StringLiteral summary;               ///< for `cria targets`, which adds the names
  llvm::ArrayRef<llvm::StringLiteral> chips; ///< names, in the order of `Target::chips`
};

/// How a kernel is cut for a chip (see `Target::schedule`).
struct Schedule {
  int64_t panelRows = 0; ///< matmuls: rows of a packed panel, a multiple of the vector's lanes
  int64_t panelTile = 1; ///< matmuls: neighbouring panels that a pass over the columns serves at once
  int64_t streams = 1;   ///< of blocks and a single row: equal parts of the matrix that are read side by side, so that
                         ///< each is one stream from memory to its end: a pass serves `panelTile` panels of each
  int64_t tileRows = 1;  ///< matmuls: the most rows of the input in a tile, whose sums are in registers
  int64_t opRows = 0;    ///< matmuls: the most rows of the input that one op takes, whole tiles; 0: all;
                         ///< attention: rows (tokens times heads) of a tile
  bool tileMatmul = false; ///< matmuls: tiles are multiplied by `kernel.tile_matmul`, not by vectors
  bool widenOnce = false; ///< matmuls: narrow panels are widened into scratch, not by each tile that meets them
  /// Which codes of blocks are unpacked into scratch before the first tile, not by each tile that meets
  /// them. Slow ones take longer to unpack than to read.
  enum class UnpackOnce { None, Slow, All } unpackOnce = UnpackOnce::None;
  int64_t unroll = 1;    ///< matmul: columns per loop iteration; of blocks 32, or fewer: a loop over their vectors
                         ///< (of codes that are simple or unpacked, others are straight code)
  bool signedBytes = false; ///< of blocks: weights of 8 bits meet activations as signed numbers
  int64_t ahead = 0;     ///< matmuls of a single row: bytes from what is read to what is fetched by hand; 0: nothing
  int64_t aheadCache = 2; ///< that goes into a core's cache number 1 or 2
  int64_t lanes = 1;     ///< others: elements of a vector; attention: positions of a vector
  int64_t block = 1;     ///< elementwise: columns that a thread takes at once;
                         ///< attention: vectors of positions between two changes of the maximum
  int64_t sums = 1;      ///< attention: vectors of sums that a register tile may have
  int64_t registerRows = 0;  ///< attention: rows of a tile that have sums in registers at once; 0: all
  int64_t singleRowSums = 0; ///< attention: vectors of values' sums where a tile is one row of plain
                             ///< numbers; 0: as `sums`
};

/// The largest number of at most `limit` that divides `size`: what a schedule allows, without a
/// rest. 1 where `limit` is less.
int64_t divisorUpTo(int64_t size, int64_t limit);

/// What a schedule is asked for.
struct KernelKey {
  enum class Kind { Matmul, BlockMatmul, Attention, Elementwise };
  Kind kind;
  bool chunk;            ///< the prefill step, not the single token
  mlir::Type weightType; ///< matmul only
  int64_t columns = 0;   ///< matmuls only: of the matrix
  int64_t largest = 0;   ///< of blocks only: no unsigned code is above it
};

/// A family of chips: which there are, how kernels are cut for each, and how its code is made.
class Target {
public:
  virtual ~Target() = default;

  /// All chips, ordered so that the last of those whose features a machine has suits
  /// it best.
  virtual llvm::ArrayRef<Chip> chips() const = 0;

  /// What an artifact may be compiled for besides single chips.
  virtual llvm::ArrayRef<ChipSet> chipSets() const { return {}; }

  /// What an unnamed chip stands for: one that nearly every machine can run.
  virtual const Chip &defaultChip() const = 0;

  /// The last chip that the running machine can execute, or null if none.
  virtual const Chip *nativeChip() const = 0;

  /// Numbers for a kernel on `chip`: the last row of the target's table that
  /// matches. Every kind has a row without requirements, so there is always one.
  virtual Schedule schedule(const Chip &chip, const KernelKey &key) const = 0;

  /// Whether `chip` multiplies pairs of BF16 as they are. Else what meets BF16 is kept as F32.
  virtual bool multipliesBf16(const Chip &chip) const = 0;

  /// Everything that happens to `llvm`-dialect-ready IR on this target only; a
  /// target without such needs adds nothing.
  virtual void addLowerPasses(mlir::OpPassManager &manager, const Chip &chip) const = 0;

  /// Sets triple, data layout and function attributes, optimizes, and writes a
  /// position-independent ELF object for `chip`. Fails with a message of LLVM's.
  virtual llvm::Error emitObject(llvm::Module &module, const Chip &chip,
                                 llvm::raw_pwrite_stream &stream) const = 0;

  /// Folder, relative to cria's library folder, of the runtime parts to link:
  /// startup objects, `libcria_runtime.a`, `libc.a`.
  virtual llvm::StringRef runtimeFolder() const = 0;
};

/// A chip together with the target that it belongs to.
struct ChipRef {
  const Target *target = nullptr;
  const Chip *chip = nullptr;
};

/// Every target that was registered.
llvm::ArrayRef<const Target *> registeredTargets();
/// Makes `target` known; it must live forever. Called once per target by tools.
void registerTarget(const Target *target);
/// Finds a chip by the name that `--target` takes, `native` included; the empty
/// name is the first target's default. The error lists what there is.
llvm::Expected<ChipRef> lookupChip(llvm::StringRef name);
/// The chips that `--target` asks for by the name of a set, or the one that
/// `lookupChip` finds.
llvm::Expected<llvm::SmallVector<ChipRef>> lookupChips(llvm::StringRef name);
/// The chip that a module was given to (its `kernel.target` attribute); emits an
/// error on the module if there is none or it is unknown.
mlir::FailureOr<ChipRef> chipOf(mlir::ModuleOp module);

} // namespace cria

#endif // CRIA_TARGETS_TARGET_H

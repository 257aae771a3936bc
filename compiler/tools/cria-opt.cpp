//===- cria-opt.cpp - Any pass on its own ----------------------------------===//

#include "compiler/pipeline/Pipeline.h"
#include "targets/cpu/Cpu.h"
#include "targets/x86_64/X86.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  cria::registerAllCria(registry);
  cria::registerTarget(&cria::x86Target());
  mlir::registerAllPasses();
  cria::registerCriaPasses();
  cria::cpu::registerCpuPasses();
  cria::x86::registerX86Passes();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Cria optimizer driver", registry));
}

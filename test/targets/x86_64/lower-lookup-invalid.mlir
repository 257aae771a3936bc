// RUN: cria-opt %s --verify-diagnostics --pass-pipeline='builtin.module(func.func(x86-lower-lookup{vector-bytes=32}))'
// RUN: not cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-lookup{vector-bytes=32}))' 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// The smallest register has 16 bytes.
func.func @part(%i: vector<24xi8>) -> vector<24xi8> {
  // expected-error @+1 {{'kernel.lookup' op expects whole registers of 16 bytes, but got 'vector<24xi8>'}}
  %r = kernel.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<24xi8>
  return %r : vector<24xi8>
}

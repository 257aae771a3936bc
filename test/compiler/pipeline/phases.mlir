// Each phase takes what the one before it left, and leaves only what it may.
//
// RUN: cria-opt %s --cria-model -o %t.model.mlir && FileCheck %s --check-prefix=MODEL < %t.model.mlir
// RUN: cria-opt %t.model.mlir --cria-kernel -o %t.kernel.mlir && FileCheck %s --check-prefix=KERNEL < %t.kernel.mlir
// RUN: cria-opt %t.kernel.mlir --cria-schedule -o %t.schedule.mlir && FileCheck %s --check-prefix=SCHEDULE < %t.schedule.mlir
// RUN: cria-opt %t.schedule.mlir --cria-vector -o %t.vector.mlir && FileCheck %s --check-prefix=VECTOR < %t.vector.mlir
// RUN: cria-opt %t.vector.mlir --kernel-bufferize --canonicalize --cse --drop-equivalent-buffer-results \
// RUN:   --kernel-plan-memory | FileCheck %s --check-prefix=COPIES
// RUN: cria-opt %t.vector.mlir --cria-buffer -o %t.buffer.mlir && FileCheck %s --check-prefix=BUFFER < %t.buffer.mlir
// RUN: FileCheck %s --check-prefix=EACH < %t.buffer.mlir
// RUN: cria-opt %t.buffer.mlir --cria-lower -o %t.lower.mlir && FileCheck %s --check-prefix=LOWER < %t.lower.mlir

// MODEL-LABEL: func.func @forward_one
// MODEL: llama.split_rope_rows
// MODEL: llama.rope {{.*}} half
// MODEL-LABEL: func.func @forward_chunk
// MODEL-NOT: tensor<?

// KERNEL: kernel.constant @rope_table at 0
// KERNEL: kernel.constant @embed.value at 2048
// KERNEL-LABEL: func.func private @layer_one
// KERNEL-NOT: llama.
// KERNEL-LABEL: func.func @cria_forward_one
// KERNEL: call @layer_one
// KERNEL: call @layer_one
// KERNEL-LABEL: func.func private @layer_chunk

// SCHEDULE-LABEL: func.func private @layer_one
// SCHEDULE: scf.forall
// SCHEDULE-NOT: kernel.schedule

// Every product and attention is vectors; only the gather of the embedding is not.
// VECTOR-LABEL: func.func private @layer_one
// VECTOR: vector.fma
// VECTOR-NOT: kernel.attention
// VECTOR-LABEL: func.func @cria_forward_one
// VECTOR: tensor.extract

// Updates are in place. A copy to another place is a linalg.generic that yields what it takes in; the buffer phase makes
// a loop of it, in which it is no longer to be told. Three are wanted: rows of hidden state where the last layer begins,
// and where it has been put off.
// COPIES-LABEL: func.func private @layer_one
// COPIES-NOT: linalg.yield %in :
// COPIES-LABEL: func.func @cria_forward_one
// COPIES-NOT: linalg.yield %in :
// COPIES-LABEL: func.func @cria_finish_one
// COPIES: outs(%{{.*}} : memref<1x32xf32>)
// COPIES: linalg.yield %in :
// COPIES-NOT: linalg.yield %in :
// COPIES-LABEL: func.func private @layer_chunk
// COPIES-NOT: linalg.yield %in :
// COPIES-LABEL: func.func @cria_forward_chunk
// COPIES: outs(%{{.*}} : memref<8x32xf32>)
// COPIES: linalg.yield %in :
// COPIES-NOT: linalg.yield %in :
// COPIES-LABEL: func.func @cria_finish_chunk
// COPIES: outs(%{{.*}} : memref<8x32xf32>)
// COPIES: linalg.yield %in :
// COPIES-NOT: linalg.yield %in :

// Nothing allocates.
// BUFFER: kernel.segments = {scratch = {{[0-9]+}} : i64, state = {{[0-9]+}} : i64, weights = {{[0-9]+}} : i64, workspace = {{[0-9]+}} : i64}
// BUFFER-NOT: memref.alloc

// A token's norm is every thread's own.
// EACH-LABEL: func.func private @layer_one
// EACH: scf.forall
// EACH: mapping = [#kernel.each

// LOWER-LABEL: llvm.func @layer_one
// LOWER: llvm.call @cria_barrier
// LOWER-LABEL: llvm.func @cria_forward_one(
// LOWER-SAME: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr)

module @tiny attributes {kernel.target="x86-64-v3", llama.model = #llama.model<name = "tiny", architecture = "llama", vocabulary = 40, width = 32, ffn = 48, layers = 2, heads = 2, kvHeads = 1, headSize = 16, contextSize = 24, chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.synthetic @embed seed 174 mean 0.000000 deviation 0.100000 : tensor<40x32xf16>
  llama.synthetic @norm seed 428 mean 1.000000 deviation 0.100000 : tensor<32xf32>
  llama.synthetic @layers.0.q seed 320 mean 0.000000 deviation 0.100000 : tensor<32x32xf16>
  llama.synthetic @layers.0.k seed 880 mean 0.000000 deviation 0.100000 : tensor<16x32xf16>
  llama.synthetic @layers.0.v seed 919 mean 0.000000 deviation 0.100000 : tensor<16x32xf16>
  llama.synthetic @layers.0.o seed 957 mean 0.000000 deviation 0.100000 : tensor<32x32xf16>
  llama.synthetic @layers.0.gate seed 500 mean 0.000000 deviation 0.100000 : tensor<48x32xf16>
  llama.synthetic @layers.0.up seed 196 mean 0.000000 deviation 0.100000 : tensor<48x32xf16>
  llama.synthetic @layers.0.down seed 547 mean 0.000000 deviation 0.100000 : tensor<32x48xf16>
  llama.synthetic @layers.0.attn_norm seed 123 mean 1.000000 deviation 0.100000 : tensor<32xf32>
  llama.synthetic @layers.0.ffn_norm seed 345 mean 1.000000 deviation 0.100000 : tensor<32xf32>
  llama.cache @layers.0.keys : tensor<32x1x16xf32>
  llama.cache @layers.0.values : tensor<32x1x16xf32>
  llama.synthetic @layers.1.q seed 471 mean 0.000000 deviation 0.100000 : tensor<32x32xf16>
  llama.synthetic @layers.1.k seed 178 mean 0.000000 deviation 0.100000 : tensor<16x32xf16>
  llama.synthetic @layers.1.v seed 289 mean 0.000000 deviation 0.100000 : tensor<16x32xf16>
  llama.synthetic @layers.1.o seed 802 mean 0.000000 deviation 0.100000 : tensor<32x32xf16>
  llama.synthetic @layers.1.gate seed 818 mean 0.000000 deviation 0.100000 : tensor<48x32xf16>
  llama.synthetic @layers.1.up seed 394 mean 0.000000 deviation 0.100000 : tensor<48x32xf16>
  llama.synthetic @layers.1.down seed 160 mean 0.000000 deviation 0.100000 : tensor<32x48xf16>
  llama.synthetic @layers.1.attn_norm seed 529 mean 1.000000 deviation 0.100000 : tensor<32xf32>
  llama.synthetic @layers.1.ffn_norm seed 809 mean 1.000000 deviation 0.100000 : tensor<32xf32>
  llama.cache @layers.1.keys : tensor<32x1x16xf32>
  llama.cache @layers.1.values : tensor<32x1x16xf32>
  func.func @forward(%tokens: tensor<?xi32>, %position: index) -> tensor<?x32xf32> {
 %t = llama.rope_table theta 1.0e4 : tensor<32x2x8xf32>
 %e = llama.weight @embed : tensor<40x32xf16>
 %x0 = llama.embed %tokens, %e : (tensor<?xi32>, tensor<40x32xf16>) -> tensor<?x32xf32>
 %x1 = llama.layer "layers.0" (%x0 : tensor<?x32xf32>) -> tensor<?x32xf32> {
 ^bb0(%h: tensor<?x32xf32>):
  %attn_norm = llama.weight @layers.0.attn_norm : tensor<32xf32>
  %n = llama.rms_norm %h, %attn_norm epsilon 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %q = llama.weight @layers.0.q : tensor<32x32xf16>
  %q1 = llama.linear %n, %q : (tensor<?x32xf32>, tensor<32x32xf16>) -> tensor<?x32xf32>
  %k = llama.weight @layers.0.k : tensor<16x32xf16>
  %k1 = llama.linear %n, %k : (tensor<?x32xf32>, tensor<16x32xf16>) -> tensor<?x16xf32>
  %v = llama.weight @layers.0.v : tensor<16x32xf16>
  %v1 = llama.linear %n, %v : (tensor<?x32xf32>, tensor<16x32xf16>) -> tensor<?x16xf32>
  %q2 = llama.rope %q1, %t at %position layout interleaved : (tensor<?x32xf32>, tensor<32x2x8xf32>, index) -> tensor<?x32xf32>
  %k2 = llama.rope %k1, %t at %position layout interleaved : (tensor<?x16xf32>, tensor<32x2x8xf32>, index) -> tensor<?x16xf32>
  %keys0 = llama.cache_read @layers.0.keys : tensor<32x1x16xf32>
  %keys = llama.cache_update %keys0, %k2 at %position : (tensor<32x1x16xf32>, tensor<?x16xf32>, index) -> tensor<32x1x16xf32>
  llama.cache_write @layers.0.keys, %keys : tensor<32x1x16xf32>
  %values0 = llama.cache_read @layers.0.values : tensor<32x1x16xf32>
  %values = llama.cache_update %values0, %v1 at %position : (tensor<32x1x16xf32>, tensor<?x16xf32>, index) -> tensor<32x1x16xf32>
  llama.cache_write @layers.0.values, %values : tensor<32x1x16xf32>
  %a = llama.attention %q2, %keys, %values at %position scale 0.25 : (tensor<?x32xf32>, tensor<32x1x16xf32>, tensor<32x1x16xf32>, index) -> tensor<?x32xf32>
  %o = llama.weight @layers.0.o : tensor<32x32xf16>
  %o1 = llama.linear %a, %o : (tensor<?x32xf32>, tensor<32x32xf16>) -> tensor<?x32xf32>
  %y = llama.add %h, %o1 : tensor<?x32xf32>
  %ffn_norm = llama.weight @layers.0.ffn_norm : tensor<32xf32>
  %m = llama.rms_norm %y, %ffn_norm epsilon 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %gate = llama.weight @layers.0.gate : tensor<48x32xf16>
  %gate1 = llama.linear %m, %gate : (tensor<?x32xf32>, tensor<48x32xf16>) -> tensor<?x48xf32>
  %up = llama.weight @layers.0.up : tensor<48x32xf16>
  %up1 = llama.linear %m, %up : (tensor<?x32xf32>, tensor<48x32xf16>) -> tensor<?x48xf32>
  %s = llama.swiglu %gate1, %up1 : tensor<?x48xf32>
  %down = llama.weight @layers.0.down : tensor<32x48xf16>
  %d1 = llama.linear %s, %down : (tensor<?x48xf32>, tensor<32x48xf16>) -> tensor<?x32xf32>
  %z = llama.add %y, %d1 : tensor<?x32xf32>
  llama.yield %z : tensor<?x32xf32>
 }
 %x2 = llama.layer "layers.1" (%x1 : tensor<?x32xf32>) -> tensor<?x32xf32> {
 ^bb0(%h: tensor<?x32xf32>):
  %attn_norm = llama.weight @layers.1.attn_norm : tensor<32xf32>
  %n = llama.rms_norm %h, %attn_norm epsilon 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %q = llama.weight @layers.1.q : tensor<32x32xf16>
  %q1 = llama.linear %n, %q : (tensor<?x32xf32>, tensor<32x32xf16>) -> tensor<?x32xf32>
  %k = llama.weight @layers.1.k : tensor<16x32xf16>
  %k1 = llama.linear %n, %k : (tensor<?x32xf32>, tensor<16x32xf16>) -> tensor<?x16xf32>
  %v = llama.weight @layers.1.v : tensor<16x32xf16>
  %v1 = llama.linear %n, %v : (tensor<?x32xf32>, tensor<16x32xf16>) -> tensor<?x16xf32>
  %q2 = llama.rope %q1, %t at %position layout interleaved : (tensor<?x32xf32>, tensor<32x2x8xf32>, index) -> tensor<?x32xf32>
  %k2 = llama.rope %k1, %t at %position layout interleaved : (tensor<?x16xf32>, tensor<32x2x8xf32>, index) -> tensor<?x16xf32>
  %keys0 = llama.cache_read @layers.1.keys : tensor<32x1x16xf32>
  %keys = llama.cache_update %keys0, %k2 at %position : (tensor<32x1x16xf32>, tensor<?x16xf32>, index) -> tensor<32x1x16xf32>
  llama.cache_write @layers.1.keys, %keys : tensor<32x1x16xf32>
  %values0 = llama.cache_read @layers.1.values : tensor<32x1x16xf32>
  %values = llama.cache_update %values0, %v1 at %position : (tensor<32x1x16xf32>, tensor<?x16xf32>, index) -> tensor<32x1x16xf32>
  llama.cache_write @layers.1.values, %values : tensor<32x1x16xf32>
  %a = llama.attention %q2, %keys, %values at %position scale 0.25 : (tensor<?x32xf32>, tensor<32x1x16xf32>, tensor<32x1x16xf32>, index) -> tensor<?x32xf32>
  %o = llama.weight @layers.1.o : tensor<32x32xf16>
  %o1 = llama.linear %a, %o : (tensor<?x32xf32>, tensor<32x32xf16>) -> tensor<?x32xf32>
  %y = llama.add %h, %o1 : tensor<?x32xf32>
  %ffn_norm = llama.weight @layers.1.ffn_norm : tensor<32xf32>
  %m = llama.rms_norm %y, %ffn_norm epsilon 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %gate = llama.weight @layers.1.gate : tensor<48x32xf16>
  %gate1 = llama.linear %m, %gate : (tensor<?x32xf32>, tensor<48x32xf16>) -> tensor<?x48xf32>
  %up = llama.weight @layers.1.up : tensor<48x32xf16>
  %up1 = llama.linear %m, %up : (tensor<?x32xf32>, tensor<48x32xf16>) -> tensor<?x48xf32>
  %s = llama.swiglu %gate1, %up1 : tensor<?x48xf32>
  %down = llama.weight @layers.1.down : tensor<32x48xf16>
  %d1 = llama.linear %s, %down : (tensor<?x48xf32>, tensor<32x48xf16>) -> tensor<?x32xf32>
  %z = llama.add %y, %d1 : tensor<?x32xf32>
  llama.yield %z : tensor<?x32xf32>
 }
 %norm = llama.weight @norm : tensor<32xf32>
 %r = llama.rms_norm %x2, %norm epsilon 1.0e-5 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
 return %r : tensor<?x32xf32>
}
  func.func @logits(%h: tensor<?x32xf32>) -> tensor<?x40xf32> {
 %e = llama.weight @embed : tensor<40x32xf16>
 %l = llama.linear %h, %e : (tensor<?x32xf32>, tensor<40x32xf16>) -> tensor<?x40xf32>
 return %l : tensor<?x40xf32>
}
}

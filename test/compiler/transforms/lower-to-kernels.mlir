// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s
// RUN: sed s/x86-64-v4/znver4/ %s | cria-opt --llama-lower-to-kernels | FileCheck %s --check-prefix=NARROW
// RUN: sed 's/kernel.target = "[^"]*", //' %s | not cria-opt --llama-lower-to-kernels 2>&1 | FileCheck %s --check-prefix=TARGET

// TARGET: error: expects a 'kernel.target' attribute that names a target

module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 32, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x32xf16>
  llama.source @w in "m" at 4096 : tensor<32x32xf16>
  llama.source @kv in "m" at 8192 : tensor<16x32xf32>
  llama.source @b in "m" at 16384 : tensor<16xf32>
  llama.source @odd in "m" at 24576 : tensor<24x32xf32>
  llama.source @oddb in "m" at 28672 : tensor<24xf32>
  llama.source @brain in "m" at 32768 : tensor<32x32xbf16>
  llama.source @g in "m" at 20480 : tensor<32xf32>

  // 38 positions in blocks of 64, what attention takes at once, are one. Blocks of keys and values
  // lie beside each other, an odd number of heads' blocks (here of 4 KiB) apart. Then the rest of the
  // state in the order of first use; 40 logits in panels of 16 are 48.
  // CHECK: kernel.state @keys at 0 {kernel.positions = 64 : i64} : tensor<1x1x16x64xf32, #kernel.pitch<3072>>
  // CHECK: kernel.state @values at 4096 {kernel.positions = 64 : i64} : tensor<1x1x64x16xf32, #kernel.pitch<3072>>
  // CHECK: kernel.state @tokens at 12288 : tensor<8xi32>
  // CHECK: kernel.state @hidden at 12352 : tensor<8x32xf32>
  // CHECK: kernel.state @logits at 13376 : tensor<8x48xf32>
  llama.cache @keys : tensor<38x1x16xf32>
  llama.cache @values : tensor<38x1x16xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK-SAME: (%[[P:.*]]: index)
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x32xf32> {
    // The table is multiplied by as well: it is gathered from its panels.
    // CHECK: %[[PANELS:.*]] = llama.pack %{{.*}} rows 16 : tensor<40x32xf16> -> tensor<3x32x16xf16>
    // CHECK: linalg.generic
    // CHECK: arith.divui
    // CHECK: arith.remui
    // CHECK: tensor.extract %[[PANELS]]
    %e = llama.weight @embed : tensor<40x32xf16>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x32xf16>) -> tensor<1x32xf32>
    %t = llama.rope_table theta 1.0e4 : tensor<38x2x8xf32>
    %y = llama.layer "l" (%x : tensor<1x32xf32>) -> tensor<1x32xf32> {
    ^bb0(%h: tensor<1x32xf32>):
      // CHECK: llama.layer
      // Zero is where sums start without bias or residual.
      // CHECK: linalg.fill {{.*}} tensor<1x2x16xf32>
      // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction", "parallel"]{{.*}} ins(%{{.*}} : tensor<1x32xf32>, tensor<2x32x16xf16>)
      %w = llama.weight @w : tensor<32x32xf16>
      %q = llama.linear %h, %w : (tensor<1x32xf32>, tensor<32x32xf16>) -> tensor<1x32xf32>
      // A matrix of a panel and a half is padded, its bias added behind.
      // CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<1x32xf32>, tensor<2x32x16xf32>)
      // CHECK: tensor.extract_slice {{.*}} : tensor<1x32xf32> to tensor<1x24xf32>
      // CHECK: arith.addf
      %ow = llama.weight @odd : tensor<24x32xf32>
      %ob = llama.weight @oddb : tensor<24xf32>
      %unused = llama.linear %h, %ow bias %ob : (tensor<1x32xf32>, tensor<24x32xf32>, tensor<24xf32>) -> tensor<1x24xf32>
      // Whole panels: the sums start from the bias.
      // CHECK: %[[BIAS:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<1x16xf32>) outs(%{{.*}} : tensor<1x1x16xf32>)
      // CHECK: linalg.generic {{.*}} outs(%[[BIAS]] : tensor<1x1x16xf32>)
      %kw = llama.weight @kv : tensor<16x32xf32>
      %b = llama.weight @b : tensor<16xf32>
      %k = llama.linear %h, %kw bias %b : (tensor<1x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<1x16xf32>
      // What only attends or goes into the cache is rotated there.
      // CHECK-NOT: arith.subf
      %r = llama.rope %q, %t at %p layout half : (tensor<1x32xf32>, tensor<38x2x8xf32>, index) -> tensor<1x32xf32>
      %s = llama.rope %k, %t at %p layout half : (tensor<1x16xf32>, tensor<38x2x8xf32>, index) -> tensor<1x16xf32>
      // CHECK: kernel.get @keys
      // CHECK: kernel.append keys {{.*}} rotated %{{.*}} : (tensor<1x1x16xf32>, index, tensor<1x1x16x64xf32, #kernel.pitch<3072>>, tensor<38x2x8xf32>)
      // CHECK: kernel.set @keys
      %k0 = llama.cache_read @keys : tensor<38x1x16xf32>
      %k1 = llama.cache_update %k0, %s at %p : (tensor<38x1x16xf32>, tensor<1x16xf32>, index) -> tensor<38x1x16xf32>
      llama.cache_write @keys, %k1 : tensor<38x1x16xf32>
      %v0 = llama.cache_read @values : tensor<38x1x16xf32>
      // Values are not: here, where they are rotated all the same, that is a kernel: cosines
      // and sines of the row's own position, both halves into one tensor.
      // CHECK: tensor.extract_slice %{{.*}}[%[[P]], 0, 0] [1, 1, 8]
      // CHECK: tensor.extract_slice %{{.*}}[%[[P]], 1, 0] [1, 1, 8]
      // CHECK: tensor.insert_slice {{.*}} : tensor<1x1x8xf32> into tensor<1x1x2x8xf32>
      // CHECK: tensor.insert_slice {{.*}} : tensor<1x1x8xf32> into tensor<1x1x2x8xf32>
      // CHECK: kernel.append %{{.*}} : (tensor<1x1x16xf32>, index, tensor<1x1x64x16xf32, #kernel.pitch<3072>>)
      %u = llama.rope %k, %t at %p layout half : (tensor<1x16xf32>, tensor<38x2x8xf32>, index) -> tensor<1x16xf32>
      %v1 = llama.cache_update %v0, %u at %p : (tensor<38x1x16xf32>, tensor<1x16xf32>, index) -> tensor<38x1x16xf32>
      llama.cache_write @values, %v1 : tensor<38x1x16xf32>
      // CHECK: kernel.attention {{.*}} scale 2.500000e-01 window 9 {{.*}} rotated
      %a = llama.attention %r, %k1, %v1 at %p scale 0.25 window 9
        : (tensor<1x32xf32>, tensor<38x1x16xf32>, tensor<38x1x16xf32>, index) -> tensor<1x32xf32>
      // The sums of a product that goes into the residual start from it.
      // CHECK: %[[RESIDUAL:.*]] = tensor.expand_shape %{{.*}} {{.*}} tensor<1x32xf32> into tensor<1x2x16xf32>
      // CHECK: linalg.generic {{.*}} outs(%[[RESIDUAL]] : tensor<1x2x16xf32>)
      %o = llama.linear %a, %w : (tensor<1x32xf32>, tensor<32x32xf16>) -> tensor<1x32xf32>
      %z = llama.add %h, %o : tensor<1x32xf32>
      // CHECK: math.exp
      %f = llama.swiglu %z, %z : tensor<1x32xf32>
      llama.yield %f : tensor<1x32xf32>
    }
    // Squares by lanes, across lanes, the scale, the product: into the state.
    // CHECK: arith.mulf
    // CHECK: math.sqrt
    // CHECK: linalg.generic
    // CHECK: tensor.insert_slice {{.*}} : tensor<1x32xf32> into tensor<8x32xf32>
    // CHECK: kernel.set @hidden
    // CHECK-NEXT: return
    %g = llama.weight @g : tensor<32xf32>
    %n = llama.rms_norm %y, %g epsilon 1.0e-5 : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
    return %n : tensor<1x32xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_one
  // CHECK-SAME: (%[[ROW:.*]]: index)
  // CHECK: tensor.extract_slice %{{.*}}[%[[ROW]], 0] [1, 32]
  // CHECK: kernel.set @logits
  func.func @logits_one(%h: tensor<1x32xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x32xf16>
    %l = llama.linear %h, %e : (tensor<1x32xf32>, tensor<40x32xf16>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK-SAME: attributes {kernel.chunk = 8 : i64}
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<40x32xf16>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x32xf16>) -> tensor<8x32xf32>
    // What meets BF16: rounded, and F32 again where the chip does not multiply BF16; in pairs
    // of columns.
    // CHECK: %[[HALF:.*]] = arith.truncf %{{.*}} : f32 to bf16
    // CHECK-NEXT: %[[ROUNDED:.*]] = arith.extf %[[HALF]] : bf16 to f32
    // CHECK-NEXT: linalg.yield %[[ROUNDED]] : f32
    // NARROW: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x32xbf16>)
    // NARROW: %[[ROUNDED:.*]] = arith.truncf
    // NARROW-NEXT: linalg.yield %[[ROUNDED]] : bf16
    // CHECK: llama.pack %{{.*}} rows 16 columns 2 : tensor<32x32xbf16> -> tensor<2x16x16x2xbf16>
    // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]
    // CHECK-SAME: ins(%{{.*}} : tensor<8x16x2xf32>, tensor<2x16x16x2xbf16>)
    // NARROW: ins(%{{.*}} : tensor<8x16x2xbf16>, tensor<2x16x16x2xbf16>)
    %bw = llama.weight @brain : tensor<32x32xbf16>
    %r = llama.round %x to bf16 : tensor<8x32xf32>
    %l = llama.linear %r, %bw : (tensor<8x32xf32>, tensor<32x32xbf16>) -> tensor<8x32xf32>
    %g = llama.weight @g : tensor<32xf32>
    %n = llama.rms_norm %l, %g epsilon 1.0e-5 : (tensor<8x32xf32>, tensor<32xf32>) -> tensor<8x32xf32>
    return %n : tensor<8x32xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_chunk
  func.func @logits_chunk(%h: tensor<8x32xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x32xf16>
    %l = llama.linear %h, %e : (tensor<8x32xf32>, tensor<40x32xf16>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

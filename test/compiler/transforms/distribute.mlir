// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-distribute))' | FileCheck %s

#id3 = affine_map<(t, p, r) -> (t, p, r)>
#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

// Panels go to the threads, tokens by eight stay in one; the fill goes along.
// CHECK-LABEL: func.func @matmul
// CHECK: scf.forall (%{{.*}}) in (4)
// CHECK:   scf.for
// CHECK:     linalg.fill {{.*}} outs(%{{.*}} : tensor<8x1x32xf32>)
// CHECK:     linalg.generic {{.*}} ins(%{{.*}} : tensor<8x512xf32>, tensor<1x512x32xf32>)
// CHECK: mapping = [#kernel.thread<0>]
// CHECK-NOT: kernel.schedule
func.func @matmul(%x: tensor<16x512xf32>, %w: tensor<4x512x32xf32>, %o: tensor<16x4x32xf32>) -> tensor<16x4x32xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%o : tensor<16x4x32xf32>) -> tensor<16x4x32xf32>
  %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<16x512xf32>, tensor<4x512x32xf32>) outs(%f : tensor<16x4x32xf32>)
      attrs = {kernel.schedule = #kernel.schedule<threads = [0, 1, 0, 0], tiles = [8, 0, 0, 0]>} {
  ^bb0(%in: f32, %b: f32, %c: f32):
    %1 = arith.mulf %in, %b : f32
    %2 = arith.addf %c, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<16x4x32xf32>
  return %r : tensor<16x4x32xf32>
}

// Head h of four reads key/value head h / 2; row t stands at p + t. Heads are the outer
// loop.
// CHECK-LABEL: func.func @attention
// CHECK-SAME: %[[P:[^:]*]]: index
// CHECK: scf.forall (%[[H:.*]], %[[T:.*]]) in (4, 3)
// CHECK-DAG: %[[G:.*]] = affine.apply #{{.*}}(%[[H]])
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[G]], 0, 0] [3, 1, 8, 4]
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[G]], 0, 0] [3, 1, 4, 8]
// CHECK-DAG: %[[POS:.*]] = affine.apply #{{.*}}(%[[T]])[%[[P]]]
// CHECK: kernel.attention {{.*}} at %[[POS]] {{.*}} tensor<1x1x8xf32>
func.func @attention(%p: index, %q: tensor<3x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>) -> tensor<3x4x8xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0]>}
    : (tensor<3x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<3x4x8xf32>) -> tensor<3x4x8xf32>
  return %a : tensor<3x4x8xf32>
}

// Both heads of a group, and two tokens of four.
// CHECK-LABEL: func.func @groups
// CHECK: scf.forall (%[[H:.*]], %[[T:.*]]) = (0, 0) to (4, 4) step (2, 2)
// CHECK-DAG: tensor.extract_slice %{{.*}}[%[[T]], %[[H]], 0] [2, 2, 8]
// CHECK-DAG: %[[G:.*]] = affine.apply #{{.*}}(%[[H]])
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[G]], 0, 0] [3, 1, 8, 4]
// CHECK: kernel.attention {{.*}} tensor<2x2x8xf32>
func.func @groups(%p: index, %q: tensor<4x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>) -> tensor<4x4x8xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    {kernel.schedule = #kernel.schedule<threads = [2, 2], tiles = [0, 0]>}
    : (tensor<4x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<4x4x8xf32>) -> tensor<4x4x8xf32>
  return %a : tensor<4x4x8xf32>
}

// CHECK-LABEL: func.func @append
// CHECK: scf.forall (%[[H:.*]]) in (2)
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H]], 0] [3, 1, 8]
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H]], 0, 0] [3, 1, 4, 8]
// CHECK: kernel.append
func.func @append(%r: tensor<3x2x8xf32>, %p: index, %c: tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32> {
  %a = kernel.append %r at %p into %c {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
    : (tensor<3x2x8xf32>, index, tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32>
  return %a : tensor<3x2x4x8xf32>
}

// A loop over heads is none over a chunk's rows, though there are as many.
// CHECK-LABEL: func.func @as_many_heads_as_rows
// CHECK: kernel.append
// CHECK: mapping = [#kernel.thread<0>]
// CHECK: kernel.merge_parts
// CHECK: mapping = [#kernel.thread<0>]
func.func @as_many_heads_as_rows(%r: tensor<2x2x8xf32>, %p: index, %c: tensor<3x2x4x8xf32>, %a: tensor<3x2x40xf32>, %o: tensor<1x2x32xf32>)
    -> (tensor<3x2x4x8xf32>, tensor<1x2x32xf32>) attributes {kernel.chunk = 2 : i64} {
  %b = kernel.append %r at %p into %c {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
    : (tensor<2x2x8xf32>, index, tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32>
  %m = kernel.merge_parts %a at %p into %o {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
    : (tensor<3x2x40xf32>, index, tensor<1x2x32xf32>) -> tensor<1x2x32xf32>
  return %b, %m : tensor<3x2x4x8xf32>, tensor<1x2x32xf32>
}

// Codes are cut together with their scales.
// CHECK-LABEL: func.func @append_codes
// CHECK: scf.forall (%[[H:.*]]) in (2)
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H]], 0, 0] [3, 1, 4, 32]
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H]], 0, 0] [3, 1, 1, 4]
// CHECK: kernel.append {{.*}} -> (tensor<3x1x4x32xi8>, tensor<3x1x1x4xbf16>)
// CHECK-DAG: tensor.parallel_insert_slice {{.*}}[0, %[[H]], 0, 0] [3, 1, 4, 32]
// CHECK-DAG: tensor.parallel_insert_slice {{.*}}[0, %[[H]], 0, 0] [3, 1, 1, 4]
func.func @append_codes(%r: tensor<3x2x32xf32>, %p: index, %c: tensor<3x2x4x32xi8>, %s: tensor<3x2x1x4xbf16>) -> (tensor<3x2x4x32xi8>, tensor<3x2x1x4xbf16>) {
  %a, %b = kernel.append %r at %p into %c, %s {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
    : (tensor<3x2x32xf32>, index, tensor<3x2x4x32xi8>, tensor<3x2x1x4xbf16>) -> (tensor<3x2x4x32xi8>, tensor<3x2x1x4xbf16>)
  return %a, %b : tensor<3x2x4x32xi8>, tensor<3x2x1x4xbf16>
}

// CHECK-LABEL: func.func @attend_codes
// CHECK: scf.forall
// CHECK: %[[K:.*]] = affine.apply #{{.*}}(%
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[K]], 0, 0] [3, 1, 32, 4]
// CHECK-DAG: %[[KS:.*]] = tensor.extract_slice %{{.*}}[0, %[[K]], 0, 0] [3, 1, 1, 4]
// CHECK-DAG: %[[VS:.*]] = tensor.extract_slice %{{.*}}[0, %[[K]], 0, 0] [3, 1, 1, 4]
// CHECK: kernel.attention {{.*}} scales %[[KS]], %[[VS]]
func.func @attend_codes(%q: tensor<1x4x32xf32>, %k: tensor<3x2x32x4xi8>, %v: tensor<3x2x4x32xi8>, %p: index, %ks: tensor<3x2x1x4xbf16>, %vs: tensor<3x2x1x4xbf16>) -> tensor<1x4x32xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q scales %ks, %vs {kernel.schedule = #kernel.schedule<threads = [2, 1], tiles = [0, 0]>}
    : (tensor<1x4x32xf32>, tensor<3x2x32x4xi8>, tensor<3x2x4x32xi8>, index, tensor<1x4x32xf32>, tensor<3x2x1x4xbf16>, tensor<3x2x1x4xbf16>) -> tensor<1x4x32xf32>
  return %a : tensor<1x4x32xf32>
}

// Parts of attention: those of a head follow each other.
// CHECK-LABEL: func.func @attend_parts
// CHECK: %[[PARTS:.*]] = scf.forall (%[[H:.*]], %[[S:.*]]) = (0, 0) to (4, 3) step (2, 1)
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H]], 0] [1, 2, 32]
// CHECK-DAG: tensor.extract_slice %{{.*}}[%[[S]], %[[H]], 0] [1, 2, 40]
// CHECK-DAG: %[[PART:.*]] = affine.apply #{{.*}}(%[[S]])
// CHECK: kernel.attention {{.*}} part %{{.*}} of 6 into
// CHECK: tensor.parallel_insert_slice {{.*}}[%[[S]], %[[H]], 0] [1, 2, 40]
// CHECK: scf.forall (%[[H2:.*]]) in (4)
// CHECK-DAG: tensor.extract_slice %[[PARTS]][0, %[[H2]], 0] [3, 1, 40]
// CHECK-DAG: tensor.extract_slice %{{.*}}[0, %[[H2]], 0] [1, 1, 32]
// CHECK: kernel.merge_parts
// CHECK: tensor.parallel_insert_slice {{.*}}[0, %[[H2]], 0] [1, 1, 32]
func.func @attend_parts(%q: tensor<1x4x32xf32>, %k: tensor<3x2x32x4xf32>, %v: tensor<3x2x4x32xf32>, %p: index, %i: index, %o: tensor<3x4x40xf32>) -> tensor<1x4x32xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 part %i of 6 into %o {kernel.schedule = #kernel.schedule<threads = [2, 1], tiles = [0, 0]>}
    : (tensor<1x4x32xf32>, tensor<3x2x32x4xf32>, tensor<3x2x4x32xf32>, index, tensor<3x4x40xf32>, index) -> tensor<3x4x40xf32>
  %b = kernel.merge_parts %a at %p into %q {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
    : (tensor<3x4x40xf32>, index, tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
  return %b : tensor<1x4x32xf32>
}

// Parts 2 p and 2 p + 1 of 16 are group p, whose scale is two numbers; what makes them goes with them.
// CHECK-LABEL: func.func @quantize_rows
// CHECK: scf.forall (%[[P:[^ ]+]]) = (0) to (4) step (2)
// CHECK:   %[[G:.*]] = affine.apply #{{.*}}(%[[P]])
// CHECK:   tensor.extract_slice %{{.*}}[0, %[[G]], 0] [4, 1, 32]
// CHECK:   tensor.extract_slice %arg6[0, %[[P]]] [4, 2]
// CHECK:   tensor.extract_slice %arg7[0, %[[P]]] [4, 2]
// CHECK:   scf.for
// CHECK:     %[[Z:.*]] = linalg.generic
// CHECK:     kernel.quantize_rows %[[Z]] offset 8 into {{.*}} (tensor<2x2x16xf32>, tensor<2x1x32xi8>, tensor<2x2xf32>, tensor<2x2xf32>)
// CHECK:   scf.forall.in_parallel
func.func @quantize_rows(%x: tensor<4x4x16xf32>, %a: tensor<4x2x32xi8>, %b: tensor<4x4xf32>, %c: tensor<4x4xf32>) -> tensor<4x2x32xi8> {
  %e = tensor.empty() : tensor<4x4x16xf32>
  %z = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x4x16xf32>) outs(%e : tensor<4x4x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    linalg.yield %0 : f32
  } -> tensor<4x4x16xf32>
  %d, %f, %g = kernel.quantize_rows %z offset 8 into %a, %b, %c {kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [2, 0]>}
    : (tensor<4x4x16xf32>, tensor<4x2x32xi8>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x2x32xi8>, tensor<4x4xf32>, tensor<4x4xf32>)
  return %d : tensor<4x2x32xi8>
}

// Tokens one by one, blocks of columns by two: so are those of the panels.
// CHECK-LABEL: func.func @gather
// CHECK: scf.forall (%[[T:.*]], %[[K:.*]]) = (0, 0) to (4, 256) step (1, 128)
// CHECK:   %[[BLOCK:.*]] = affine.apply #{{.*}}(%[[K]])
// CHECK:   tensor.extract_slice %arg1[0, %[[BLOCK]], 0] [3, 2, 544]
// CHECK:   kernel.block_gather {{.*}} : (tensor<1xi32>, tensor<3x2x544xi8>, tensor<1x128xf32>) -> tensor<1x128xf32>
func.func @gather(%i: tensor<4xi32>, %w: tensor<3x4x544xi8>, %o: tensor<4x256xf32>) -> tensor<4x256xf32> {
  %y = kernel.block_gather %i of %w rows 16 format q4_64 into %o {kernel.schedule = #kernel.schedule<threads = [1, 128], tiles = [0, 0]>}
    : (tensor<4xi32>, tensor<3x4x544xi8>, tensor<4x256xf32>) -> tensor<4x256xf32>
  return %y : tensor<4x256xf32>
}

// Eight tiles of panels are two streams of four: a turn takes number i of each, and every op of one stands
// next to that of the other.
// CHECK-LABEL: func.func @streams
// CHECK: %[[R:.*]] = scf.forall (%[[I:[^ ]+]]) = (0) to (8) step (2) shared_outs(%[[OUT:.*]] = %{{.*}})
// CHECK:   %[[J:.*]] = affine.apply #{{.*}}(%[[I]])
// CHECK-DAG: %[[A:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0, 0] [2, 2, 288]
// CHECK-DAG: %[[B:.*]] = tensor.extract_slice %{{.*}}[%[[J]], 0, 0] [2, 2, 288]
// CHECK:   linalg.fill
// CHECK-NEXT: linalg.fill
// CHECK:   %[[X:.*]] = kernel.block_matmul %[[CODES:.*]], %[[S:.*]], %[[N:.*]], %[[A]] format q4
// CHECK-NEXT: %[[Y:.*]] = kernel.block_matmul %[[CODES]], %[[S]], %[[N]], %[[B]] format q4
// CHECK:   scf.forall.in_parallel
// CHECK-NEXT: tensor.parallel_insert_slice %[[X]] into %[[OUT]][0, %[[I]], 0] [1, 2, 16]
// CHECK-NEXT: tensor.parallel_insert_slice %[[Y]] into %[[OUT]][0, %[[J]], 0] [1, 2, 16]
// CHECK: mapping = [#kernel.thread<0>]
// CHECK: return %[[R]]
func.func @streams(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<16x2x288xi8>,
                   %o: tensor<1x16x16xf32>) -> tensor<1x16x16xf32> {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%o : tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %f
    {kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [0, 0], streams = 2>}
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<16x2x288xi8>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
  return %y : tensor<1x16x16xf32>
}

// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-skip-screened))' | FileCheck %s

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>
#panel = affine_map<(t, p, r) -> (t, p)>
#row = affine_map<(t, p, r) -> (t)>
#id = affine_map<(t, p, r) -> (t, p, r)>

// A tile of two panels is left out where both bounds are below the threshold; a NaN is not below.
// CHECK-LABEL: func.func @tile
// CHECK-SAME: %[[BOUNDS:[^:]*]]: tensor<1x2xf32>, %[[T:[^:]*]]: tensor<1xf32>, %[[O:[^:]*]]: tensor<1x2x16xf32>
// CHECK-NOT: linalg
// CHECK-DAG: %[[LEAST:.*]] = tensor.extract %[[T]][%{{.*}}]
// CHECK-DAG: %[[FIRST:.*]] = tensor.extract %[[BOUNDS]][%{{.*}}, %c0
// CHECK-DAG: %[[A:.*]] = arith.cmpf uge, %[[FIRST]], %[[LEAST]]
// CHECK-DAG: %[[SECOND:.*]] = tensor.extract %[[BOUNDS]][%{{.*}}, %c1
// CHECK-DAG: %[[B:.*]] = arith.cmpf uge, %[[SECOND]], %[[LEAST]]
// CHECK: %[[ANY:.*]] = arith.ori %[[A]], %[[B]]
// CHECK: %[[S:.*]] = scf.if %[[ANY]] -> (tensor<1x2x16xf32>)
// CHECK:   %[[F:.*]] = linalg.fill
// CHECK:   %[[P:.*]] = linalg.generic {{.*}} outs(%[[F]] :
// CHECK:   %[[C:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[BOUNDS]], %[[T]] : {{.*}} outs(%[[O]] :
// CHECK-NOT: kernel.screened
// CHECK:   scf.yield %[[C]]
// CHECK: else
// CHECK:   %[[I:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%[[O]] :
// CHECK:   scf.yield %[[I]]
// CHECK-NOT: linalg
// CHECK: return %[[S]]
func.func @tile(%bounds: tensor<1x2xf32>, %threshold: tensor<1xf32>, %o: tensor<1x2x16xf32>, %x: tensor<1x64xf32>,
                %w: tensor<2x64x16xf32>, %e: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<1x64xf32>, tensor<2x64x16xf32>) outs(%f : tensor<1x2x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %c, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<1x2x16xf32>
  %s = linalg.generic {indexing_maps = [#id, #panel, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %bounds, %threshold : tensor<1x2x16xf32>, tensor<1x2xf32>, tensor<1xf32>) outs(%o : tensor<1x2x16xf32>)
      attrs = {kernel.screened} {
  ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
    %1 = arith.cmpf uge, %b, %c : f32
    %2 = arith.select %1, %a, %lowest : f32
    linalg.yield %2 : f32
  } -> tensor<1x2x16xf32>
  return %s : tensor<1x2x16xf32>
}

// What is computed anyway need not be skipped.
// CHECK-LABEL: func.func @elsewhere
// CHECK-NOT: scf.if
// CHECK: linalg.generic
// CHECK-NOT: kernel.screened
func.func @elsewhere(%y: tensor<1x2x16xf32>, %bounds: tensor<1x2xf32>, %threshold: tensor<1xf32>,
                     %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %lowest = arith.constant 0xFF800000 : f32
  %s = linalg.generic {indexing_maps = [#id, #panel, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %bounds, %threshold : tensor<1x2x16xf32>, tensor<1x2xf32>, tensor<1xf32>) outs(%o : tensor<1x2x16xf32>)
      attrs = {kernel.screened} {
  ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
    %1 = arith.cmpf uge, %b, %c : f32
    %2 = arith.select %1, %a, %lowest : f32
    linalg.yield %2 : f32
  } -> tensor<1x2x16xf32>
  return %s : tensor<1x2x16xf32>
}

// RUN: cria-opt %s --kernel-bufferize | FileCheck %s
// RUN: cria-opt %s --kernel-bufferize --canonicalize --cse --drop-equivalent-buffer-results --kernel-plan-memory \
// RUN:   | FileCheck %s --check-prefix=PLANNED

llama.source @s in "m" at 0 : tensor<4xf32>
// CHECK: kernel.constant @w at 0 : tensor<4xf32>
// CHECK:   llama.weight @s : tensor<4xf32>
kernel.constant @w at 0 : tensor<4xf32> {
  %w = llama.weight @s : tensor<4xf32>
  kernel.yield %w : tensor<4xf32>
}
kernel.state @x at 0 : tensor<4xf32>
kernel.state @apart at 64 : tensor<3x2x4xf32, #kernel.pitch<16>>

// State is written in place: a get, an update and a set need no second buffer. A copy that is left would be a linalg op
// once memory is planned.
// CHECK-LABEL: func.func @in_place
// CHECK: %[[X:.*]] = kernel.get @x : memref<4xf32>
// CHECK: memref.store %{{.*}}, %[[X]]
// CHECK-NOT: memref.alloc
// PLANNED-LABEL: func.func @in_place
// PLANNED-NOT: linalg.
// PLANNED: return
func.func @in_place(%i: index, %v: f32) {
  %x = kernel.get @x : tensor<4xf32>
  %y = tensor.insert %v into %x[%i] : tensor<4xf32>
  kernel.set @x, %y : tensor<4xf32>
  return
}

// A pitch is the outermost stride, of arguments and of parts too. The part is updated in place, and so is the state.
// PLANNED-LABEL: func.func private @inner
// PLANNED-NOT: linalg.
// PLANNED: return
// CHECK-LABEL: func.func private @inner
// CHECK-SAME: memref<3x2x4xf32, strided<[16, 4, 1]>>
func.func private @inner(%x: tensor<3x2x4xf32, #kernel.pitch<16>>, %i: index, %v: f32) -> tensor<3x2x4xf32, #kernel.pitch<16>> {
  // CHECK: memref.subview {{.*}} : memref<3x2x4xf32, strided<[16, 4, 1]>> to memref<3x1x4xf32, strided<[16, 4, 1], offset: ?>>
  // CHECK-NOT: memref.alloc
  %part = tensor.extract_slice %x[0, %i, 0] [3, 1, 4] [1, 1, 1]
    : tensor<3x2x4xf32, #kernel.pitch<16>> to tensor<3x1x4xf32, #kernel.pitch<16>>
  %c0 = arith.constant 0 : index
  %y = tensor.insert %v into %part[%i, %c0, %i] : tensor<3x1x4xf32, #kernel.pitch<16>>
  %z = tensor.insert_slice %y into %x[0, %i, 0] [3, 1, 4] [1, 1, 1]
    : tensor<3x1x4xf32, #kernel.pitch<16>> into tensor<3x2x4xf32, #kernel.pitch<16>>
  return %z : tensor<3x2x4xf32, #kernel.pitch<16>>
}
// CHECK-LABEL: func.func @outer
// CHECK: %[[X:.*]] = kernel.get @apart : memref<3x2x4xf32, strided<[16, 4, 1]>>
// CHECK: call @inner(%[[X]]
// PLANNED-LABEL: func.func @outer
// PLANNED: call @inner
// PLANNED-NOT: linalg.
// PLANNED: return
func.func @outer(%i: index, %v: f32) {
  %x = kernel.get @apart : tensor<3x2x4xf32, #kernel.pitch<16>>
  %y = call @inner(%x, %i, %v) : (tensor<3x2x4xf32, #kernel.pitch<16>>, index, f32) -> tensor<3x2x4xf32, #kernel.pitch<16>>
  kernel.set @apart, %y : tensor<3x2x4xf32, #kernel.pitch<16>>
  return
}

// A constant never is: who writes into it gets a copy.
// CHECK-LABEL: func.func @constant
// CHECK: %[[W:.*]] = kernel.get @w : memref<4xf32>
// CHECK: %[[COPY:.*]] = memref.alloc
// CHECK: memref.copy %[[W]], %[[COPY]]
// CHECK: memref.store %{{.*}}, %[[COPY]]
func.func @constant(%i: index, %v: f32) -> f32 {
  %w = kernel.get @w : tensor<4xf32>
  %y = tensor.insert %v into %w[%i] : tensor<4xf32>
  %r = tensor.extract %y[%i] : tensor<4xf32>
  return %r : f32
}

// A product of tiles is written where its destination lies, which it reads only to add to.
// CHECK-LABEL: func.func @tiles
// CHECK-SAME: %[[Y:[^:]*]]: memref<16x1x16xf32>
// CHECK: kernel.tile_matmul %{{.*}}, %{{.*}} into %[[Y]] accumulate : memref<16x32xbf16>, memref<1x16x32xbf16>, memref<16x1x16xf32>{{$}}
// CHECK-NOT: memref.alloc
// CHECK: return
func.func @tiles(%x: tensor<16x32xbf16>, %w: tensor<1x16x32xbf16>,
                 %y: tensor<16x1x16xf32> {bufferization.writable = true}) -> tensor<16x1x16xf32> {
  %r = kernel.tile_matmul %x, %w into %y accumulate
    : tensor<16x32xbf16>, tensor<1x16x32xbf16>, tensor<16x1x16xf32> -> tensor<16x1x16xf32>
  return %r : tensor<16x1x16xf32>
}

// A hint says which cache: "locality" is 3 for the first one.
// CHECK-LABEL: func.func @hints
// CHECK: memref.prefetch %{{.*}}[%{{.*}}], read, locality<2>, data : memref<4xf32>
// CHECK: memref.prefetch %{{.*}}[%{{.*}}], read, locality<3>, data : memref<4xf32>
func.func @hints(%i: index) {
  %x = kernel.get @x : tensor<4xf32>
  kernel.prefetch %x[%i] : tensor<4xf32>
  kernel.prefetch %x[%i] {cache = 1 : i64} : tensor<4xf32>
  return
}

// What is not set stays as it is: who writes into it gets a copy, and sees no other's.
// CHECK-LABEL: func.func @not_set
// CHECK-DAG: %[[X:.*]] = kernel.get @x : memref<4xf32>
// CHECK-DAG: %[[COPY:.*]] = memref.alloc
// CHECK: linalg.fill {{.*}} outs(%[[COPY]]
// CHECK: return %[[COPY]]
func.func @not_set(%v: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %x = kernel.get @x : tensor<4xf32>
  %y = linalg.fill ins(%v : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  %z = kernel.get @x : tensor<4xf32>
  return %y, %z : tensor<4xf32>, tensor<4xf32>
}

// A value from elsewhere is copied, once what was there has been read.
// CHECK-LABEL: func.func @other_value
// CHECK-SAME: %[[V:[^:]*]]: memref<4xf32>
// CHECK: %[[R:.*]] = memref.load
// CHECK: memref.copy %[[V]]
// CHECK: return %[[R]]
func.func @other_value(%v: tensor<4xf32>, %i: index) -> f32 {
  %x = kernel.get @x : tensor<4xf32>
  %r = tensor.extract %x[%i] : tensor<4xf32>
  kernel.set @x, %v : tensor<4xf32>
  return %r : f32
}

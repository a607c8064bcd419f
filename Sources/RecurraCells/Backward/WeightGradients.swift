import RecurraTensor

/// What goes back through the products after the loop.
struct SequenceGradients {
  /// Gradient of `[W; U]` of each direction.
  let weights: [Tensor]
  /// Gradient of the slots' biases of each direction.
  let biases: [Tensor]
  /// Gradients of the named matrices of each direction, by their places among the parameters.
  let matrices: [[Int: Tensor]]
  /// The gradient of the input, [B, T, I], or of the table that it was looked up in, of all directions together; nil
  /// where it is not asked for.
  let input: Gradient?

  /// Adds buffers of one shape, which no other value holds, to the first of them, in their order and from a row on.
  static func addUp(_ tensors: [Tensor], fromRow row: Int = 0) -> Tensor {
    let rows = tensors.map { DirectionRun<Float>.rows($0).base }
    let (first, count, size) = (row > 0 ? row * tensors[0].shape[1] : 0, tensors[0].count, 1 << 13)
    guard rows.count > 1 else { return tensors[0] }
    let lasting = Threads.nanoseconds(copying: rows.count * (count - first))
    Threads.run((count - first + size - 1) / size, lasting: lasting) { piece in
      let range = (first + piece * size)..<min(first + (piece + 1) * size, count)
      let target = rows[0]
      for source in rows.dropFirst() {
        for index in range { target[index] += source[index] }
      }
    }
    return tensors[0]
  }

  /// Puts the gradients of each run's rows, in its own order, into [B, T, I]; zeros at padded timesteps.
  static func inputGradient<S: FloatingScalar>(_ runs: [DirectionRun<S>], rows: [Tensor]) -> Tensor {
    let (batch, timesteps, inputs) = (runs[0].inputShape[0], runs[0].inputShape[1], runs[0].inputs)
    // The runs of the same rows one after the other: the first sets, the others add.
    let sorted = runs.indices.sorted {
      (runs[$0].layout.firstRow, runs[$0].place) < (runs[$1].layout.firstRow, runs[$1].place)
    }
    return Tensor([batch, timesteps, inputs], of: S.self) { output in
      let lasting = Threads.nanoseconds(copying: sorted.count * batch * timesteps * inputs)
      let isInPieces = runs[0].layout.isInPieces
      if isInPieces { output.update(repeating: 0, count: batch * timesteps * inputs) }
      Threads.run(min(batch, 16), lasting: lasting) { piece in
        for index in sorted {
          let (run, source) = (runs[index], DirectionRun<S>.rows(rows[index]))
          for row in stride(from: piece, to: run.layout.batch, by: min(batch, 16)) {
            let length = run.layout.lengths[row]
            if run.place == 0, !isInPieces {
              let end = output + (run.layout.index(row) * timesteps + length) * inputs
              end.update(repeating: 0, count: (timesteps - length) * inputs)
            }
            for time in 0..<length {
              let step = run.layout.isReversed ? run.layout.steps - 1 - time : time
              let gradient = source[run.layout.blocks[step] + row]
              let cell = output + run.layout.place(row, time) * inputs
              if run.place == 0 {
                cell.update(from: gradient, count: inputs)
              } else {
                for i in 0..<inputs { cell[i] += gradient[i] }
              }
            }
          }
        }
      }
    }
  }
}

/// The products after the loop by OpenBLAS: the reference, for every cell and both types.
///
/// Everything is cut over columns or rows of the results in pieces that depend on shapes alone, so the bits do not
/// depend on the number of threads; all pieces of all directions run together.
struct WeightGradients<S: FloatingScalar> {
  private let weights, biases: [Tensor]
  private let matrices: [[Int: Tensor]]
  private let runs: [DirectionRun<S>]
  /// Gradient of the input rows of each direction, in the order of its run.
  private let inputRows: [Tensor]
  private let needsInput: Bool

  init(_ runs: [DirectionRun<S>], needsInput: Bool) {
    self.runs = runs
    self.needsInput = needsInput
    weights = runs.map { Tensor(uninitialized: $0.direction.weights.shape, dtype: S.dtype) }
    biases = runs.map { Tensor(uninitialized: [$0.slots], dtype: S.dtype) }
    matrices = runs.map { run in
      let own = run.phases.joined().compactMap(\.matrix)
      return Dictionary(
        uniqueKeysWithValues: own.map {
          ($0.parameter, Tensor(uninitialized: [$0.rows, $0.columns], dtype: S.dtype))
        })
    }
    inputRows =
      needsInput ? runs.map { Tensor(uninitialized: [$0.layout.productRows, $0.inputs], dtype: S.dtype) } : []
  }

  /// Computes everything.
  func run() -> SequenceGradients {
    var pieces: [() -> Void] = []
    for index in runs.indices {
      for products in runs[index].phases {
        for product in products { addWeightPieces(product, index, &pieces) }
      }
      if needsInput { addInputPieces(index, &pieces) }
      addBiasPieces(index, &pieces)
    }
    Threads.run(pieces.count) { pieces[$0]() }
    return SequenceGradients(
      weights: weights, biases: biases, matrices: matrices,
      input: needsInput ? .dense(SequenceGradients.inputGradient(runs, rows: inputRows)) : nil)
  }

  /// (rows of Z)ᵀ · (gradients of slots), cut over the columns.
  private func addWeightPieces(_ product: GateProduct, _ index: Int, _ pieces: inout [() -> Void]) {
    let run = runs[index]
    let (inputs, units, outputs) = (run.inputs, run.units, run.outputs)
    let left: Rows<S>
    let firstRow: Int
    let rows: Int
    switch product.operand {
    case .inputAndState: (left, firstRow, rows) = (run.zRows, 0, inputs + outputs)
    case .input: (left, firstRow, rows) = (run.zRows, 0, inputs)
    case .state: (left, firstRow, rows) = (run.zRows.from(0, column: inputs), inputs, outputs)
    case .scratch:
      let own = run.scratchRows.from(0, column: product.first)
      (left, firstRow, rows) = (own, inputs, product.matrix?.rows ?? outputs)
    }
    let target =
      product.matrix.flatMap { matrices[index][$0.parameter] }.map { DirectionRun<S>.rows($0) }
      ?? DirectionRun<S>.rows(weights[index]).from(firstRow, column: product.gates.lowerBound * units)
    let gates = run.gateRows.from(0, column: product.slot * units)
    let depth = run.layout.productRows
    for columns in Self.cut(product.columns(units), least: 64, most: 256) {
      pieces.append {
        BLAS.product(
          rows: rows, columns: columns.count, depth: depth,
          UnsafePointer(left.base), stride: left.stride, leftTransposed: true,
          UnsafePointer(gates.base) + columns.lowerBound, stride: gates.stride,
          into: target.base + columns.lowerBound, stride: target.stride)
      }
    }
  }

  /// (gradients of slots) · Wᵀ, cut over the rows.
  private func addInputPieces(_ index: Int, _ pieces: inout [() -> Void]) {
    let run = runs[index]
    let products = run.phases.joined().filter { $0.operand == .inputAndState || $0.operand == .input }
    let weights = DirectionRun<S>.rows(run.direction.weights)
    let target = DirectionRun<S>.rows(inputRows[index])
    for rows in Self.cut(run.layout.productRows, least: 128, most: 1024) {
      pieces.append {
        for (position, product) in products.enumerated() {
          BLAS.product(
            rows: rows.count, columns: run.inputs, depth: product.gates.count * run.units,
            UnsafePointer(run.gateRows[rows.lowerBound]) + product.slot * run.units, stride: run.gateRows.stride,
            UnsafePointer(weights.base) + product.gates.lowerBound * run.units, stride: weights.stride,
            rightTransposed: true,
            into: target[rows.lowerBound], stride: target.stride, keeping: position == 0 ? 0 : 1)
        }
      }
    }
  }

  /// Sums of the slots' gradients over all rows: short sums in the type at hand, added up in double precision.
  private func addBiasPieces(_ index: Int, _ pieces: inout [() -> Void]) {
    let run = runs[index]
    let target = DirectionRun<S>.rows(biases[index]).base
    for columns in Self.cut(run.slots, least: 64, most: 256) {
      pieces.append {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: columns.count) { totals in
          withUnsafeTemporaryAllocation(of: S.self, capacity: columns.count) { sums in
            for i in 0..<columns.count { totals[i] = 0 }
            for first in stride(from: 0, to: run.layout.productRows, by: 32) {
              for i in 0..<columns.count { sums[i] = 0 }
              for row in first..<min(first + 32, run.layout.productRows) {
                let gradient = run.gateRows[row] + columns.lowerBound
                for i in 0..<columns.count { sums[i] += gradient[i] }
              }
              for i in 0..<columns.count { totals[i] += Double(sums[i]) }
            }
            for i in 0..<columns.count { target[columns.lowerBound + i] = S(totals[i]) }
          }
        }
      }
    }
  }

  /// Cuts an extent into pieces by its size alone: an even number of them where it can be, so that two threads share
  /// well.
  private static func cut(_ extent: Int, least: Int, most: Int) -> [Range<Int>] {
    var count = max(1, (extent + most - 1) / most)
    if count % 2 == 1, extent >= 2 * least { count += 1 }
    let size = ((extent + count - 1) / count + 7) / 8 * 8
    return stride(from: 0, to: extent, by: max(size, 1)).map { $0..<min($0 + size, extent) }
  }
}

internal import CRecurraKernels
import RecurraTensor

/// The products after the loop by our kernels: the gradients of weights, biases and inputs over all timesteps at once.
///
/// Rows are taken in chunks whose packed left operand stays in the shared cache. Pieces are cut by shapes alone; and a sum runs in one
/// fixed order whoever computes it, so nothing of this shows in the bits.
struct PackedGradients {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  private let needsInput: Bool
  /// Rows of the direction that has most: where sequences end early, the directions differ.
  private let rows: Int
  private let inputs, units: Int
  private let weights, biases: [Tensor]

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, needsInput: Bool) {
    (self.runs, self.kernels, self.needsInput) = (runs, kernels, needsInput)
    rows = runs.map(\.layout.productRows).max() ?? 0
    (inputs, units) = (runs[0].inputs, runs[0].units)
    weights = runs.map { Tensor(uninitialized: $0.direction.weights.shape, dtype: .float32) }
    biases = runs.map { Tensor(uninitialized: [$0.slots], dtype: .float32) }
  }

  /// Computes everything.
  func run() -> SequenceGradients {
    guard rows > 0 else {
      func zeros(_ tensors: [Tensor]) -> [Tensor] { tensors.map { .zeros($0.shape) } }
      return SequenceGradients(
        weights: zeros(weights), biases: zeros(biases), input: needsInput ? .zeros(runs[0].input.shape) : nil)
    }
    let input = needsInput ? InputGradients(runs, kernels) : nil
    let (depth, width) = (Int(RECURRA_GRADIENT_DEPTH), inputs + units)
    let chunk = packsLeft ? min(rows, max(1, Self.chunkFloats / (depth * width)) * depth) : rows
    let left = packsLeft ? runs.map { _ in Tensor(uninitialized: [chunk, width], dtype: .float32) } : []
    let packed = left.map { DirectionRun<Float>.rows($0).base }
    let pieces = runs[0].phases[0].flatMap(pieces)
    withExtendedLifetime(left) {
      for first in stride(from: 0, to: rows, by: chunk) {
        let chunks = runs.map { first..<max(first, min(first + chunk, $0.layout.productRows)) }
        let blocks = (chunk + depth - 1) / depth
        Streams.run(packed.count * blocks) { index in
          let (direction, block) = (index % runs.count, index / runs.count)
          pack(block * depth, chunks[direction], direction, packed[direction])
        }
        let isLast = first + chunk >= rows
        // The gradients of the inputs fill up what the threads have left.
        Streams.run(pieces.count * runs.count + (isLast ? input?.pieces ?? 0 : 0)) { index in
          if index < pieces.count * runs.count {
            let direction = index % runs.count
            accumulate(
              pieces[index / runs.count], chunks[direction], direction, packed.isEmpty ? nil : packed[direction])
          } else {
            input?.run(index - pieces.count * runs.count)
          }
        }
      }
    }
    return SequenceGradients(weights: weights, biases: biases, input: input?.result())
  }

  /// Whether the left operand is packed first; a pass that only many columns pay for.
  private var packsLeft: Bool { runs[0].slots >= 640 }

  /// Floats of the packed rows of one direction.
  private static let chunkFloats = 1 << 20

  /// A share of one product: some columns of the weights, and some panels of Z's columns.
  private struct Piece {
    let panels: Range<Int>
    let slotColumn, weightColumn, columns: Int
    /// Whether the column sums are this piece's business.
    let sums: Bool
  }

  private func pieces(_ product: GateProduct) -> [Piece] {
    let (ofInputs, all) = (Kernels.table.leftPanels(inputs, 0), Kernels.table.leftPanels(inputs, units))
    let panels =
      switch product.operand {
      case .inputAndState, .scratch: 0..<all
      case .input: 0..<ofInputs
      case .state: ofInputs..<all
      }
    // A strip of the kernels, or more where there are many. Few strips are cut across the panels as well.
    let columns = product.gates.count * units
    let strip = max(64, columns / 64 / 64 * 64)
    let strips = (columns + strip - 1) / strip
    let cuts = max(1, min((8 + strips - 1) / strips, panels.count / 4))
    return (0..<strips).flatMap { index in
      (0..<cuts).map { cut in
        let begin = panels.lowerBound + panels.count * cut / cuts
        let end = panels.lowerBound + panels.count * (cut + 1) / cuts
        return Piece(
          panels: begin..<end, slotColumn: product.slot * units + index * strip,
          weightColumn: product.gates.lowerBound * units + index * strip, columns: min(strip, columns - index * strip),
          sums: cut == 0)
      }
    }
  }

  /// Packs a block of a chunk of Z, from row `first` of the chunk on.
  private func pack(_ first: Int, _ chunk: Range<Int>, _ direction: Int, _ packed: UnsafeMutablePointer<Float>) {
    let count = min(Int(RECURRA_GRADIENT_DEPTH), chunk.count - first)
    guard count > 0 else { return }
    let z = runs[direction].zRows.from(chunk.lowerBound + first)
    Kernels.table.packLeft(
      inputs, units, count, UnsafePointer(z.base), z.stride, packed + first * (inputs + units))
  }

  private func accumulate(
    _ piece: Piece, _ chunk: Range<Int>, _ direction: Int, _ packed: UnsafeMutablePointer<Float>?
  ) {
    let (first, count) = (chunk.lowerBound, chunk.count)
    guard count > 0 else { return }
    let gates = runs[direction].gateRows.from(first, column: piece.slotColumn)
    let target = DirectionRun<Float>.rows(weights[direction]).from(0, column: piece.weightColumn)
    var job = RecurraWeightGradient()
    (job.depth, job.inputs, job.units, job.columns) = (count, inputs, units, piece.columns)
    (job.panelBegin, job.panelEnd) = (piece.panels.lowerBound, piece.panels.upperBound)
    let z = runs[direction].zRows.from(first)
    (job.left, job.leftStride, job.packedLeft) = (UnsafePointer(z.base), z.stride, packed.map { UnsafePointer($0) })
    (job.right, job.rightStride) = (UnsafePointer(gates.base), gates.stride)
    (job.out, job.outStride) = (target.base, target.stride)
    if piece.sums { job.bias = DirectionRun<Float>.rows(biases[direction]).base + piece.slotColumn }
    job.adds = first > 0 ? 1 : 0
    Kernels.table.weightGradient(&job)
  }
}

/// The gradient of the input, [B, T, I], of all directions together, in pieces.
private struct InputGradients {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  private let packed: [Tensor]
  /// [B, T, I] where every row is of full length; otherwise each direction's rows in the order of its run.
  private let targets: [Tensor]
  private let isDirect: Bool
  private let stepsPerPiece, rowCuts: Int
  let pieces: Int

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels) {
    (self.runs, self.kernels) = (runs, kernels)
    let (shape, layout) = (runs[0].input.shape, runs[0].layout)
    packed = runs.map { $0.direction.packed.input($0.direction, kernels, inputs: $0.inputs, units: $0.units) }
    isDirect = layout.lengths.last == shape[1]
    let least = 192
    if isDirect {
      targets = [Tensor(uninitialized: shape, dtype: .float32)]
      stepsPerPiece = max(1, least / layout.batch)
      rowCuts = max(1, layout.batch / least)
      pieces = (shape[1] + stepsPerPiece - 1) / stepsPerPiece * rowCuts
    } else {
      targets = runs.map { Tensor(uninitialized: [$0.layout.productRows, $0.inputs], dtype: .float32) }
      (stepsPerPiece, rowCuts) = (least, 1)
      pieces = ((runs.map(\.layout.productRows).max() ?? 0) + least - 1) / least
    }
  }

  /// Computes a piece: the same timesteps of every direction, one direction after the other.
  func run(_ index: Int) {
    for (direction, run) in runs.enumerated() {
      let layout = run.layout
      var job = RecurraInputGradient()
      (job.inputs, job.units) = (run.inputs, run.units)
      (job.dgates, job.dgatesStride) = (UnsafePointer(run.gateRows.base), run.gateRows.stride)
      job.packed = UnsafePointer(DirectionRun<Float>.rows(packed[direction]).base)
      job.out = DirectionRun<Float>.rows(targets[isDirect ? 0 : direction]).base
      if isDirect {
        let first = index / rowCuts * stepsPerPiece
        let times = first..<min(first + stepsPerPiece, layout.steps)
        let steps = layout.isReversed ? (layout.steps - times.upperBound)..<(layout.steps - times.lowerBound) : times
        let cut = index % rowCuts
        // Rows are cut only where a piece is one step, so that a piece is a range of rows all the same.
        job.rowBegin = steps.lowerBound * layout.batch + layout.batch * cut / rowCuts
        job.rowEnd = (steps.upperBound - 1) * layout.batch + layout.batch * (cut + 1) / rowCuts
        (job.rowsPerStep, job.rowStride) = (layout.batch, layout.steps * run.inputs)
        job.stepStride = layout.isReversed ? -run.inputs : run.inputs
        if layout.isReversed { job.out? += (layout.steps - 1) * run.inputs }
        job.adds = direction > 0 ? 1 : 0
      } else {
        (job.rowBegin, job.rowEnd) = (index * stepsPerPiece, min((index + 1) * stepsPerPiece, layout.productRows))
        (job.rowsPerStep, job.stepStride) = (1, run.inputs)
        guard job.rowBegin < job.rowEnd else { continue }
      }
      kernels.inputGradient(&job)
    }
  }

  /// The gradient, once all pieces are done.
  func result() -> Tensor { isDirect ? targets[0] : SequenceGradients.inputGradient(runs, rows: targets) }
}

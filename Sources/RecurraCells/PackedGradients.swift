internal import CRecurraKernels
import RecurraTensor

/// The products over all timesteps by our kernels: the gradients of weights, biases and inputs.
///
/// They are computed for a stretch of timesteps after the other, from the last to the first, so that what the loop has just written is
/// still in the cache. Stretches and pieces are cut by shapes alone, and a sum runs in one fixed order whoever computes it: nothing
/// of this depends on the number of threads.
final class PackedGradients {
  /// Timesteps whose products are computed together.
  let stretches: [Range<Int>]
  private let runs: [DirectionRun<Float>]
  private let inputs, units: Int
  private let weights, biases: [Tensor]
  private let input: InputGradients?
  private let pieces: [Piece]
  /// Whether the weights' gradient of a direction holds a part of the sum yet.
  private var hasBegun: [Bool]

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, inputWeights: [Tensor]?) {
    self.runs = runs
    (inputs, units) = (runs[0].inputs, runs[0].units)
    stretches = Self.stretches(runs)
    weights = runs.map { Tensor(uninitialized: $0.direction.weights.shape, dtype: .float32) }
    biases = runs.map { Tensor(uninitialized: [$0.slots], dtype: .float32) }
    let isWhole = stretches.count <= 1
    input = inputWeights.map { InputGradients(runs, kernels, weights: $0, isWhole: isWhole) }
    let (inputs, units) = (inputs, units)
    pieces = runs[0].phases[0].flatMap { Self.pieces($0, inputs, units) }
    hasBegun = runs.map { _ in false }
  }

  /// Cuts the steps so that what a stretch reads stays in the shared cache; but the gradient of the weights is read and written with
  /// every stretch, which must not outweigh that.
  private static func stretches(_ runs: [DirectionRun<Float>]) -> [Range<Int>] {
    let (layout, width) = (runs[0].layout, runs[0].slots + runs[0].inputs + runs[0].units)
    guard layout.steps > 0, layout.batch > 0 else { return [] }
    let floats = max(1 << 20, 4 * runs[0].direction.weights.count)
    let most = max(floats / (runs.count * layout.batch * width), (384 + layout.batch - 1) / layout.batch)
    let count = max(1, (layout.steps + most / 2) / most)
    return (0..<count).map { (layout.steps * $0 / count)..<(layout.steps * ($0 + 1) / count) }
  }

  /// Adds the products of a stretch of steps.
  func add(_ steps: Range<Int>) {
    let rows = runs.map { $0.layout.blocks[steps.lowerBound]..<$0.layout.blocks[steps.upperBound] }
    addWeights(rows, input?.jobs(steps, runs, rows) ?? [])
    for (direction, rows) in rows.enumerated() where !rows.isEmpty { hasBegun[direction] = true }
  }

  /// The gradients, when all stretches have been added.
  func result() -> SequenceGradients {
    func orZeros(_ tensors: [Tensor]) -> [Tensor] {
      zip(tensors, hasBegun).map { $1 ? $0 : .zeros($0.shape) }
    }
    return SequenceGradients(weights: orZeros(weights), biases: orZeros(biases), input: input?.result(runs))
  }

  /// Adds the weights' products over ranges of rows, and does the jobs of the inputs along with them: they fill up what the threads
  /// have left.
  private func addWeights(_ rows: [Range<Int>], _ inputJobs: [InputGradients.Job]) {
    let (depth, width, most) = (Int(RECURRA_GRADIENT_DEPTH), inputs + units, rows.map(\.count).max() ?? 0)
    let chunk = packsLeft ? min(most, max(1, Self.chunkFloats / (depth * width)) * depth) : most
    let left = packsLeft ? runs.map { _ in Tensor(uninitialized: [chunk, width], dtype: .float32) } : []
    let packed = left.map { DirectionRun<Float>.rows($0).base }
    withExtendedLifetime(left) {
      for first in stride(from: 0, to: most, by: max(chunk, 1)) {
        let chunks = rows.map {
          ($0.lowerBound + min(first, $0.count))..<($0.lowerBound + min(first + chunk, $0.count))
        }
        let blocks = (chunk + depth - 1) / depth
        Streams.run(packed.count * blocks) { index in
          let (direction, block) = (index % runs.count, index / runs.count)
          pack(block * depth, chunks[direction], direction, packed[direction])
        }
        let own = pieces.count * runs.count
        let jobs = first + chunk >= most ? inputJobs.filter { !$0.waits } : []
        Streams.run(own + jobs.count) { index in
          if index < own {
            let direction = index % runs.count
            accumulate(
              pieces[index / runs.count], chunks[direction], direction, packed.isEmpty ? nil : packed[direction],
              adds: first > 0 || hasBegun[direction])
          } else {
            input?.run(jobs[index - own], runs)
          }
        }
      }
    }
    let waiting = inputJobs.filter(\.waits)
    Streams.run(waiting.count) { input?.run(waiting[$0], runs) }
  }

  /// Whether the left operand is packed first; a pass that many columns pay for, or rows that lie pages apart, which fall
  /// on the same lines of a cache.
  private var packsLeft: Bool { runs[0].slots >= 640 || (inputs + units) % 1_024 == 0 }

  /// Floats of the packed rows of one direction.
  private static let chunkFloats = 1 << 20

  /// A share of one product: some columns of the weights, and some panels of Z's columns.
  private struct Piece {
    let panels: Range<Int>
    let slotColumn, weightColumn, columns: Int
    /// Whether the column sums are this piece's business.
    let sums: Bool
  }

  private static func pieces(_ product: GateProduct, _ inputs: Int, _ units: Int) -> [Piece] {
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
    _ piece: Piece, _ chunk: Range<Int>, _ direction: Int, _ packed: UnsafeMutablePointer<Float>?, adds: Bool
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
    job.adds = adds ? 1 : 0
    Kernels.table.weightGradient(&job)
  }
}

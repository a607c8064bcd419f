internal import CRecurraKernels
import RecurraTensor

/// The products over all timesteps by our kernels: the gradients of weights, biases and inputs.
///
/// They are computed for a stretch of timesteps after the other, from the last to the first, so that what the loop has just written is
/// still in the cache; the weights' gradient of each run by itself, and at the end those of a direction are added up. Stretches and
/// pieces are cut by shapes alone, and a sum runs in one fixed order whoever computes it: nothing of this depends on the number of
/// threads.
final class PackedGradients: @unchecked Sendable {
  /// Some timesteps of a run, whose products are computed together.
  struct Part {
    let run: Int
    let steps: Range<Int>
  }

  private let runs: [DirectionRun<Float>]
  private let inputs, units: Int
  private let weights, biases: [Tensor]
  private let input: InputGradients?
  private let pieces: [Piece]

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, inputWeights: [Tensor]?) {
    self.runs = runs
    (inputs, units) = (runs[0].inputs, runs[0].units)
    weights = runs.map { Tensor(uninitialized: $0.direction.weights.shape, dtype: .float32) }
    biases = runs.map { Tensor(uninitialized: [$0.slots], dtype: .float32) }
    input = inputWeights.map { InputGradients(runs, kernels, weights: $0) }
    let (inputs, units) = (inputs, units)
    pieces = runs[0].phases[0].flatMap { Self.pieces($0, inputs, units) }
  }

  /// The parts of a run, last steps first.
  ///
  /// What a part reads stays in the cache; but the gradient of the weights is read and written with every part, which must not outweigh
  /// that.
  func parts(_ index: Int) -> [Part] {
    let (run, layout) = (runs[index], runs[index].layout)
    guard layout.steps > 0, layout.batch > 0 else { return [] }
    let floats = max(1 << 20, 4 * run.direction.weights.count)
    let width = run.slots + run.inputs + run.units
    let most = max(floats / (min(runs.count, 2) * layout.batch * width), (384 + layout.batch - 1) / layout.batch)
    let count = max(1, (layout.steps + most / 2) / most)
    return (0..<count).reversed().map {
      Part(run: index, steps: (layout.steps * $0 / count)..<(layout.steps * ($0 + 1) / count))
    }
  }

  /// The parts of all runs, those to be done at the same time together.
  var sideBySide: [[Part]] {
    let all = runs.indices.map(parts)
    return (0..<(all.map(\.count).max() ?? 0)).map { place in all.compactMap { place < $0.count ? $0[place] : nil } }
  }

  /// Adds the products of a part, on this thread.
  func add(_ part: Part) { add([part]) { count, body in for index in 0..<count { body(index) } } }

  /// Adds the products of parts of different runs, on all threads.
  func add(_ parts: [Part]) { add(parts) { Streams.run($0, $1) } }

  private func add(_ parts: [Part], _ each: (_ count: Int, _ body: (Int) -> Void) -> Void) {
    let chunks = parts.map { part in
      let blocks = runs[part.run].layout.blocks
      return Chunk(
        run: part.run, rows: blocks[part.steps.lowerBound]..<blocks[part.steps.upperBound],
        isFirst: part.steps.upperBound == runs[part.run].layout.steps)
    }
    addWeights(chunks, parts.flatMap { input?.jobs($0.steps, of: $0.run) ?? [] }, each)
  }

  /// The gradients, when all parts have been added.
  func result() -> SequenceGradients {
    let places = Set(runs.map(\.place)).sorted()
    return SequenceGradients(
      weights: places.map { sum(weights, of: $0) }, biases: places.map { sum(biases, of: $0) }, input: input?.result())
  }

  /// The sum of the parts that the runs of a direction have made, in the order of their rows.
  private func sum(_ tensors: [Tensor], of place: Int) -> Tensor {
    let indices = runs.indices.filter { runs[$0].place == place && runs[$0].layout.productRows > 0 }
    guard !indices.isEmpty else { return .zeros(tensors[0].shape) }
    return SequenceGradients.addUp(
      indices.sorted { runs[$0].layout.firstRow < runs[$1].layout.firstRow }.map { tensors[$0] })
  }

  /// Rows of a run whose products are computed together.
  private struct Chunk {
    let run: Int
    let rows: Range<Int>
    /// Whether they are the first that are added, which sets the sums.
    let isFirst: Bool
  }

  /// Adds the weights' products over ranges of rows, and does the jobs of the inputs along with them: they fill up what the threads
  /// have left.
  private func addWeights(
    _ chunks: [Chunk], _ inputJobs: [InputGradients.Job], _ each: (_ count: Int, _ body: (Int) -> Void) -> Void
  ) {
    let (depth, width, most) = (Int(RECURRA_GRADIENT_DEPTH), inputs + units, chunks.map(\.rows.count).max() ?? 0)
    let size = packsLeft ? min(most, max(1, Self.chunkFloats / (depth * width)) * depth) : most
    let left = packsLeft ? chunks.map { _ in Tensor(uninitialized: [size, width], dtype: .float32) } : []
    let packed = left.map { DirectionRun<Float>.rows($0).base }
    withExtendedLifetime(left) {
      for first in stride(from: 0, to: most, by: max(size, 1)) {
        let now = chunks.map { chunk in
          Chunk(
            run: chunk.run,
            rows: (chunk.rows.lowerBound + min(first, chunk.rows.count))..<(chunk.rows.lowerBound
              + min(first + size, chunk.rows.count)), isFirst: chunk.isFirst && first == 0)
        }
        if !packed.isEmpty {
          each(now.count * ((size + depth - 1) / depth)) { index in
            pack(index / now.count * depth, now[index % now.count], packed[index % now.count])
          }
        }
        let own = pieces.count * now.count
        let jobs = first + size >= most ? inputJobs : []
        each(own + jobs.count) { index in
          if index < own {
            let chunk = index % now.count
            accumulate(pieces[index / now.count], now[chunk], packed.isEmpty ? nil : packed[chunk])
          } else {
            input?.run(jobs[index - own])
          }
        }
      }
    }
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
  private func pack(_ first: Int, _ chunk: Chunk, _ packed: UnsafeMutablePointer<Float>) {
    let count = min(Int(RECURRA_GRADIENT_DEPTH), chunk.rows.count - first)
    guard count > 0 else { return }
    let z = runs[chunk.run].zRows.from(chunk.rows.lowerBound + first)
    Kernels.table.packLeft(
      inputs, units, count, UnsafePointer(z.base), z.stride, packed + first * (inputs + units))
  }

  private func accumulate(_ piece: Piece, _ chunk: Chunk, _ packed: UnsafeMutablePointer<Float>?) {
    let (first, count) = (chunk.rows.lowerBound, chunk.rows.count)
    guard count > 0 else { return }
    let gates = runs[chunk.run].gateRows.from(first, column: piece.slotColumn)
    let target = DirectionRun<Float>.rows(weights[chunk.run]).from(0, column: piece.weightColumn)
    var job = RecurraWeightGradient()
    (job.depth, job.inputs, job.units, job.columns) = (count, inputs, units, piece.columns)
    (job.panelBegin, job.panelEnd) = (piece.panels.lowerBound, piece.panels.upperBound)
    let z = runs[chunk.run].zRows.from(first)
    (job.left, job.leftStride, job.packedLeft) = (UnsafePointer(z.base), z.stride, packed.map { UnsafePointer($0) })
    (job.right, job.rightStride) = (UnsafePointer(gates.base), gates.stride)
    (job.out, job.outStride) = (target.base, target.stride)
    if piece.sums { job.bias = DirectionRun<Float>.rows(biases[chunk.run]).base + piece.slotColumn }
    job.adds = chunk.isFirst ? 0 : 1
    Kernels.table.weightGradient(&job)
  }
}

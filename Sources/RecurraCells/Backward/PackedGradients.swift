internal import CRecurraKernels
import RecurraTensor

/// The products over all timesteps by our kernels: the gradients of weights, biases and inputs.
///
/// They are computed for a stretch of timesteps after the other, from the last to the first, so that what the loop has
/// just written is still in the cache; the weights' gradient of each run by itself, and at the end those of a direction
/// are added up. Stretches and pieces are cut by shapes alone, and a sum runs in one fixed order on any thread:
/// nothing of this depends on the number of threads. Where the inputs were looked up in a table, their part follows
/// when all stretches are done.
final class PackedGradients {
  /// Some timesteps of a run, whose products are computed together.
  struct Part {
    let run: Int
    let steps: Range<Int>
  }

  private let runs: [DirectionRun<Float>]
  /// The parts of each run, last steps first.
  let parts: [[Part]]
  private let weights, biases: [Tensor]
  private let input: InputGradients?
  private let lookup: LookupGradients?
  private let product: WeightProduct
  /// The products of what a phase leaves in the scratch rows, for cells with a second one.
  private let scratchProducts: [ScratchProduct]
  /// Products with the same numbers of the scratch rows and the same matrix.
  private struct ScratchProduct {
    let first: Int
    let matrix: GateProduct.Matrix?
    let product: WeightProduct
  }
  /// The gradients of the matrices that the cell names, for each run in the order of the products that have one.
  private let matrices: [[GateProduct.Matrix: Tensor]]
  /// Rows of the weights, and columns of Z, that are the inputs' and left to the lookup.
  private let skippedRows: Int

  init(
    _ runs: [DirectionRun<Float>], _ distinct: DistinctRows?, inputWeights: [Tensor]?,
    threads: Int, isShared: Bool
  ) {
    self.runs = runs
    let (inputs, units) = (runs[0].inputs, runs[0].units)
    // Columns of Z that belong to h: those that meet rows of the weights.
    let outputs = runs[0].cell.hasStateProducts ? runs[0].outputs : 0
    weights = runs.map { Tensor(uninitialized: $0.direction.weights.shape, dtype: .float32) }
    biases = runs.map { Tensor(uninitialized: [$0.slots], dtype: .float32) }
    input = distinct == nil ? inputWeights.map { InputGradients(runs, weights: $0) } : nil
    lookup = distinct.map { LookupGradients(runs, $0, inputWeights: inputWeights) }
    skippedRows = distinct == nil ? 0 : inputs
    let parts = runs.indices.map { Self.parts(runs, $0) }
    self.parts = parts
    // A lookup adds up the gradients of the slots that its rows reach.
    product = WeightProduct(
      runs[0].phases[0], inputs: inputs - skippedRows, units: outputs, unitsPerGate: units, slots: runs[0].slots,
      most: parts.lazy.joined().map { Self.rows($0, runs).count }.max() ?? 0,
      together: min(runs.count, threads), isShared: isShared
    ) { distinct == nil || $0.operand == .state }
    let most = parts.lazy.joined().map { Self.rows($0, runs).count }.max() ?? 0
    let ofScratch = runs[0].phases.count > 1 ? Array(runs[0].phases.dropFirst().joined()) : []
    let firsts = Set(ofScratch.lazy.filter { $0.matrix == nil }.map(\.first)).sorted()
    scratchProducts =
      firsts.map { first in
        let own = ofScratch.filter { $0.first == first && $0.matrix == nil }
        return ScratchProduct(
          first: first, matrix: nil,
          product: WeightProduct(
            own.map { GateProduct(.state, gates: $0.gates, slot: $0.slot) }, inputs: 0, units: outputs,
            unitsPerGate: units, slots: runs[0].slots, most: most, together: min(runs.count, threads),
            isShared: isShared
          ) { _ in false })
      }
      + ofScratch.compactMap { own in
        own.matrix.map { matrix in
          // One gate as wide as the matrix, at the columns where its slot begins.
          ScratchProduct(
            first: own.first, matrix: matrix,
            product: WeightProduct(
              [GateProduct(.state, gates: 0..<1, slot: 0)], inputs: 0, units: matrix.rows, unitsPerGate: matrix.columns,
              slots: runs[0].slots, most: most, together: min(runs.count, threads), isShared: isShared,
              slotColumn: own.slot * units
            ) { _ in false })
        }
      }
    let own = ofScratch.compactMap(\.matrix)
    matrices = runs.map { _ in
      Dictionary(uniqueKeysWithValues: own.map { ($0, Tensor(uninitialized: [$0.rows, $0.columns], dtype: .float32)) })
    }
  }

  /// Tells whether the products behind the loop of a cell are of this kind: the input reaches every gate's own slot,
  /// and a second phase multiplies the scratch rows alone.
  static func fits(_ cell: any GatedCell) -> Bool {
    let phases = cell.phases(units: 1)
    let ofInput = phases.joined().filter { $0.operand == .inputAndState || $0.operand == .input }
    return ofInput.allSatisfy { $0.slot == $0.gates.lowerBound }
      && ofInput.reduce(0) { $0 + $1.gates.count } == cell.gateCount
      && phases.dropFirst().joined().allSatisfy { $0.operand == .scratch } && !phases.isEmpty
  }

  /// The parts of a run, last steps first.
  ///
  /// What a part reads stays in the cache; but the gradient of the weights is read and written with every part, which
  /// must not outweigh that.
  private static func parts(_ runs: [DirectionRun<Float>], _ index: Int) -> [Part] {
    let (run, layout) = (runs[index], runs[index].layout)
    guard layout.steps > 0, layout.batch > 0 else { return [] }
    let bits = Tuning.standard.bits
    let floats = max(bits.stretchFloats, bits.stretchWeights * run.direction.weights.count)
    let width = run.slots + run.inputs + run.outputs
    let least = (bits.stretchRows + layout.batch - 1) / layout.batch
    let most = max(floats / (min(runs.count, 2) * layout.batch * width), least)
    let count = max(1, (layout.steps + most / 2) / most)
    return (0..<count).reversed().map {
      Part(run: index, steps: (layout.steps * $0 / count)..<(layout.steps * ($0 + 1) / count))
    }
  }

  /// The rows of a part.
  private static func rows(_ part: Part, _ runs: [DirectionRun<Float>]) -> Range<Int> {
    let blocks = runs[part.run].layout.blocks
    return blocks[part.steps.lowerBound]..<blocks[part.steps.upperBound]
  }

  /// The parts of all runs, those to be done at the same time together.
  var sideBySide: [[Part]] {
    (0..<(parts.map(\.count).max() ?? 0)).map { place in parts.compactMap { place < $0.count ? $0[place] : nil } }
  }

  /// Adds the products of a part, on this thread and on idle ones.
  func add(_ part: Part, _ sharing: WorkSharing) {
    let lasting = nanoseconds([part])
    add([part]) { sharing.each(0..<$0, lasting: lasting / max(1, $0), $1) }
  }

  /// Adds the products of parts of different runs, on all threads.
  func add(_ parts: [Part]) {
    let lasting = nanoseconds(parts)
    add(parts) { Threads.run($0, lasting: lasting, $1) }
  }

  /// About how long the products of parts take one thread.
  private func nanoseconds(_ parts: [Part]) -> Int {
    let (run, rows) = (runs[0], parts.reduce(0) { $0 + Self.rows($1, runs).count })
    let width = run.inputs - skippedRows + run.outputs + (input == nil ? 0 : run.inputs)
    return Estimate().nanoseconds(multiplications: width * run.slots * rows)
  }

  private func add(_ parts: [Part], _ each: WeightProduct.ForEach) {
    let operands = parts.map { part in
      let (run, rows) = (runs[part.run], Self.rows(part, runs))
      return WeightProduct.Operands(
        left: run.zRows.from(rows.lowerBound), right: run.gateRows.from(rows.lowerBound), count: rows.count,
        out: DirectionRun<Float>.rows(weights[part.run]).from(skippedRows),
        bias: DirectionRun<Float>.rows(biases[part.run]).base, isFirst: part.steps.upperBound == run.layout.steps)
    }
    for scratchProduct in scratchProducts {
      let scratch = parts.map { part in
        let (run, rows) = (runs[part.run], Self.rows(part, runs))
        let own = scratchProduct.matrix.flatMap { matrices[part.run][$0] }
        return WeightProduct.Operands(
          left: run.scratchRows.from(rows.lowerBound, column: scratchProduct.first),
          right: run.gateRows.from(rows.lowerBound), count: rows.count,
          out: own.map { DirectionRun<Float>.rows($0) } ?? DirectionRun<Float>.rows(weights[part.run]).from(run.inputs),
          bias: DirectionRun<Float>.rows(biases[part.run]).base, isFirst: part.steps.upperBound == run.layout.steps)
      }
      scratchProduct.product.add(scratch, each: each)
    }
    if let lookup {
      let jobs = lookup.jobCount
      product.add(operands, each: each, others: jobs * parts.count) {
        lookup.add(parts[$0 / jobs].steps, of: parts[$0 / jobs].run, job: $0 % jobs)
      }
      return
    }
    let jobs = parts.flatMap { input?.jobs($0.steps, of: $0.run) ?? [] }
    product.add(operands, each: each, others: jobs.count) { [input] in input?.run(jobs[$0]) }
  }

  /// The gradients, when all parts have been added.
  func result() -> SequenceGradients {
    let places = Set(runs.map(\.place)).sorted()
    let sums = places.map { sum(weights, of: $0, fromRow: skippedRows) }
    let biasSums = places.map { sum(biases, of: $0) }
    let table = lookup?.run(weights: sums, biases: biasSums)
    let named = places.map { place in
      Dictionary(
        uniqueKeysWithValues: (matrices.first ?? [:]).keys.map { matrix in
          (matrix.parameter, sum(matrices.compactMap { $0[matrix] }, of: place))
        })
    }
    return SequenceGradients(
      weights: sums, biases: biasSums, matrices: named, input: table ?? input.map { .dense($0.result()) })
  }

  /// The sum of the parts that the runs of a direction have made, in the order of their rows.
  private func sum(_ tensors: [Tensor], of place: Int, fromRow row: Int = 0) -> Tensor {
    let indices = runs.indices.filter { runs[$0].place == place && runs[$0].layout.productRows > 0 }
    guard !indices.isEmpty else { return .zeros(tensors[0].shape) }
    return SequenceGradients.addUp(
      indices.sorted { runs[$0].layout.firstRow < runs[$1].layout.firstRow }.map { tensors[$0] }, fromRow: row)
  }
}

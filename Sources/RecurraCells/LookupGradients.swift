internal import CRecurraKernels
import RecurraTensor

/// What goes back through a lookup in a table, when the loops are done: the gradients of W, of the gates' biases, and of the rows.
///
/// The gates' gradients of all timesteps that share a row are added up, S[N, G·H]; then dW = rowsᵀ·S, and the gradient of the rows is
/// S·Wᵀ: products over N rows instead of all timesteps. Sums run in the order of runs, steps and rows; nothing depends on the number of
/// threads.
struct LookupGradients {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  private let rows: DistinctRows
  private let inputWeights: [Tensor]?
  private let inputs, units, columns: Int
  private let scratch: Scratch?

  init(
    _ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ rows: DistinctRows, inputWeights: [Tensor]?
  ) {
    (self.runs, self.kernels, self.rows, self.inputWeights) = (runs, kernels, rows, inputWeights)
    (inputs, units) = (runs[0].inputs, runs[0].units)
    // The slots that the input reaches are the gates and come first.
    columns = runs[0].cell.gateCount * units
    scratch = inputWeights == nil ? nil : Scratch.of(kernels, rows: rows.count, depth: columns)
  }

  /// Writes the rows of W into the gradient of each direction's weights, and the gates' part of its biases' gradient; returns the
  /// gradient of the table where it is asked for.
  func run(weights: [Tensor], biases: [Tensor]) -> Gradient? {
    let sums = weights.map { _ in Tensor(uninitialized: [rows.count, columns], dtype: .float32) }
    let targets = (inputWeights ?? []).map { _ in Tensor(uninitialized: [rows.count, inputs], dtype: .float32) }
    let rowSums = weights.indices.map(rowSums)
    let (size, places) = (96, weights.count)
    let multiplying = Plan.nanoseconds(multiplications: rows.count * inputs * columns * places)
    let adding = Streams.nanoseconds(copying: rows.places.count * columns * places)
    let lasting = adding + (targets.isEmpty ? 0 : multiplying)
    Streams.run((rows.count + size - 1) / size * places, lasting: lasting) { piece in
      let (place, first) = (piece % places, piece / places * size)
      let block = first..<min(first + size, rows.count)
      rowSums[place].write(block, columns: columns, to: DirectionRun<Float>.rows(sums[place])[first])
      if !targets.isEmpty { multiply(block, sums[place], place, to: targets[place]) }
    }
    let product = WeightProduct(
      kernels, [GateProduct(.input, gates: 0..<runs[0].cell.gateCount, slot: 0)], inputs: inputs, units: 0,
      unitsPerGate: units, slots: columns, most: rows.count, together: weights.count, isShared: true
    ) { _ in true }
    // Operands know where the sums lie, no more.
    withExtendedLifetime(sums) {
      product.add(
        weights.indices.map { place in
          WeightProduct.Operands(
            left: DirectionRun<Float>.rows(rows.vectors), right: DirectionRun<Float>.rows(sums[place]),
            count: rows.count, out: DirectionRun<Float>.rows(weights[place]),
            bias: DirectionRun<Float>.rows(biases[place]).base, isFirst: true)
        }, each: { Streams.run($0, lasting: multiplying, $1) })
    }
    guard !targets.isEmpty else { return nil }
    return .rows(
      RowGradient(indices: rows.ids, values: SequenceGradients.addUp(targets), shape: rows.tableShape))
  }

  /// S·Wᵀ of some rows.
  private func multiply(_ block: Range<Int>, _ sums: Tensor, _ place: Int, to target: Tensor) {
    guard let inputWeights else { return }
    var kernel = RecurraInputGradient()
    (kernel.inputs, kernel.units) = (inputs, units)
    (kernel.rowBegin, kernel.rowEnd, kernel.rowsPerStep) = (block.lowerBound, block.upperBound, 1)
    (kernel.dgates, kernel.dgatesStride) = (UnsafePointer(DirectionRun<Float>.rows(sums).base), columns)
    kernel.packed = UnsafePointer(DirectionRun<Float>.rows(inputWeights[place]).base)
    (kernel.out, kernel.stepStride) = (DirectionRun<Float>.rows(target).base, inputs)
    scratch.lend { piece in
      kernel.scratch = piece
      kernels.inputGradient(&kernel)
    }
  }

  /// For every row the gates' gradients of one direction that belong to it.
  private func rowSums(_ place: Int) -> RowSums {
    var (targets, addresses): ([Int32], [UnsafePointer<Float>]) = ([], [])
    targets.reserveCapacity(rows.places.count)
    addresses.reserveCapacity(rows.places.count)
    for run in runs where run.place == place {
      guard let places = run.lookup?.places else { continue }
      for step in 0..<run.layout.steps {
        let gates = run.gates(step)
        for row in 0..<run.layout.counts[step] {
          targets.append(places[step * run.layout.batch + row])
          addresses.append(UnsafePointer(gates[row]))
        }
      }
    }
    return RowSums(count: rows.count, targets: targets, addresses: addresses)
  }
}

internal import CRecurraKernels
import RecurraTensor

/// What goes back through a lookup in a table, when the loops are done: the gradients of W, of the gates' biases, and
/// of the rows.
///
/// The gates' gradients of all timesteps that share a row are added up, S[N, G·H]; then dW = rowsᵀ·S, and the
/// gradient of the rows is S·Wᵀ: products over N rows instead of all timesteps. A small S, which a core's own cache
/// holds, is added up along with the products of each part of a run, while the gates are still in a cache; a large one
/// at the end, row by row. Either way follows from shapes and ids, and sums run in a fixed order; nothing depends on
/// the number of threads.
struct LookupGradients {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  private let rows: DistinctRows
  private let inputWeights: [Tensor]?
  private let inputs, units, columns: Int
  private let scratch: Scratch?
  /// S of each run, where it is small.
  private let sums: [Tensor]?

  init(
    _ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, _ rows: DistinctRows, inputWeights: [Tensor]?
  ) {
    (self.runs, self.kernels, self.rows, self.inputWeights) = (runs, kernels, rows, inputWeights)
    (inputs, units) = (runs[0].inputs, runs[0].units)
    // The slots that the input reaches are the gates and come first.
    columns = runs[0].cell.gateCount * units
    scratch = inputWeights == nil ? nil : Scratch.of(kernels, rows: rows.count)
    let shape = [rows.count, columns]
    let isSmall = rows.count * columns <= Tuning.standard.bits.tableSums
    sums = isSmall ? runs.map { _ in .zeros(shape, dtype: .float32) } : nil
  }

  /// Jobs of a part: each adds up some of the columns of a small S.
  var jobCount: Int { sums == nil ? 0 : (columns + Self.jobColumns - 1) / Self.jobColumns }

  private static let jobColumns = 128

  /// Adds some steps of a run to its S, in job `job`.
  func add(_ steps: Range<Int>, of index: Int, job: Int) {
    guard let sums, let places = runs[index].lookup?.places else { return }
    let (run, target) = (runs[index], DirectionRun<Float>.rows(sums[index]))
    var additions = RecurraRowAdditions()
    let first = job * Self.jobColumns
    additions.columns = min(Self.jobColumns, columns - first)
    additions.out = target.from(0, column: first).forKernels
    for step in steps {
      let gates = run.gates(step)
      (additions.rows, additions.places) = (run.layout.counts[step], places + step * run.layout.batch)
      additions.from = gates.from(0, column: first).forKernels
      Kernels.table.addRows(&additions)
    }
  }

  /// Writes the rows of W into the gradient of each direction's weights, and the gates' part of its biases' gradient;
  /// returns the gradient of the table where it is asked for.
  func run(weights: [Tensor], biases: [Tensor]) -> Gradient? {
    let sums =
      sums.map { sums in
        weights.indices.map { place in
          SequenceGradients.addUp(runs.indices.filter { runs[$0].place == place }.map { sums[$0] })
        }
      } ?? weights.map { _ in Tensor(uninitialized: [rows.count, columns], dtype: .float32) }
    let targets = (inputWeights ?? []).map { _ in Tensor(uninitialized: [rows.count, inputs], dtype: .float32) }
    let rowSums = self.sums == nil ? weights.indices.map(rowSums) : []
    let (size, places) = (96, weights.count)
    let multiplying = Estimate().nanoseconds(multiplications: rows.count * inputs * columns * places)
    let adding = rowSums.isEmpty ? 0 : Threads.nanoseconds(copying: rows.places.count * columns * places)
    let lasting = adding + (targets.isEmpty ? 0 : multiplying)
    Threads.run((rows.count + size - 1) / size * places, lasting: lasting) { piece in
      let (place, first) = (piece % places, piece / places * size)
      let block = first..<min(first + size, rows.count)
      if !rowSums.isEmpty {
        rowSums[place].write(block, columns: columns, to: DirectionRun<Float>.rows(sums[place])[first])
      }
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
        }, each: { Threads.run($0, lasting: multiplying, $1) })
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
    kernel.dgates = DirectionRun<Float>.rows(sums).forKernels
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
    return targets.withUnsafeBufferPointer { targets in
      RowSums(count: rows.count, targets: targets) { addresses[$0] }
    }
  }
}

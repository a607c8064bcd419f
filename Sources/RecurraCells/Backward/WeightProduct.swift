internal import CRecurraKernels
import RecurraTensor

/// The gradient of weights, leftᵀ · right summed over rows, and that of the biases, the sums of right's columns.
///
/// It is cut into pieces by shapes alone, and a sum runs in one fixed order on any thread.
struct WeightProduct {
  /// What is multiplied, for one direction.
  struct Operands {
    /// [count][inputs + units] and [count][slots].
    let left, right: Rows<Float>
    let count: Int
    /// [inputs + units][G·H].
    let out: Rows<Float>
    /// [slots].
    let bias: UnsafeMutablePointer<Float>
    /// Whether they are the first that are added, which sets the sums.
    let isFirst: Bool

    /// Some of the rows.
    fileprivate func part(_ rows: Range<Int>) -> Operands {
      Operands(
        left: left.from(rows.lowerBound), right: right.from(rows.lowerBound), count: rows.count, out: out, bias: bias,
        isFirst: isFirst && rows.lowerBound == 0)
    }
  }

  /// Does numbered jobs, on one thread or on all.
  typealias ForEach = (_ count: Int, _ body: (Int) -> Void) -> Void

  /// A share of one product: some columns of the weights, and some panels of left's columns.
  private struct Piece {
    let panels: Range<Int>
    let slotColumn, weightColumn, columns: Int
    /// Whether the column sums are this piece's business.
    let sums: Bool
  }

  private var kernels: RecurraMatrixKernels { Kernels.table.matrix }
  private let inputs, units: Int
  private let pieces: [Piece]
  /// Whether the left operand is packed first; a pass that many columns pay for, or rows that lie half a page apart or
  /// more, which fall on the same lines of a cache.
  private let packsLeft: Bool
  /// Rows of left that are packed together, and room for them.
  private let size: Int
  private let left: Scratch?
  private let scratch: Scratch?

  /// Floats of the packed rows of one direction.
  private static let chunkFloats = 1 << 20

  /// - Parameters:
  ///   - inputs, units: columns of left; no inputs where they go back another way.
  ///   - unitsPerGate: columns of a gate.
  ///   - most: rows of the longest operands.
  ///   - together: operands that are added at the same time, at most.
  ///   - isShared: whether several threads work on one product.
  ///   - slotColumn: the column of right where slot 0 begins.
  ///   - sumsBiases: whether the biases of a product's slots are summed along with it.
  init(
    _ products: [GateProduct], inputs: Int, units: Int, unitsPerGate: Int, slots: Int,
    most: Int, together: Int, isShared: Bool, slotColumn: Int = 0,
    sumsBiases: (GateProduct) -> Bool
  ) {
    (self.inputs, self.units) = (inputs, units)
    let kernels = Kernels.table.matrix
    packsLeft = slots >= 640 || (inputs + units) % 512 == 0
    let (depth, width) = (Int(RECURRA_GRADIENT_DEPTH), inputs + units)
    size = packsLeft ? min(most, max(1, Self.chunkFloats / (depth * width)) * depth) : most
    left = Scratch.of(floats: packsLeft ? Int(kernels.packedLeftSize(inputs, units, size)) : 0, pieces: together)
    pieces = products.flatMap {
      Self.pieces($0, inputs, units, unitsPerGate, slotColumn, isShared: isShared, sumsBiases: sumsBiases($0))
    }
    let panels = pieces.lazy.map(\.panels.count).max() ?? 0
    scratch = Scratch.of(floats: Int(kernels.gradientScratchSize(size, panels)), pieces: Threads.count)
  }

  private static func pieces(
    _ product: GateProduct, _ inputs: Int, _ units: Int, _ unitsPerGate: Int, _ slotColumn: Int,
    isShared: Bool, sumsBiases: Bool
  ) -> [Piece] {
    let kernels = Kernels.table.matrix
    let (ofInputs, all) = (kernels.leftPanels(inputs, 0), kernels.leftPanels(inputs, units))
    let panels =
      switch product.operand {
      case .inputAndState, .scratch: 0..<all
      case .input: 0..<ofInputs
      case .state: ofInputs..<all
      }
    guard !panels.isEmpty else { return [] }
    // A strip of the kernels, or more where there are many; equal shares of whole vectors, because a narrow rest has
    // too few chains. Several threads need pieces enough, so few strips are cut across the panels as well; each cut
    // packs its columns again.
    let (columns, vector) = (product.gates.count * unitsPerGate, 16)
    let vectors = (columns + vector - 1) / vector
    let strips = (columns - 1) / max(64, columns / 64 / 64 * 64) + 1
    let cuts = isShared ? max(1, min((8 + strips - 1) / strips, panels.count / 4)) : 1
    return (0..<strips).flatMap { index in
      let first = vectors * index / strips * vector
      let end = min(vectors * (index + 1) / strips * vector, columns)
      return (0..<cuts).map { cut in
        let begin = panels.lowerBound + panels.count * cut / cuts
        return Piece(
          panels: begin..<(panels.lowerBound + panels.count * (cut + 1) / cuts),
          slotColumn: slotColumn + product.slot * unitsPerGate + first,
          weightColumn: product.gates.lowerBound * unitsPerGate + first, columns: end - first,
          sums: sumsBiases && cut == 0)
      }
    }
  }

  /// Adds the product of the operands of several directions, and does some other jobs along with it: they fill up what
  /// the threads have left.
  func add(
    _ operands: [Operands], each: ForEach, others: Int = 0, other: @escaping (Int) -> Void = { _ in }
  ) {
    if let left {
      left.lend(operands.count) { add(operands, each, others, other, packed: $0) }
    } else {
      add(operands, each, others, other, packed: [])
    }
  }

  private func add(
    _ operands: [Operands], _ each: ForEach, _ others: Int, _ other: @escaping (Int) -> Void,
    packed: [UnsafeMutablePointer<Float>]
  ) {
    let (depth, most) = (Int(RECURRA_GRADIENT_DEPTH), operands.map(\.count).max() ?? 0)
    for first in stride(from: 0, to: most, by: max(size, 1)) {
      let now = operands.map { $0.part(min(first, $0.count)..<min(first + size, $0.count)) }
      if !packed.isEmpty {
        each(now.count * ((size + depth - 1) / depth)) { index in
          pack(index / now.count * depth, now[index % now.count], packed[index % now.count])
        }
      }
      let own = pieces.count * now.count
      each(own + (first + size >= most ? others : 0)) { index in
        if index < own {
          let place = index % now.count
          accumulate(pieces[index / now.count], now[place], packed.isEmpty ? nil : packed[place])
        } else {
          other(index - own)
        }
      }
    }
  }

  /// Packs a block of left, from row `first` on.
  private func pack(_ first: Int, _ operands: Operands, _ packed: UnsafeMutablePointer<Float>) {
    let count = min(Int(RECURRA_GRADIENT_DEPTH), operands.count - first)
    guard count > 0 else { return }
    let left = operands.left.from(first)
    let block = Int(kernels.packedLeftSize(inputs, units, Int(RECURRA_GRADIENT_DEPTH)))
    kernels.packLeft(
      inputs, units, count, UnsafePointer(left.base), left.stride, packed + first / Int(RECURRA_GRADIENT_DEPTH) * block)
  }

  private func accumulate(_ piece: Piece, _ operands: Operands, _ packed: UnsafeMutablePointer<Float>?) {
    guard operands.count > 0 else { return }
    var job = RecurraWeightGradient()
    (job.depth, job.inputs, job.units, job.columns) = (operands.count, inputs, units, piece.columns)
    job.panels = RecurraPanels(piece.panels)
    (job.left, job.packedLeft) = (operands.left.forKernels, packed.map { UnsafePointer($0) })
    job.right = operands.right.from(0, column: piece.slotColumn).forKernels
    job.out = operands.out.from(0, column: piece.weightColumn).forKernels
    if piece.sums { job.bias = operands.bias + piece.slotColumn }
    job.adds = operands.isFirst ? 0 : 1
    scratch.lend { piece in
      job.scratch = piece
      kernels.weightGradient(&job)
    }
  }
}

internal import CRecurraKernels
import RecurraTensor

/// The products of a cell's step on packed weights, for cells without fused gates: a matrix for each product, and for
/// those with h its transpose.
///
/// Rows do not depend on each other, to the bit, so they can be divided between threads as one likes.
struct StepProducts: Sendable {
  /// One product: which columns of the gate buffer it adds to, and the packed columns of the weights.
  struct Product: Sendable {
    let operand: GateProduct.Operand
    /// The first column of the gate buffer, and how many.
    let column, columns: Int
    /// Numbers of a row of the left operand.
    let depth: Int
    /// Tells that no product before it wrote these columns: it begins with the bias.
    let isFirst: Bool
    /// Where in the scratch rows the left operand begins.
    let first: Int
    let packed: Tensor
    /// Rows of the matrix that h or scratch rows meet.
    let stateRows: Int
    /// The packed transpose of the rows of U, for products with h or the scratch rows.
    let transposed: Tensor?
  }

  /// The products of each phase.
  let phases: [[Product]]
  /// Floats that the kernels work in for so many rows.
  static func scratchFloats(_ rows: Int) -> Int { Int(Kernels.table.matrix.scratchSize(rows)) }

  /// Packs the weights of a direction.
  init(_ cell: any GatedCell, _ direction: RecurrentDirection, inputs: Int, units: Int) {
    var written: [Range<Int>] = []
    let weights = direction.weights.detached
    let outputs = weights.shape[0] - inputs
    phases = cell.phases(units: units).map { products in
      products.map { product in
        defer { written.append(product.slots) }
        let isFirst = !written.contains { $0.overlaps(product.slots) }
        if let matrix = product.matrix {
          let own = direction.parameters[matrix.parameter].detached.contiguous
          return Product(
            operand: product.operand, column: product.slot * units, columns: matrix.columns, depth: matrix.rows,
            isFirst: isFirst, first: product.first, packed: Self.packed(own), stateRows: matrix.rows,
            transposed: Self.transposed(own))
        }
        let columns = (product.gates.lowerBound * units)..<(product.gates.upperBound * units)
        let hasInput = product.operand == .inputAndState || product.operand == .input
        let hasState = product.operand != .input
        let range = (hasInput ? 0 : inputs)..<(hasState ? inputs + outputs : inputs)
        return Product(
          operand: product.operand, column: product.slot * units, columns: columns.count, depth: range.count,
          isFirst: isFirst, first: product.first,
          packed: Self.packed(weights.sliced(range).sliced(columns, axis: 1).contiguous), stateRows: outputs,
          transposed: hasState
            ? Self.transposed(weights.sliced(inputs..<(inputs + outputs)).sliced(columns, axis: 1).contiguous) : nil)
      }
    }
  }

  private static func packed(_ matrix: Tensor) -> Tensor {
    let (kernels, rows, columns) = (Kernels.table.matrix, matrix.shape[0], matrix.shape[1])
    return Tensor([kernels.packedSize(rows, columns)], of: Float.self) { target in
      matrix.withPointer(of: Float.self) { kernels.pack(rows, columns, $0, target, 0, kernels.panels(columns)) }
    }
  }

  private static func transposed(_ matrix: Tensor) -> Tensor {
    let (kernels, rows, columns) = (Kernels.table.matrix, matrix.shape[0], matrix.shape[1])
    return Tensor([kernels.packedTransposeSize(rows, columns)], of: Float.self) { target in
      matrix.withPointer(of: Float.self) {
        kernels.packTranspose(rows, columns, $0, target, 0, kernels.transposedPanels(rows))
      }
    }
  }
}

extension StepProducts.Product {
  /// Adds the product of some rows to their columns of the gate buffer.
  func add(
    _ rows: Int, _ left: Rows<Float>, bias: UnsafeMutablePointer<Float>, to gates: Rows<Float>,
    in scratch: UnsafeMutablePointer<Float>
  ) {
    let out = gates.from(0, column: column)
    var job = RecurraProduct()
    (job.rows, job.inputs, job.units) = (rows, depth, columns)
    job.panels = RecurraPanels(begin: 0, end: Kernels.table.matrix.panels(columns))
    (job.x, job.out) = (left.forKernels, out.forKernels)
    job.`init` = isFirst ? RecurraRows(base: bias + column, stride: 0) : out.forKernels
    (job.packed, job.scratch) = (UnsafePointer(packed.base), scratch)
    Kernels.table.matrix.product(&job)
  }

  /// Writes the gradient of the state or scratch rows that comes through this product.
  func goBack(
    _ rows: Int, _ gates: Rows<Float>, to target: Rows<Float>, in scratch: UnsafeMutablePointer<Float>
  ) {
    guard let transposed else { return }
    var job = RecurraInputGradient()
    (job.rowEnd, job.rowsPerStep, job.inputs, job.units) = (rows, 1, stateRows, columns)
    job.dgates = gates.from(0, column: column).forKernels
    (job.packed, job.out, job.stepStride) = (UnsafePointer(transposed.base), target.base, target.stride)
    job.scratch = scratch
    Kernels.table.matrix.inputGradient(&job)
  }
}

extension Tensor {
  /// The first number of a packed matrix, which outlives the call that reads it.
  fileprivate var base: UnsafeMutablePointer<Float> { storage.pointer.assumingMemoryBound(to: Float.self) }
}

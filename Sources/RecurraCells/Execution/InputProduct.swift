internal import CRecurraKernels

/// The product of some input rows with W, bias added.
struct InputProduct {
  let x: Rows<Float>
  let bias, packed: UnsafeMutablePointer<Float>
  let out: Rows<Float>

  /// Computes it on this thread.
  func run(_ kernels: RecurraCellKernels, rows: Int, inputs: Int, units: Int, in scratch: Scratch?) {
    var product = RecurraProduct()
    (product.rows, product.inputs, product.units) = (rows, inputs, units)
    product.panels = RecurraPanels(0..<kernels.forwardPanels(units))
    (product.x, product.`init`, product.out) = (x.forKernels, Rows(bias, stride: 0).forKernels, out.forKernels)
    product.packed = UnsafePointer(packed)
    scratch.lend { piece in
      product.scratch = piece
      kernels.product(&product)
    }
  }
}

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
    (product.panelBegin, product.panelEnd) = (0, kernels.forwardPanels(units))
    (product.x, product.xStride) = (UnsafePointer(x.base), x.stride)
    (product.`init`, product.initStride, product.packed) = (UnsafePointer(bias), 0, UnsafePointer(packed))
    (product.out, product.outStride) = (out.base, out.stride)
    scratch.lend { piece in
      product.scratch = piece
      kernels.product(&product)
    }
  }
}

internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// The same elements in another shape or order, and what shapes are.
  static let shaping: [Entry] = [
    Entry("Reshape") { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let allowsZero = try node.flag("allowzero")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        return [value.reshaped(try reshape(call, value, call.integers(1), allowsZero))]
      }
    },
    Entry("Flatten") { (node) throws(RecurraError) in
      let wanted = try node.integer("axis", default: 1)
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        guard wanted >= -value.rank, wanted <= value.rank else {
          throw call.failure(expected: "an axis of \(value.rank)", got: "\(wanted)")
        }
        let axis = wanted < 0 ? wanted + value.rank : wanted
        return [value.reshaped([value.shape[..<axis].reduce(1, *), value.shape[axis...].reduce(1, *)])]
      }
    },
    Entry("Squeeze") { (node) throws(RecurraError) in
      let attribute = try node.integers("axes")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let given = call.node.version < 13 ? attribute : try call.optionalIntegers(1)
        let axes = try given.map { (axes) throws(RecurraError) in try call.axes(axes, rank: value.rank) }
        let wanted = axes ?? value.shape.indices.filter { value.shape[$0] == 1 }
        guard wanted.allSatisfy({ value.shape[$0] == 1 }) else {
          throw call.failure(expected: "axes of extent 1", got: "axes \(wanted) of \(value.shape)")
        }
        return [value.reshaped(value.shape.indices.filter { !wanted.contains($0) }.map { value.shape[$0] })]
      }
    },
    Entry("Unsqueeze") { (node) throws(RecurraError) in
      let attribute = try node.integers("axes")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let given = call.node.version < 13 ? attribute ?? [] : try call.integers(1)
        guard given.count <= 64, value.rank + given.count <= 64 else {
          throw call.failure(expected: "at most 64 axes", got: "\(value.rank + given.count)")
        }
        let axes = try call.axes(given, rank: value.rank + given.count)
        var shape = value.shape
        for axis in axes { shape.insert(1, at: axis) }
        return [value.reshaped(shape)]
      }
    },
    Entry("Transpose") { (node) throws(RecurraError) in
      let given = try node.integers("perm")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let order = given ?? value.shape.indices.reversed()
        guard order.sorted() == Array(value.shape.indices) else {
          throw call.failure(expected: "each of \(value.rank) axes once", got: "\(order.prefix(16))")
        }
        switch value {
        case .floats(let tensor, let format): return [.floats(tensor.permuted(order), format)]
        case .integers(let array):
          let strides = Shape.rowMajorStrides(array.shape)
          let shape = order.map { array.shape[$0] }
          let places = Broadcasting.places(shape: shape, strides: order.map { strides[$0] }, offset: 0)
          return [.integers(array.gathered(places, shape: shape))]
        }
      }
    },
    Entry("Shape") { (node) throws(RecurraError) in
      let (start, end) = (try node.integer("start", default: 0), try node.integer("end"))
      return { (call) throws(RecurraError) in
        let shape = try call.value(0).shape
        func place(_ number: Int) -> Int {
          number < 0 ? max(0, number < -shape.count ? 0 : number + shape.count) : min(number, shape.count)
        }
        let (first, last) = (place(start), place(end ?? shape.count))
        return [.integers(IntegerArray(first < last ? Array(shape[first..<last]) : []))]
      }
    },
    Entry("Size", inputs: 1...1) { (call) throws(RecurraError) in
      [.integers(IntegerArray([Int64(try call.value(0).count)], shape: [], format: .int64))]
    },
    Entry("Identity", inputs: 1...1) { (call) throws(RecurraError) in [try call.value(0)] },
    Entry("DepthToSpace") { (node) throws(RecurraError) in
      let (block, mode) = (try node.integer("blocksize", default: 1), try node.text("mode", default: "DCR"))
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        guard x.rank == 4, (1...(1 << 12)).contains(block), x.shape[1] % (block * block) == 0 else {
          throw call.failure(expected: "x [N, C, H, W] with C in blocks of \(block)²", got: "\(x.shape)")
        }
        let (n, c, h, w) = (x.shape[0], x.shape[1] / (block * block), x.shape[2], x.shape[3])
        let parts =
          mode == "CRD"
          ? x.reshaped([n, c, block, block, h, w]).permuted([0, 1, 4, 2, 5, 3])
          : x.reshaped([n, block, block, c, h, w]).permuted([0, 3, 4, 1, 5, 2])
        return [.floats(parts.reshaped([n, c, h * block, w * block]), try call.value(0).format)]
      }
    },
    Entry("SpaceToDepth") { (node) throws(RecurraError) in
      let block = try node.integer("blocksize", default: 1)
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        guard x.rank == 4, (1...(1 << 12)).contains(block), x.shape[2] % block == 0, x.shape[3] % block == 0 else {
          throw call.failure(expected: "x [N, C, H, W] in blocks of \(block)", got: "\(x.shape)")
        }
        let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / block, x.shape[3] / block)
        let parts = x.reshaped([n, c, h, block, w, block]).permuted([0, 3, 5, 1, 2, 4])
        return [.floats(parts.reshaped([n, c * block * block, h, w]), try call.value(0).format)]
      }
    },
  ]

  private static func reshape(
    _ call: OperatorCall, _ value: ONNXValue, _ wanted: [Int], _ allowsZero: Bool
  ) throws(RecurraError) -> [Int] {
    func failure() -> RecurraError {
      call.failure(
        expected: "a shape of \(value.count) elements", got: "\(wanted.prefix(16)) for \(Shape.text(value.shape))")
    }
    guard wanted.count <= 64 else { throw failure() }
    var (shape, unknown, known) = ([Int](), -1, 1)
    for (axis, extent) in wanted.enumerated() {
      var extent = extent
      if extent == 0, !allowsZero {
        guard axis < value.rank else { throw failure() }
        extent = value.shape[axis]
      }
      if extent == -1 {
        guard unknown < 0 else { throw failure() }
        unknown = axis
        shape.append(1)
        continue
      }
      let (product, overflow) = known.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { throw failure() }
      known = product
      shape.append(extent)
    }
    if unknown >= 0 {
      guard known > 0 ? value.count % known == 0 : value.count == 0 else { throw failure() }
      shape[unknown] = known > 0 ? value.count / known : 0
      known *= shape[unknown]
    }
    guard known == value.count else { throw failure() }
    // Also behind a 0 extents must be ones that strides can be made of.
    _ = try Shape.validated(shape, byteCount: 8, operation: "\(call.run.operation), \(call.node.label)")
    return shape
  }
}

internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Pooling over windows and over whole images.
  static let pooling: [Entry] = [
    Entry("MaxPool") { (node) throws(RecurraError) in
      let (settings, order) = (try WindowSettings(node), try node.integer("storage_order", default: 0))
      return { (call) throws(RecurraError) in try largest(call, settings, isColumnMajor: order != 0) }
    },
    Entry("AveragePool") { (node) throws(RecurraError) in
      let (settings, countsPadding) = (try WindowSettings(node), try node.flag("count_include_pad"))
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        let table = try table(call, settings, x.shape)
        let columns = table.unfolded(x.reshaped([x.shape[0] * x.shape[1], table.imageCount]))
        let counts = countsPadding ? table.counts : table.insideCounts
        let means = columns.sum(axes: [1]) / Tensor(counts).converted(to: x.dtype)
        return [.floats(means.reshaped(Array(x.shape.prefix(2)) + table.windows), try call.value(0).format)]
      }
    },
    global("GlobalAveragePool") { $0.mean(axes: [2], keepingDimensions: true) },
    global("GlobalMaxPool") { $0.max(axes: [2], keepingDimensions: true) },
  ]

  private static func table(
    _ call: OperatorCall, _ settings: WindowSettings, _ shape: [Int]
  ) throws(RecurraError) -> WindowTable {
    guard shape.count >= 3, !shape.contains(0), let kernel = settings.kernel else {
      throw call.failure(expected: "x [N, C, …] that is not empty, and a kernel_shape", got: "shape \(shape)")
    }
    return try settings.table(call, image: Array(shape.dropFirst(2)), kernel: kernel, rows: shape[0] * shape[1])
  }

  private static func global(_ name: String, _ body: @escaping @Sendable (Tensor) -> Tensor) -> Entry {
    Entry(name, inputs: 1...1) { (call) throws(RecurraError) in
      let x = try call.tensor(0)
      guard x.rank >= 3, x.count > 0 else {
        throw call.failure(expected: "x [N, C, …] that is not empty", got: "shape \(x.shape)")
      }
      let ones = [Int](repeating: 1, count: x.rank - 2)
      let rows = x.reshaped([x.shape[0], x.shape[1], x.count / x.shape[0] / x.shape[1]])
      return [.floats(body(rows).reshaped(Array(x.shape.prefix(2)) + ones), try call.value(0).format)]
    }
  }

  private static func largest(
    _ call: OperatorCall, _ settings: WindowSettings, isColumnMajor: Bool
  ) throws(RecurraError) -> [ONNXValue] {
    let value = try call.value(0)
    let table = try table(call, settings, value.shape)
    let (rows, size, entries, windows) = (
      value.shape[0] * value.shape[1], table.imageCount, table.entryCount, table.windowCount
    )
    let target = Array(value.shape.prefix(2)) + table.windows
    guard case .floats(let x, let format) = value, !call.node.wants(1) else {
      // The places of the largest elements are asked for, or the elements are whole numbers.
      let numbers = value.doubles
      var best = [Int](repeating: 0, count: rows * windows)
      for row in 0..<rows {
        for window in 0..<windows {
          var found = -1
          for entry in 0..<entries {
            let place = Int(table.places[entry * windows + window])
            guard place >= 0 else { continue }
            if found < 0 || numbers[row * size + place] > numbers[found] { found = row * size + place }
          }
          guard found >= 0 else { throw call.failure(expected: "windows within the image", got: "one beside it") }
          best[row * windows + window] = found
        }
      }
      let places = best.map { place in
        guard isColumnMajor else { return Int64(place) }
        var (rest, turned, step) = (place % size, 0, 1)
        var index: [Int] = []
        for extent in table.image.reversed() {
          index.append(rest % extent)
          rest /= extent
        }
        for (axis, extent) in table.image.enumerated() {
          turned += index[table.image.count - 1 - axis] * step
          step *= extent
        }
        return Int64(place / size * size + turned)
      }
      return [value.gathered(best, shape: target), .integers(IntegerArray(places, shape: target, format: .int64))]
    }
    let columns = table.unfolded(x.reshaped([rows, size]), filler: -.infinity)
    return [.floats(columns.max(axes: [1]).reshaped(target), format)]
  }
}

/// The gradient of a tensor: all of it, or the few rows of a table that were looked up.
package enum Gradient: Sendable {
  case dense(Tensor)
  case rows(RowGradient)

  /// Every element; rows that were not looked up are zeros.
  package var dense: Tensor {
    switch self {
    case .dense(let tensor): tensor
    case .rows(let rows): rows.dense
    }
  }

  /// Σ x² in double precision, of what is stored or of every element: finite exactly when every element is.
  package var storedSumOfSquares: Double {
    switch self {
    case .dense(let tensor): tensor.sumOfSquares
    case .rows(let rows): rows.storedSumOfSquares
    }
  }

  var detached: Gradient {
    switch self {
    case .dense(let tensor): .dense(tensor.detached)
    case .rows(let rows): .rows(RowGradient(indices: rows.indices, values: rows.values.detached, shape: rows.shape))
    }
  }

  /// Every element times a number.
  package static func * (gradient: Gradient, factor: Double) -> Gradient {
    switch gradient {
    case .dense(let tensor): .dense(tensor * factor)
    case .rows(let rows): .rows(RowGradient(indices: rows.indices, values: rows.values * factor, shape: rows.shape))
    }
  }

  package static func + (left: Gradient, right: Gradient) -> Gradient {
    // As many rows as the table has are no smaller than the table, and would be copied with every sum.
    guard case .rows(let first) = left, case .rows(let second) = right,
      first.indices.count + second.indices.count < first.shape[0]
    else { return .dense(left.dense + right.dense) }
    return .rows(
      RowGradient(
        indices: .concatenated([first.indices, second.indices]), values: .concatenated([first.values, second.values]),
        shape: first.shape))
  }
}

/// Gradients of rows of a table, as they came: a row that was looked up twice is there twice.
package struct RowGradient: Sendable {
  /// The row each gradient belongs to, int32 [N], each within the table.
  package let indices: Tensor
  /// [N, width], dense.
  package let values: Tensor
  /// The shape of the table, [rows, …].
  package let shape: [Int]

  package init(indices: Tensor, values: Tensor, shape: [Int]) {
    self.indices = indices.reshaped([-1]).contiguous
    self.values = values.reshaped([indices.count, Shape.count(Array(shape.dropFirst()))]).contiguous
    self.shape = shape
  }

  /// Σ x² of the rows as they came, unless those of one index might add up to more than the type holds.
  var storedSumOfSquares: Double {
    let sum = values.sumOfSquares
    // Cauchy and Schwarz: N numbers of that many squares add up to no more.
    let bound = (Double(indices.count) * sum).squareRoot()
    let largest = values.dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : Double.greatestFiniteMagnitude
    return bound <= largest ? sum : dense.sumOfSquares
  }

  /// Elements of one row.
  var width: Int { Shape.count(Array(shape.dropFirst())) }

  /// The whole table: what belongs to a row is added up in the order of the indices.
  package var dense: Tensor { values.dtype == .float32 ? scattered(Float.self) : scattered(Double.self) }

  private func scattered<S: FloatingScalar>(_ type: S.Type) -> Tensor {
    let width = width
    var result = Tensor.zeros(shape, dtype: values.dtype)
    result.withMutablePointer(of: S.self) { table in
      values.withPointer(of: S.self) { input in
        indices.withPointer(of: Int32.self) { index in
          for i in 0..<indices.count {
            let row = table + Int(index[i]) * width
            for j in 0..<width { row[j] += input[i * width + j] }
          }
        }
      }
    }
    return result
  }

  /// Calls `body` with the dense gradient of one stretch of rows after the other, over the engine's threads: it never
  /// exists as a whole. Sums are formed in the same order as in `dense`.
  func forEachStretch(
    of elements: Int, _ body: (_ gradient: UnsafePointer<Float>, _ start: Int, _ count: Int) -> Void
  ) {
    let (rows, width) = (shape[0], Swift.max(width, 1))
    let height = Swift.max(1, elements / width)
    let stretches = (rows + height - 1) / height
    values.withPointer(of: Float.self) { input in
      let sums = indices.withPointer(of: Int32.self) { index in
        RowSums(count: rows, targets: UnsafeBufferPointer(start: index, count: indices.count)) { input + $0 * width }
      }
      // About a nanosecond for an element, as an update of all of them.
      Threads.run(stretches, lasting: rows * width) { stretch in
        let first = stretch * height
        let last = Swift.min(first + height, rows)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: (last - first) * width) { buffer in
          guard let table = buffer.baseAddress else { return }
          sums.write(first..<last, columns: width, to: table)
          body(UnsafePointer(table), first * width, (last - first) * width)
        }
      }
    }
  }
}

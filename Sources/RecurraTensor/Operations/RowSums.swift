internal import CRecurraKernels

/// Sums of rows that lie anywhere in memory: which of them each row of the result is made of.
///
/// A row's terms are added in the order in which they were given, starting from zero; a row without any is zero. The
/// memory must stay where it is as long as this is used.
package struct RowSums {
  private let sources: [UnsafePointer<Float>]
  private let starts: [Int32]

  /// Sorts rows by their `targets`, the rows of the result, each in 0..<count; row i lies at `address(i)`.
  package init(count: Int, targets: UnsafeBufferPointer<Int32>, address: (Int) -> UnsafePointer<Float>) {
    // A counting sort, by pointers: every training step waits for it. Two places ahead at first: a row's entry is where
    // its next term goes, and in the end where the row behind it begins.
    var starts = [Int32](repeating: 0, count: count + 2)
    sources = starts.withUnsafeMutableBufferPointer { starts in
      for target in targets { starts[Int(target) + 2] += 1 }
      var sum: Int32 = 0
      for row in starts.indices {
        sum += starts[row]
        starts[row] = sum
      }
      return Array(unsafeUninitializedCapacity: targets.count) { sources, filled in
        for (index, target) in targets.enumerated() {
          let place = starts[Int(target) + 1]
          starts[Int(target) + 1] = place + 1
          sources[Int(place)] = address(index)
        }
        filled = targets.count
      }
    }
    self.starts = starts
  }

  /// Writes some rows of the result, one behind the other from `result` on.
  package func write(_ rows: Range<Int>, columns: Int, to result: UnsafeMutablePointer<Float>) {
    starts.withUnsafeBufferPointer { starts in
      sources.withUnsafeBufferPointer { sources in
        var sums = RecurraRowSums()
        (sums.rowBegin, sums.rowEnd, sums.columns) = (0, rows.count, columns)
        (sums.sources, sums.starts) = (sources.baseAddress, starts.baseAddress.map { $0 + rows.lowerBound })
        sums.out = RecurraRows(base: result, stride: columns)
        Kernels.table.sumRows(&sums)
      }
    }
  }
}

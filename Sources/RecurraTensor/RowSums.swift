internal import CRecurraKernels

/// Sums of rows that lie anywhere in memory: which of them each row of the result is made of.
///
/// A row's terms are added in the order in which they were given, starting from zero; a row without any is zero. The memory must stay
/// where it is as long as this is used.
package struct RowSums: @unchecked Sendable {
  private let sources: [UnsafePointer<Float>]
  private let starts: [Int32]

  /// Sorts rows at `addresses` by their `targets`, the rows of the result, each in 0..<count.
  package init(count: Int, targets: [Int32], addresses: [UnsafePointer<Float>]) {
    // A counting sort. Two places ahead at first: a row's entry is where its next term goes, and in the end where the row behind it begins.
    var starts = [Int32](repeating: 0, count: count + 2)
    for target in targets { starts[Int(target) + 2] += 1 }
    for row in 1..<(count + 1) { starts[row + 1] += starts[row] }
    var sources = addresses
    for (target, address) in zip(targets, addresses) {
      sources[Int(starts[Int(target) + 1])] = address
      starts[Int(target) + 1] += 1
    }
    (self.sources, self.starts) = (sources, starts)
  }

  /// Writes some rows of the result, one behind the other from `result` on.
  package func write(_ rows: Range<Int>, columns: Int, to result: UnsafeMutablePointer<Float>) {
    starts.withUnsafeBufferPointer { starts in
      sources.withUnsafeBufferPointer { sources in
        var sums = RecurraRowSums()
        (sums.rowBegin, sums.rowEnd, sums.columns) = (0, rows.count, columns)
        (sums.sources, sums.starts) = (sources.baseAddress, starts.baseAddress.map { $0 + rows.lowerBound })
        (sums.out, sums.outStride) = (result, columns)
        Kernels.table.sumRows(&sums)
      }
    }
  }
}

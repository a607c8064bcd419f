internal import CRecurraKernels

extension Rows where S == Float {
  /// The rows as kernels take them.
  @inline(__always)
  var forKernels: RecurraRows { RecurraRows(base: base, stride: stride) }
}

extension RecurraPanels {
  /// The panels of a range.
  init(_ range: Range<Int>) { self.init(begin: range.lowerBound, end: range.upperBound) }
}

public import RecurraTensor

extension Tensor {
  /// Reads a NumPy file (.npy, versions 1 to 3): numbers of either byte order, in C or Fortran order.
  ///
  /// Types that tensors do not have become the nearest that holds them exactly: f2 becomes float32; b1 and integers
  /// become int32, where an integer beyond 32 bits is an error. Objects and records are refused.
  ///
  /// - Throws: `noInput` when there is no such file, `badFile` when it is not a NumPy file of numbers, `inputOutput`
  ///   when reading fails.
  /// - Source: NumPy, `numpy.lib.format`.
  public init(contentsOfNumPy path: String, maximumByteCount: Int = 1 << 36) throws(RecurraError) {
    try self.init(numPy: InputFile(path, maximumByteCount: maximumByteCount))
  }

  package init(numPy file: InputFile) throws(RecurraError) {
    let header = try NumPyHeader(file)
    let shape = header.isFortranOrder ? header.shape.reversed() : header.shape
    let tensor = try file.tensor(
      header.format, shape: shape, at: header.dataOffset, isBigEndian: header.isBigEndian, name: "the array")
    self = header.isFortranOrder ? tensor.permuted(shape.indices.reversed()).contiguous : tensor
  }

  /// Writes a NumPy file (.npy, version 1, C order), whole or not at all: an error leaves a file of that name as it
  /// was.
  ///
  /// - Throws: `cannotCreate` when the file cannot be made, `inputOutput` when writing fails.
  public func writeNumPy(to path: String) throws(RecurraError) {
    try writeNumPy(to: path, system: LocalFileSystem())
  }

  package func writeNumPy(to path: String, system: any FileSystem) throws(RecurraError) {
    let header = NumPyHeader.bytes(dtype: dtype, shape: shape)
    try AtomicFile.write(to: path, system: system) { (file) throws(RecurraError) in
      try file.append(header)
      try file.append(self)
    }
  }
}

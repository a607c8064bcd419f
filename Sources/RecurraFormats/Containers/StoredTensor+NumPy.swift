package import RecurraLayers
package import RecurraTensor

extension StoredTensor {
  /// Reads a NumPy file (.npy) of any type; the first array where several follow each other.
  ///
  /// - Throws: `badFile` when it is not a NumPy file of numbers, `outOfMemory` where it does not fit.
  package init(numPy file: InputFile) throws(RecurraError) {
    let header = try NumPyHeader(file)
    let end = header.dataOffset + header.byteCount
    try self.init(header, file.bytes(header.dataOffset..<end), file.operation)
  }

  /// Puts the data of an array in row-major order, little-endian.
  init(_ header: NumPyHeader, _ data: [UInt8], _ operation: String) throws(RecurraError) {
    var bytes = data
    if header.isBigEndian { bytes = StridedElements.swapped(bytes, elementByteCount: header.format.byteCount) }
    guard header.isFortranOrder, header.shape.count > 1 else {
      self.init(header.format, shape: header.shape, bytes: bytes)
      return
    }
    try MemoryLimit.require(header.byteCount, operation, for: "the array in row-major order")
    var strides: [Int] = []
    var stride = 1
    for extent in header.shape {
      strides.append(stride)
      stride *= extent
    }
    let elements = StridedElements(
      elementByteCount: header.format.byteCount, shape: header.shape, strides: strides, offset: 0)
    self.init(header.format, shape: header.shape, bytes: elements.rowMajor(bytes))
  }

  /// The bytes of a NumPy file; bfloat16 becomes float32.
  package var numPyBytes: [UInt8] {
    let tensor = widened
    return NumPyHeader.bytes(tensor.format, shape: tensor.shape) + tensor.bytes
  }

  /// The same in float32 for bfloat16, of which a number is the upper half of one of float32.
  var widened: StoredTensor {
    guard format == .bfloat16 else { return self }
    var wide: [UInt8] = []
    wide.reserveCapacity(bytes.count * 2)
    for start in stride(from: 0, to: bytes.count, by: 2) { wide += [0, 0, bytes[start], bytes[start + 1]] }
    return StoredTensor(.float32, shape: shape, bytes: wide)
  }
}

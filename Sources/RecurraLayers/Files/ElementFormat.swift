package import RecurraTensor

/// How numbers lie in a file: the formats that tensors can be read from without loss.
package enum ElementFormat: String, Sendable, CaseIterable {
  case bool
  case uint8
  case int8
  case uint16
  case int16
  case float16
  case bfloat16
  case uint32
  case int32
  case float32
  case uint64
  case int64
  case float64

  package init(_ dtype: DType) {
    switch dtype.representation {
    case .float32: self = .float32
    case .float64: self = .float64
    case .int32: self = .int32
    }
  }

  package var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  /// The tensor's type that holds all values of this format, or all but integers beyond 32 bits.
  package var dtype: DType {
    switch self {
    case .float16, .bfloat16, .float32: .float32
    case .float64: .float64
    default: .int32
    }
  }

  /// The bytes of a tensor in a file; nil for an extent below 0, and where a size or stride would not fit in `Int`, in
  /// memory as well.
  ///
  /// An extent of 0 counts as 1 on the way, because the strides of the axes before it are made of those behind.
  package func byteCount(of shape: [Int]) -> Int? {
    var product = max(byteCount, dtype.byteCount)
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard extent >= 0, !overflow else { return nil }
      product = next
    }
    return shape.reduce(byteCount, *)
  }

  /// Tells whether the bytes in a file are those of the tensor in memory.
  private var isNative: Bool { self == .float32 || self == .float64 || self == .int32 }
}

extension InputFile {
  /// Reads a row-major tensor that starts at `offset`; the caller has checked that its bytes lie within the file.
  ///
  /// - Throws: `badFile` naming the element when an integer does not fit in int32 or a truth value is neither 0 nor 1,
  ///   `outOfMemory` where the tensor does not fit within `MemoryLimit`.
  /// - Complexity: one copy from the system for float32, float64 and int32; else a conversion in small pieces besides.
  package func tensor(
    _ format: ElementFormat, shape: [Int], at offset: Int, isBigEndian: Bool = false, name: String
  ) throws(RecurraError) -> Tensor {
    try MemoryLimit.require(MemoryLimit.bytes(shape + [format.dtype.byteCount]), operation, for: "\(name) \(shape)")
    let tensor = Tensor(uninitialized: shape, dtype: format.dtype)
    try withExtendedLifetime(tensor.storage) { () throws(RecurraError) in
      if format.isNativeOrder(isBigEndian: isBigEndian) {
        unsafe try read(
          into: UnsafeMutableRawBufferPointer(
            start: tensor.storage.pointer, count: tensor.count * format.dtype.byteCount),
          at: offset)
      } else {
        try convert(format, tensor, at: offset, isBigEndian, name)
      }
    }
    return tensor
  }

  private func convert(
    _ format: ElementFormat, _ tensor: Tensor, at offset: Int, _ isBigEndian: Bool, _ name: String
  ) throws(RecurraError) {
    let pieceCount = 1 << 15
    let piece = Storage(byteCount: min(pieceCount, tensor.count) * format.byteCount)
    try withExtendedLifetime(piece) { () throws(RecurraError) in
      for start in stride(from: 0, to: tensor.count, by: pieceCount) {
        let count = min(pieceCount, tensor.count - start)
        unsafe try read(
          into: UnsafeMutableRawBufferPointer(start: piece.pointer, count: count * format.byteCount),
          at: offset + start * format.byteCount)
        let output = unsafe tensor.storage.pointer + start * format.dtype.byteCount
        if let wrong = unsafe format.convert(piece.pointer, count, isBigEndian, to: output) {
          let wanted = format == .bool ? "0 or 1" : "an integer within int32"
          throw damaged(expected: "\(wanted) at element \(start + wrong.index) of \(name)", got: wrong.value)
        }
      }
    }
  }
}

extension ElementFormat {
  fileprivate func isNativeOrder(isBigEndian: Bool) -> Bool { isNative && !isBigEndian }

  /// Converts `count` elements and returns the first that the tensor's type cannot hold.
  fileprivate func convert(
    _ source: UnsafeRawPointer, _ count: Int, _ isBigEndian: Bool, to target: UnsafeMutableRawPointer
  ) -> (index: Int, value: String)? {
    @inline(__always) func load<Raw: FixedWidthInteger>(_ index: Int, as type: Raw.Type) -> Raw {
      let raw = unsafe source.load(fromByteOffset: index * MemoryLayout<Raw>.size, as: Raw.self)
      return isBigEndian ? Raw(bigEndian: raw) : Raw(littleEndian: raw)
    }
    @inline(__always) func all<Raw: FixedWidthInteger, Value: BitwiseCopyable>(
      _ type: Raw.Type, _ value: (Raw) -> Value
    ) {
      for index in 0..<count {
        unsafe target.storeBytes(
          of: value(load(index, as: Raw.self)), toByteOffset: index * MemoryLayout<Value>.stride, as: Value.self)
      }
    }
    @inline(__always) func integers<Raw: FixedWidthInteger>(_ type: Raw.Type) -> (index: Int, value: String)? {
      for index in 0..<count {
        let raw = load(index, as: Raw.self)
        guard let value = Int32(exactly: raw) else { return (index, "\(raw)") }
        unsafe target.storeBytes(of: value, toByteOffset: index * 4, as: Int32.self)
      }
      return nil
    }
    switch self {
    case .bool:
      if let wrong = (0..<count).first(where: { load($0, as: UInt8.self) > 1 }) {
        return (wrong, "\(load(wrong, as: UInt8.self))")
      }
      all(UInt8.self) { Int32($0) }
    case .uint8: all(UInt8.self) { Int32($0) }
    case .int8: all(Int8.self) { Int32($0) }
    case .uint16: all(UInt16.self) { Int32($0) }
    case .int16: all(Int16.self) { Int32($0) }
    case .float16: all(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: all(UInt16.self) { UInt32($0) << 16 }
    case .int32, .float32: all(UInt32.self) { $0 }
    case .float64: all(UInt64.self) { $0 }
    case .uint32: return integers(UInt32.self)
    case .uint64: return integers(UInt64.self)
    case .int64: return integers(Int64.self)
    }
    return nil
  }
}

extension AtomicFile {
  /// Adds the elements of a tensor in row-major order.
  package func append(_ tensor: Tensor) throws(RecurraError) {
    let dense = tensor.contiguous
    try withExtendedLifetime(dense.storage) { () throws(RecurraError) in
      let start = unsafe dense.storage.pointer + dense.offset * dense.dtype.byteCount
      unsafe try append(UnsafeRawBufferPointer(start: start, count: dense.count * dense.dtype.byteCount))
    }
  }
}

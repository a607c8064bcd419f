package import RecurraLayers
public import RecurraTensor

/// A tensor as it lies in a file: any element type, bytes in row-major order, little-endian.
///
/// What only passes through, from one file to another, keeps its type and its bits; `tensor(named:in:)` makes of it
/// what the engine computes with.
public struct StoredTensor: Sendable, Equatable {
  /// The type of the elements.
  package let format: ElementFormat
  /// The extents.
  public let shape: [Int]
  /// The elements.
  package let bytes: [UInt8]

  /// The type's name, as NumPy has it: "float32", "int64", "bfloat16".
  public var elementType: String { format.rawValue }
  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// - Precondition: as many bytes as the shape has elements.
  package init(_ format: ElementFormat, shape: [Int], bytes: [UInt8]) {
    (self.format, self.shape, self.bytes) = (format, shape, bytes)
  }

  /// One whole number of 64 bits.
  init(wholeNumber: Int) {
    (format, shape, bytes) = (.int64, [], Self.bytes([Int64(wholeNumber)]))
  }

  /// Keeps a tensor's elements as a file would.
  public init(_ tensor: Tensor) {
    format = ElementFormat(tensor.dtype)
    shape = tensor.shape
    switch tensor.dtype {
    case .float64: bytes = Self.bytes(tensor.scalars(as: Double.self).map(\.bitPattern))
    case .int32: bytes = Self.bytes(tensor.scalars(as: Int32.self))
    default: bytes = Self.bytes(tensor.scalars(as: Float.self).map(\.bitPattern))
    }
  }

  private static func bytes<Element: FixedWidthInteger>(_ elements: [Element]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(elements.count * Element.bitWidth / 8)
    for element in elements {
      let little = element.littleEndian
      for shift in stride(from: 0, to: Element.bitWidth, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: little >> shift))
      }
    }
    return bytes
  }

  /// The tensor that the engine computes with: float16 and bfloat16 become float32, whole numbers and truth values
  /// int32.
  ///
  /// - Parameters:
  ///   - name: What the tensor is called, for errors.
  ///   - operation: What is being read, for errors: "read model.pt".
  /// - Throws: `badFile` for a whole number beyond 32 bits, `outOfMemory` where the tensor does not fit.
  public func tensor(named name: String, in operation: String) throws(RecurraError) -> Tensor {
    try InputFile(bytes, operation: operation).tensor(format, shape: shape, at: 0, name: "tensor \(name.excerpt)")
  }
}

internal import RecurraLayers
package import RecurraTensor
internal import SwiftProtobuf

extension ONNXValue {
  /// Takes an array as it lies in a file or was given by a caller.
  ///
  /// - Throws: `badFile` for bytes that are no truth values, `outOfMemory` where the array does not fit.
  init(_ stored: StoredTensor, name: String, operation: String) throws(RecurraError) {
    let format = stored.format
    if format.isFloating {
      self = .floats(try stored.tensor(named: name, in: operation), format)
      return
    }
    let (bytes, width) = (stored.bytes, format.byteCount)
    try MemoryLimit.require(MemoryLimit.bytes(bytes.count / width, 8), operation, for: "tensor \(name.excerpt)")
    var elements: [Int64] = []
    elements.reserveCapacity(bytes.count / width)
    for start in stride(from: 0, to: bytes.count, by: width) {
      var bits: UInt64 = 0
      for index in 0..<width { bits |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
      elements.append(IntegerArray.wrapped(Int64(bitPattern: bits), to: format))
    }
    self = .integers(IntegerArray(elements, shape: stored.shape, format: format))
  }

  /// The array in its own type, as a file holds it.
  var stored: StoredTensor {
    switch self {
    case .integers(let array):
      var bytes: [UInt8] = []
      let width = array.format.byteCount
      bytes.reserveCapacity(array.elements.count * width)
      for element in array.elements {
        for index in 0..<width { bytes.append(UInt8(truncatingIfNeeded: element >> (8 * Int64(index)))) }
      }
      return StoredTensor(array.format, shape: array.shape, bytes: bytes)
    case .floats(let tensor, let format):
      guard format == .float16 || format == .bfloat16 else { return StoredTensor(tensor) }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(tensor.count * 2)
      for number in tensor.scalars(as: Float.self) {
        let bits = format == .float16 ? Float16(number).bitPattern : number.bfloat16
        bytes += [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
      }
      return StoredTensor(format, shape: tensor.shape, bytes: bytes)
    }
  }
}

extension Float {
  /// The nearest bfloat16, ties to even.
  var bfloat16: UInt16 {
    if isNaN { return UInt16(truncatingIfNeeded: bitPattern >> 16) | 0x40 }
    let lost = bitPattern & 0xFFFF
    let kept = bitPattern >> 16
    let up: UInt32 = lost > 0x8000 || (lost == 0x8000 && kept & 1 == 1) ? 1 : 0
    return UInt16(truncatingIfNeeded: kept + up)
  }
}

extension Tensor {
  /// The numbers as a narrower type would hold them.
  func rounded(to format: ElementFormat) -> Tensor {
    guard format == .float16 || format == .bfloat16 else { return self }
    let rounded = scalars(as: Float.self).map { number in
      format == .float16 ? Float(Float16(number)) : Float(bitPattern: UInt32(number.bfloat16) << 16)
    }
    return Tensor(rounded, shape: shape).derived(from: [self]) { upstream, _ in [upstream] }
  }
}

extension StoredTensor {
  /// Reads a file that holds one of ONNX' TensorProto messages, as its test cases do.
  package init(tensorMessage bytes: [UInt8], operation: String) throws(RecurraError) {
    do {
      let message = try ONNXTensorMessage(serializedBytes: bytes)
      self = try ONNXTensorReader(operation: operation, folder: nil).stored(message)
    } catch let error as RecurraError {
      throw error
    } catch {
      throw RecurraError(.badFile, operation: operation, expected: "a message of ONNX' TensorProto", got: "\(error)")
    }
  }
}

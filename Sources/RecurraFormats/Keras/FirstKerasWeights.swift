internal import RecurraLayers

/// Brings the weights of Keras 1, and of the layers that cuDNN had to itself in Keras 2, into the form of today.
enum FirstKerasWeights {
  /// Joins the matrices of single gates, which Keras 1 kept apart: i c f o of an LSTM, z r h of a GRU, each with
  /// kernel, recurrent kernel and bias. Lists of other lengths come back as they are.
  static func joined(_ values: [StoredTensor]) -> [StoredTensor] {
    switch values.count {
    case 12: return joined(values, gates: [0, 2, 1, 3]) ?? values
    case 9: return joined(values, gates: [0, 1, 2]) ?? values
    case 24: return joined(Array(values.prefix(12))) + joined(Array(values.suffix(12)))
    case 18: return joined(Array(values.prefix(9))) + joined(Array(values.suffix(9)))
    default: return values
    }
  }

  private static func joined(_ values: [StoredTensor], gates: [Int]) -> [StoredTensor]? {
    var result: [StoredTensor] = []
    for part in 0..<3 {
      let pieces = gates.map { values[3 * $0 + part] }
      guard let first = pieces.first, let width = first.shape.last, width > 0, first.shape.count <= 2,
        pieces.allSatisfy({ $0.shape == first.shape && $0.format == first.format })
      else { return nil }
      let (rows, rowBytes) = (first.count / width, width * first.format.byteCount)
      var bytes: [UInt8] = []
      for row in 0..<rows {
        for piece in pieces { bytes += piece.bytes[(row * rowBytes)..<((row + 1) * rowBytes)] }
      }
      let shape = first.shape.dropLast() + [width * pieces.count]
      result.append(StoredTensor(first.format, shape: Array(shape), bytes: bytes))
    }
    return result
  }

  /// Brings the weights of a layer into the form that it takes.
  static func adapted(_ values: [StoredTensor], to layer: any Layer, isFirstVersion: Bool) -> [StoredTensor] {
    if isFirstVersion, layer is Conv1D, let kernel = values.first, kernel.shape.count == 4, kernel.shape[1] == 1 {
      let shape = [kernel.shape[0], kernel.shape[2], kernel.shape[3]]
      return [StoredTensor(kernel.format, shape: shape, bytes: kernel.bytes)] + values.dropFirst()
    }
    guard let recurrent = layer as? any RecurrentLayer, values.count == 3, values[2].shape.count == 1,
      values[0].shape.count == 2, values[1].shape.count == 2
    else { return values }
    let (units, bias) = (recurrent.options.units, values[2].shape[0])
    let gates = layer is LSTM ? 4 : layer is GRU ? 3 : 0
    // cuDNN has two biases to each gate, one behind the other, and its matrices the other way round.
    guard gates > 0, bias % (2 * gates) == 0, bias / (2 * gates) == units, values[0].shape[1] == gates * units,
      values[1].shape == [units, gates * units]
    else { return values }
    let kernels = [
      turned(values[0], gates, isRecurrent: false), turned(values[1], gates, isRecurrent: true),
    ]
    return kernels + [layer is LSTM ? summed(values[2]) : paired(values[2])]
  }

  /// Turns the matrix of each gate: a recurrent one is transposed, the other one has been written column by column.
  private static func turned(_ matrix: StoredTensor, _ gates: Int, isRecurrent: Bool) -> StoredTensor {
    let (rows, columns, size) = (matrix.shape[0], matrix.shape[1], matrix.format.byteCount)
    let units = columns / gates
    var bytes = matrix.bytes
    for gate in 0..<gates {
      for row in 0..<rows {
        for unit in 0..<units {
          // The element's place among the rows and columns of the gate's block as it was written.
          let place = unit * rows + row
          let (sourceRow, sourceColumn) = isRecurrent ? (unit, row) : (place / units, place % units)
          let source = (sourceRow * columns + gate * units + sourceColumn) * size
          let target = (row * columns + gate * units + unit) * size
          for byte in 0..<size { bytes[target + byte] = matrix.bytes[source + byte] }
        }
      }
    }
    return StoredTensor(matrix.format, shape: matrix.shape, bytes: bytes)
  }

  private static func paired(_ bias: StoredTensor) -> StoredTensor {
    StoredTensor(bias.format, shape: [2, bias.shape[0] / 2], bytes: bias.bytes)
  }

  private static func summed(_ bias: StoredTensor) -> StoredTensor {
    guard bias.format == .float32 else { return bias }
    let numbers = stride(from: 0, to: bias.bytes.count, by: 4).map { start in
      Float(bitPattern: bias.bytes[start..<(start + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
    let half = numbers.count / 2
    let sums = (0..<half).map { (numbers[$0] + numbers[half + $0]).bitPattern }
    return StoredTensor(
      .float32, shape: [half],
      bytes: sums.flatMap { sum in (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) } })
  }
}

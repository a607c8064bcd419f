/// A type as the `descr` of a NumPy file names it, in all the words that `numpy.dtype` takes for numbers.
struct NumPyType {
  let format: ElementFormat
  let isBigEndian: Bool

  /// Reads a name such as "<f4", "f4", "?" or "float32"; nil for what is no type of numbers that a tensor holds.
  init?(_ name: String) {
    let order = name.utf8.first.map { Unicode.Scalar($0) }
    let hasOrder = order.map { "<>=|".unicodeScalars.contains($0) } ?? false
    let code = hasOrder ? String(decoding: name.utf8.dropFirst(), as: UTF8.self) : name
    guard let format = Self.codes[code] ?? (hasOrder ? nil : Self.words[name]) else { return nil }
    self.format = format
    isBigEndian = order == ">"
  }

  /// The name that NumPy writes for a type.
  static func code(of format: ElementFormat) -> String {
    switch format {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .uint16: "<u2"
    case .int16: "<i2"
    case .float16: "<f2"
    case .uint32: "<u4"
    case .int32: "<i4"
    case .float32, .bfloat16: "<f4"
    case .uint64: "<u8"
    case .int64: "<i8"
    case .float64: "<f8"
    }
  }

  private static let codes: [String: ElementFormat] = [
    "?": .bool, "b1": .bool, "b": .int8, "i1": .int8, "B": .uint8, "u1": .uint8, "h": .int16, "i2": .int16,
    "H": .uint16, "u2": .uint16, "i": .int32, "i4": .int32, "I": .uint32, "u4": .uint32, "l": .int64, "q": .int64,
    "p": .int64, "n": .int64, "i8": .int64, "L": .uint64, "Q": .uint64, "P": .uint64, "N": .uint64, "u8": .uint64,
    "e": .float16, "f2": .float16, "f": .float32, "f4": .float32, "d": .float64, "f8": .float64,
  ]

  private static let words: [String: ElementFormat] = [
    "bool": .bool, "bool_": .bool, "int8": .int8, "byte": .int8, "uint8": .uint8, "ubyte": .uint8, "int16": .int16,
    "short": .int16, "uint16": .uint16, "ushort": .uint16, "int32": .int32, "intc": .int32, "uint32": .uint32,
    "uintc": .uint32, "int64": .int64, "int": .int64, "int_": .int64, "long": .int64, "longlong": .int64,
    "intp": .int64, "uint64": .uint64, "uint": .uint64, "ulong": .uint64, "ulonglong": .uint64, "uintp": .uint64,
    "float16": .float16, "half": .float16, "float32": .float32, "single": .float32, "float64": .float64,
    "double": .float64, "float": .float64,
  ]
}

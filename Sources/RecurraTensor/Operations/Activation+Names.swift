/// How functions are spelled.
extension Activation: CaseIterable {
  /// Those without numbers, by name.
  private static let plain: [(name: String, function: Activation)] = [
    ("linear", .linear), ("relu", .relu), ("sigmoid", .sigmoid), ("tanh", .tanh), ("hard_sigmoid", .hardSigmoid),
    ("softsign", .softsign), ("elu", .elu), ("softplus", .softplus), ("silu", .silu), ("relu6", .relu6),
    ("selu", .selu), ("gelu", .gelu), ("mish", .mish), ("exponential", .exponential), ("hard_tanh", .hardTanh),
    ("hard_silu", .hardSilu), ("log_sigmoid", .logSigmoid), ("tanh_shrink", .tanhShrink),
    ("sparse_plus", .sparsePlus), ("sparse_sigmoid", .sparseSigmoid), ("softmax", .softmax),
    ("log_softmax", .logSoftmax), ("sparsemax", .sparsemax),
  ]
  /// Those with numbers: the name, the numbers that may be left out, and the function of some.
  private static let families: [(name: String, standard: [Double], make: @Sendable ([Double]) -> Activation)] = [
    ("leaky_relu", [0.2], { .leakyRelu(negativeSlope: $0[0]) }), ("scaled_elu", [1], { .scaledElu(alpha: $0[0]) }),
    ("celu", [1], { .celu(alpha: $0[0]) }), ("hard_shrink", [0.5], { .hardShrink(threshold: $0[0]) }),
    ("soft_shrink", [0.5], { .softShrink(threshold: $0[0]) }), ("squareplus", [4], { .squareplus(b: $0[0]) }),
    ("threshold", [1, 0], { .threshold($0[0], value: $0[1]) }),
    ("clipped_line", [0.2, 0.5], { .clippedLine(alpha: $0[0], beta: $0[1]) }),
    ("scaled_tanh", [1, 1], { .scaledTanh(alpha: $0[0], beta: $0[1]) }),
    ("affine", [1, 0], { .affine(alpha: $0[0], beta: $0[1]) }),
  ]
  private static let others = ["swish": Activation.silu, "hard_swish": .hardSilu]

  /// Every function; those with numbers of their own with the usual ones.
  public static let allCases: [Activation] = plain.map(\.function) + families.map { $0.make($0.standard) }

  /// The function's name in Keras, and its numbers where they are not the usual ones.
  public var rawValue: String {
    if let entry = Self.plain.first(where: { $0.function == self }) { return entry.name }
    let numbers = numbers
    guard let family = Self.families.first(where: { $0.standard.count == numbers.count && $0.make(numbers) == self })
    else { return "" }
    if numbers == family.standard { return family.name }
    return "\(family.name)(\(numbers.map { "\($0)" }.joined(separator: ", ")))"
  }

  /// Finds a function by its name, with or without numbers: "elu", "leaky_relu(0.01)".
  public init?(rawValue: String) {
    if let entry = Self.plain.first(where: { $0.name == rawValue }) {
      self = entry.function
      return
    }
    if let function = Self.others[rawValue] {
      self = function
      return
    }
    let parts = rawValue.split(separator: "(", maxSplits: 1, omittingEmptySubsequences: false)
    guard let family = Self.families.first(where: { $0.name == parts[0] }) else { return nil }
    guard parts.count == 2 else {
      self = family.make(family.standard)
      return
    }
    guard parts[1].last == ")" else { return nil }
    let texts = parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    let numbers = texts.compactMap { Double(String($0.drop { $0 == " " })) }
    guard numbers.count == family.standard.count, numbers.count == texts.count, numbers.allSatisfy(\.isFinite) else {
      return nil
    }
    self = family.make(numbers)
  }

  /// The numbers of its own, in order.
  private var numbers: [Double] {
    switch self {
    case .leakyRelu(let a), .scaledElu(let a), .celu(let a), .hardShrink(let a), .softShrink(let a), .squareplus(let a):
      [a]
    case .threshold(let a, let b), .clippedLine(let a, let b), .scaledTanh(let a, let b), .affine(let a, let b): [a, b]
    default: []
    }
  }
}

extension Activation {
  /// Reads a function's text.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let function = Activation(rawValue: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no activation is called \(text)"))
    }
    self = function
  }

  /// Writes the function as text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

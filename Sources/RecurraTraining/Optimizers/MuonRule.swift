internal import RecurraLayers
internal import RecurraTensor

/// Momentum of a matrix with all its singular values made about 1; Adam with decay for everything else.
struct MuonRule: TensorRule {
  var adamBeta1 = 0.9
  var adamBeta2 = 0.999
  var adamWeightDecay = 0.004
  var epsilon = 1e-7
  var a = 3.4445
  var b = -4.7750
  var c = 2.0315
  var adamRateRatio = 1.0
  var momentum = 0.95
  var stepCount = 5
  var nesterov = true
  /// nil where steps keep the length that they come out with.
  var rmsRate: Double? = 0.2
  var excludesEmbeddings = true
  /// Texts in the paths of matrices that Adam takes as well.
  var excludedLayers: [String] = []

  let name = "muon"
  static var numbers: [RuleNumber<Self>] {
    [
      .init("adam_beta_1", \.adamBeta1, .belowOne), .init("adam_beta_2", \.adamBeta2, .belowOne),
      .init("adam_weight_decay", \.adamWeightDecay, .unit), .init("epsilon", \.epsilon, .unit),
      .init("muon_a", \.a, .finite), .init("muon_b", \.b, .finite), .init("muon_c", \.c, .finite),
      .init("adam_lr_ratio", \.adamRateRatio, .notNegative), .init("momentum", \.momentum, .unit),
    ]
  }
  static var flags: [(name: String, path: WritableKeyPath<Self, Bool>)] {
    [("nesterov", \.nesterov), ("exclude_embeddings", \.excludesEmbeddings)]
  }
  var moments: [Moment] { [Moment("momentum"), Moment("velocity")] }
  var seesWholeWeights: Bool { true }

  var configuration: [String: JSONValue] {
    listedConfiguration.merging([
      "ns_steps": .integer(stepCount), "rms_rate": rmsRate.map { .number($0) } ?? .null,
      "exclude_layers": .array(excludedLayers.map { .string($0) }),
    ]) { $1 }
  }

  var settings: [OptimizerSetting] {
    Self.numbers.map { OptimizerSetting($0.name, self[keyPath: $0.path], $0.range) } + [
      OptimizerSetting("ns_steps", Double(stepCount), .notNegative),
      OptimizerSetting("rms_rate", rmsRate ?? 0, .finite),
    ]
  }

  init() {}

  init(_ arguments: LayerArguments) throws(RecurraError) {
    self.init()
    for number in Self.numbers {
      self[keyPath: number.path] = try arguments.number(number.name, default: self[keyPath: number.path])
    }
    for flag in Self.flags {
      self[keyPath: flag.path] = try arguments.bool(flag.name, default: self[keyPath: flag.path])
    }
    stepCount = try arguments.integer("ns_steps", default: stepCount, in: 0...1000)
    // null is Keras' word for no adjustment, and not for a default.
    rmsRate = arguments.values["rms_rate"] == .null ? nil : rmsRate
    rmsRate = arguments.value("rms_rate") == nil ? rmsRate : try arguments.number("rms_rate")
    guard let list = arguments.value("exclude_layers") else { return }
    guard case .array(let names) = list else {
      throw arguments.failure("exclude_layers", expected: "a list of texts", got: list)
    }
    excludedLayers = try names.map { (name) throws(RecurraError) in
      guard case .string(let text) = name else {
        throw arguments.failure("exclude_layers", expected: "texts", got: name)
      }
      return text
    }
  }

  /// Tells whether Adam takes a weight.
  private func isForAdam(_ path: String, rank: Int) -> Bool {
    rank != 2 || (excludesEmbeddings && path.lowercased().contains("embedding"))
      || excludedLayers.contains { path.contains($0) }
  }

  func weightDecay(_ decay: Double, path: String, rank: Int) -> Double {
    isForAdam(path, rank: rank) ? adamWeightDecay : decay
  }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    guard isForAdam(update.path, rank: w.rank) else {
      moments["momentum"] = moments["momentum"] * momentum + g
      let ahead = nesterov ? g + moments["momentum"] * momentum : moments["momentum"]
      let length = rmsRate.map { Double(w.shape.max() ?? 1).squareRoot() * $0 } ?? 1
      return w - orthogonalized(ahead) * (update.learningRate * length)
    }
    let t = Double(update.step)
    moments.follow("momentum", g, 1 - adamBeta1)
    moments.follow("velocity", g.squared, 1 - adamBeta2)
    let scale = (1 - Double.power(adamBeta2, t)).squareRoot() / (1 - Double.power(adamBeta1, t))
    let rate = update.learningRate * adamRateRatio * scale
    return w - moments["momentum"] * rate / (moments["velocity"].sqrt() + epsilon)
  }

  /// The nearest matrix with orthonormal rows or columns, by a polynomial of fifth degree again and again.
  private func orthogonalized(_ matrix: Tensor) -> Tensor {
    let isTall = matrix.shape[0] > matrix.shape[1]
    var x = isTall ? matrix.transposed() : matrix
    x = x / (x.sumOfSquares.squareRoot() + 1e-7)
    for _ in 0..<stepCount {
      let square = x.matrixProduct(x.transposed())
      x = x * a + (square * b + square.matrixProduct(square) * c).matrixProduct(x)
    }
    return isTall ? x.transposed() : x
  }
}

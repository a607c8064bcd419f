internal import RecurraLayers
internal import RecurraTensor

/// The rows of an input, checked.
struct TrainingInput {
  let values: Tensor
  /// Which timesteps count.
  let mask: SequenceMask
  /// What of a batch's padding is left out.
  let cut: PaddingCut
}

/// What an output should be, row by row, checked.
struct TrainingTarget {
  let values: Tensor
  /// How much each row, or each timestep of a row, counts: [N] or [N, T]; nil when all count alike.
  let sampleWeights: Tensor?
  /// Which timesteps count as far as the masks of the inputs and the shapes of the output tell.
  let mask: SequenceMask
}

/// Inputs and targets that belong together, row by row, checked once.
struct TrainingData {
  let inputs: [TrainingInput]
  /// None for prediction.
  let targets: [TrainingTarget]
  /// The shape of each output for these inputs; none for prediction.
  let outputShapes: [[Int?]]

  /// The number of rows.
  var count: Int { inputs[0].values.shape[0] }
  /// The shape of each input.
  var shapes: [[Int]] { inputs.map(\.values.shape) }

  /// Checks data that comes from outside.
  ///
  /// - Parameters:
  ///   - examples: inputs and targets; without targets for prediction.
  ///   - model: what they are for; built.
  ///   - allowsNonFinite: whether NaN and infinity may be among the numbers.
  /// - Throws: `badData` for other numbers of inputs and outputs than the model's, no rows, rows of no elements,
  ///   unequal numbers of rows, masks of other rows or timesteps, weights below 0, numbers that are not finite and
  ///   numbers that the model's type cannot hold.
  init(
    _ examples: Examples, for model: any Network, allowsNonFinite: Bool, operation: String
  ) throws(RecurraError) {
    try Self.checkCounts(examples, model, operation)
    try Self.checkRows(examples, model, operation)
    let (dtype, ids) = (model.dtype ?? .float32, model.inputIDCounts)
    var inputs: [TrainingInput] = []
    for (index, x) in examples.inputs.enumerated() {
      let (name, mask) = (Self.name("x", model.inputNames, index), examples.masks[index])
      try Self.validate(mask, x.shape, name == "x" ? operation : "\(operation), \(name)")
      let values =
        if let limit = ids[index] {
          try x.checkedIDs(below: limit, of: name, mask: mask, operation)
        } else {
          try x.checkedValues(
            name, dtype: dtype, mask: mask, allowsNonFinite: allowsNonFinite, convertsIntegers: true, operation)
        }
      let cut = PaddingCut(model, input: index, hasLengths: mask.hasLengths)
      inputs.append(TrainingInput(values: values, mask: mask, cut: cut))
    }
    self.inputs = inputs
    guard !examples.targets.isEmpty else {
      (targets, outputShapes) = ([], [])
      return
    }
    let outputs = try model.outputShapes(for: inputs.map { anyBatch(of: $0.values) })
    var targets: [TrainingTarget] = []
    for (index, y) in examples.targets.enumerated() {
      let name = Self.name("y", model.outputNames, index)
      let output = outputs[index]
      // With several inputs it is not known whose mask the output has.
      let mask = inputs.count == 1 ? inputs[0].mask.reaching(output: index, of: model, inputs[0].values.shape) : .all
      let values = try y.checkedValues(
        name, dtype: dtype, mask: mask, keepsSteps: true, allowsNonFinite: allowsNonFinite,
        hasTimesteps: output.count > 2, operation)
      let weights = try examples.weights[index]?.checkedSampleWeights(
        for: inputs[0].values.shape, output: output, mask: mask, operation)
      targets.append(TrainingTarget(values: values, sampleWeights: weights, mask: mask))
    }
    (self.targets, outputShapes) = (targets, outputs)
  }

  private init(_ inputs: [TrainingInput], _ targets: [TrainingTarget], _ outputShapes: [[Int?]]) {
    (self.inputs, self.targets, self.outputShapes) = (inputs, targets, outputShapes)
  }

  /// What an input or output is called in errors: "x" where there is one.
  private static func name(_ what: String, _ names: [String], _ index: Int) -> String {
    names.count > 1 ? "\(what) \(names[index].excerpt)" : what
  }

  private static func checkCounts(
    _ examples: Examples, _ model: any Network, _ operation: String
  ) throws(RecurraError) {
    let (inputs, outputs) = (model.inputNames, model.outputNames)
    func check(_ count: Int, _ what: String, _ names: [String], named: Bool = false) throws(RecurraError) {
      guard count != names.count else { return }
      let list = named ? ": \(names.map(\.excerpt).joined(separator: ", "))" : ""
      throw RecurraError(
        .badData, operation: operation, expected: "\(names.count) \(what)\(list)", got: "\(count)")
    }
    try check(examples.inputs.count, "inputs", inputs, named: true)
    try check(examples.masks.count, "masks", inputs)
    guard !examples.targets.isEmpty else { return }
    try check(examples.targets.count, "targets", outputs, named: true)
    try check(examples.weights.count, "sample weights", outputs)
  }

  private static func checkRows(
    _ examples: Examples, _ model: any Network, _ operation: String
  ) throws(RecurraError) {
    let rows = examples.inputs[0].shape.first ?? 0
    for (index, x) in examples.inputs.enumerated() {
      let name = name("x", model.inputNames, index)
      guard x.rank >= 1, x.count > 0 else {
        throw RecurraError(
          .badData, operation: operation, expected: "\(name) with at least one row, and no axis of extent 0",
          got: "shape \(x.shape)")
      }
      guard x.shape[0] == rows else {
        throw RecurraError(
          .badData, operation: operation, expected: "as many rows in every input, \(rows)",
          got: "\(name) of shape \(x.shape)")
      }
    }
    for (index, y) in examples.targets.enumerated() {
      guard y.rank >= 1, y.shape[0] == rows, y.count > 0 else {
        let name = name("y", model.outputNames, index)
        throw RecurraError(
          .badData, operation: operation, expected: "as many rows in \(name) as in x, \(rows)",
          got: "\(name) of shape \(y.shape)")
      }
    }
  }

  private static func validate(_ mask: SequenceMask, _ shape: [Int], _ operation: String) throws(RecurraError) {
    let timesteps = shape.count > 1 ? shape[1] : 1
    try mask.checkExtents(of: [shape[0], timesteps], operation)
    guard let lengths = mask.withoutSteps.lengths ?? mask.lengths else { return }
    guard lengths.count == shape[0] else {
      throw RecurraError(
        .badData, operation: operation, expected: "as many lengths as rows in x, \(shape[0])", got: "\(lengths.count)")
    }
    guard let row = lengths.firstIndex(where: { $0 < 0 || $0 > timesteps }) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "lengths in 0…\(timesteps)", got: "\(lengths[row]) in row \(row)")
  }
}

extension TrainingData {
  /// Cuts off the last share of the rows, for validation.
  ///
  /// - Throws: `badData` when either part would have no row, `badArgument` for a share outside 0..<1.
  func split(last share: Double) throws(RecurraError) -> (training: TrainingData, validation: TrainingData) {
    guard share > 0, share < 1 else {
      throw RecurraError(.badArgument, operation: "fit", expected: "a validation split in 0..<1", got: "\(share)")
    }
    // Keras' place for the cut, rounding included.
    let cut = Int((Double(count) * (1 - share)).rounded(.down))
    guard cut > 0, cut < count else {
      throw RecurraError(
        .badData, operation: "fit", expected: "rows on both sides of a validation split of \(share)",
        got: "\(count) rows")
    }
    return (part(0..<cut), part(cut..<count))
  }

  private func part(_ rows: Range<Int>) -> TrainingData {
    TrainingData(
      inputs.map { TrainingInput(values: $0.values[rows], mask: $0.mask.rows(rows), cut: $0.cut) },
      targets.map {
        TrainingTarget(
          values: $0.values[rows], sampleWeights: $0.sampleWeights.map { $0[rows] }, mask: $0.mask.rows(rows))
      },
      outputShapes)
  }

  /// The rows in `range`, as they stand or in the order of `order`.
  func batch(_ range: Range<Int>, order: [Int]? = nil) -> Batch {
    let rows = order.map { $0[range] } ?? ArraySlice(range)
    let indices = order == nil ? nil : Tensor(rows.map { Int32($0) })
    func taken(_ tensor: Tensor) -> Tensor { indices.map(tensor.gathered) ?? tensor[range] }
    let values = inputs.map { input -> Value in
      let (x, mask) = (input.values, input.mask.rows(rows))
      let longest = input.cut.timesteps(of: x, rows, mask.withoutSteps.lengths)
      guard longest < (x.rank > 1 ? x.shape[1] : 1) else { return Value(taken(x), mask: mask) }
      // Padding by id 0 may end before the lengths do, and then both hold.
      return Value(x.rows(rows, length: longest), mask: mask.prefix(longest))
    }
    let targets = targets.map {
      TrainingTarget(
        values: taken($0.values), sampleWeights: $0.sampleWeights.map(taken), mask: $0.mask.rows(rows))
    }
    return Batch(inputs: values, targets: targets)
  }
}

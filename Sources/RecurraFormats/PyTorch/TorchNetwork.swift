internal import RecurraLayers
internal import RecurraTensor

/// The layers that a list of PyTorch's modules stands for, and the tensors that go into each.
///
/// Within the model sequences are [B, T, I]. A list whose recurrent modules say `batch_first` false reads [T, B, I], by
/// a batch axis of 1; one that begins with a convolution reads [B, I, T], through a `Permute`.
struct TorchNetwork {
  /// What is known of the values between two modules.
  enum Form {
    /// [B, T, I] in the model.
    case sequence
    /// [B, I].
    case row
  }

  let operation: String
  let modules: [TorchModule]
  var entries: [LayerEntry] = []
  var parts: [TorchPart] = []
  /// Whole numbers of a state dict that no layer has: how many batches a BatchNorm1d has seen.
  var counters: [(name: String, value: Int)] = []
  /// The features of the values, where a module has said them.
  var features: Int?
  var form: Form
  /// Tells whether PyTorch has the values as [B, I, T] here.
  var isChannelsFirst = false
  /// Tells whether PyTorch has the values as [T, B, I].
  let isTimeMajor: Bool
  /// Tells whether the recurrent layer before gives out the last timestep alone.
  var givesLast = false
  private(set) var inputShape: [Int?] = []
  private(set) var readsIDs = false

  /// Reads a list.
  init(_ json: JSONValue, operation: String) throws(RecurraError) {
    self.operation = operation
    guard case .array(let items) = json, !items.isEmpty else {
      throw RecurraError(.badFile, operation: operation, expected: "a list of modules", got: json.kind)
    }
    var modules: [TorchModule] = []
    for (index, item) in items.enumerated() {
      modules.append(try TorchModule(item, place: "\(operation), module \(index)"))
    }
    self.modules = modules
    var orders: Set<Bool> = []
    for module in modules where TorchRecurrent.kinds.contains(module.kind) {
      orders.insert(try TorchRecurrent(module).isBatchFirst)
    }
    guard orders.count <= 1 else {
      throw RecurraError(
        .badFile, operation: operation, expected: "batch_first alike in all modules", got: "both true and false")
    }
    isTimeMajor = orders == [false]
    let ofSequences = TorchRecurrent.kinds + ["Conv1d", "Embedding", "take_last", "take_mean"]
    form = modules.contains { ofSequences.contains($0.kind) } ? .sequence : .row
    let isSequence = form == .sequence
    // What keeps the channels in front reads them there, when nothing else has said how the values lie.
    let first = modules.first { !Self.activations.contains($0.kind) && $0.kind != "Dropout" }
    isChannelsFirst = isSequence && !isTimeMajor && ["Conv1d", "BatchNorm1d"].contains(first?.kind)
    if isChannelsFirst { append(Permute(dims: [2, 1])) }
    for (index, module) in modules.enumerated() {
      let isLast = modules.dropFirst(index + 1).first?.kind == "take_last"
      try add(module, isTakenLast: isLast)
      if inputShape.isEmpty, let features = inputFeatures {
        inputShape = readsIDs ? [nil, nil] : isSequence ? [nil, nil, features] : [nil, features]
        if entries.first?.layer is Permute { inputShape = [nil, features, nil] }
      }
    }
    if form == .sequence, isChannelsFirst { append(Permute(dims: [2, 1])) }
    guard !inputShape.isEmpty else {
      throw RecurraError(
        .badFile, operation: operation, expected: "a module that says how many features it reads", got: "none")
    }
  }

  /// What the first module reads that says how much.
  private var inputFeatures: Int?

  /// Notes how much a module reads, and refuses what the one before does not give.
  mutating func expect(_ count: Int, _ name: String, _ module: TorchModule) throws(RecurraError) {
    guard features ?? count == count else {
      throw module.failure("\(name) of \(features ?? count), what the module before gives", "\(count)")
    }
    if inputFeatures == nil { inputFeatures = count }
    features = count
  }

  /// Notes that the model reads ids.
  mutating func readIDs(_ module: TorchModule) throws(RecurraError) {
    guard inputFeatures == nil, entries.isEmpty else { throw module.failure("the first place", "a later one") }
    (readsIDs, inputFeatures) = (true, 0)
  }

  mutating func append(_ layer: any Layer, _ name: String? = nil) {
    let taken = Set(entries.compactMap(\.name))
    var unique = name
    var number = 1
    while let candidate = unique, taken.contains(candidate) {
      unique = "\(name ?? "layer")_\(number)"
      number += 1
    }
    entries.append(LayerEntry(layer: layer, name: unique))
  }

  mutating func append(_ part: TorchPart, _ name: String) {
    append(part.layer, name)
    parts.append(part)
  }

  /// The axis of the model's values that is an axis of PyTorch's; nil for the batch, and for none.
  func axis(_ dim: Int) -> Int? {
    let rank = form == .row ? 2 : 3
    let place = dim < 0 ? dim + rank : dim
    guard (0..<rank).contains(place) else { return nil }
    let order = form == .row ? [0, 1] : isTimeMajor ? [1, 0, 2] : isChannelsFirst ? [0, 2, 1] : [0, 1, 2]
    return order[place] == 0 ? nil : order[place]
  }

  /// The list, with what a state dict counts and no layer has.
  func counting(_ tensors: NamedValues<StoredTensor>) -> JSONValue {
    .array(
      modules.map { module in
        let name = module.tensorName("num_batches_tracked")
        guard module.kind == "BatchNorm1d", case .object(var members) = module.json,
          let stored = tensors.first(where: { $0.name == name || $0.name.hasSuffix("." + name) })?.value,
          stored.format == .int64, let bits = stored.bytes.littleEndian(at: 0, count: 8),
          let count = Int(exactly: bits)
        else { return module.json }
        members.removeAll { $0.name == "num_batches_tracked" }
        members.append((name: "num_batches_tracked", value: .integer(count)))
        return .object(members)
      })
  }

  /// Makes and builds the model.
  func model(dtype: DType) throws(RecurraError) -> Sequential {
    let model = Sequential(entries: entries, name: "sequential", seed: 0)
    do {
      try model.build(inputShape: inputShape, dtype: dtype)
    } catch {
      throw RecurraError(
        .badFile, operation: "\(operation), \(error.operation)", expected: error.expected, got: error.got)
    }
    return model
  }
}

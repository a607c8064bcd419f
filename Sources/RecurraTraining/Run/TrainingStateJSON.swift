internal import RecurraLayers
internal import RecurraTensor

extension TrainingState {
  /// The state but for tensors, as a model file keeps it.
  var json: JSONValue {
    var members: [(name: String, value: JSONValue)] = [
      ("seed", JSONValue(seed)), ("epoch", .integer(epoch)), ("batch", .integer(batch)), ("step", .integer(step)),
      ("history", history.json),
    ]
    if let metrics { members.append(("metrics", metrics.json)) }
    if let run { members.append(("run", run.json)) }
    members.append(("callbacks", .array(callbacks.map(\.json))))
    return .object(members)
  }

  /// Reads what `json` gave.
  ///
  /// - Parameter tensors: the optimiser's and the callbacks', as `tensors` gave them.
  /// - Throws: `badFile` for anything that is missing or of another kind.
  init(_ json: JSONValue, tensors: NamedValues<Tensor>) throws(RecurraError) {
    self.init()
    seed = try json.member("seed").seed
    (epoch, batch) = (try json.member("epoch").count, try json.member("batch").count)
    step = try json.member("step").count
    history = try History(json.member("history"))
    metrics = try json["metrics"].map { value throws(RecurraError) in try BatchMetrics(value) }
    run = try json["run"].map { value throws(RecurraError) in try RunRecord(value) }
    for (index, value) in try json.member("callbacks").elements.enumerated() {
      callbacks.append(try CallbackState(value, tensors: tensors.below("callbacks/\(index)/")))
    }
    optimizer = tensors.below("optimizer/")
  }

  /// The optimiser's and the callbacks' tensors by name.
  var tensors: NamedValues<Tensor> {
    var result: NamedValues<Tensor> = [:]
    for (name, tensor) in optimizer { result["optimizer/\(name)"] = tensor }
    for (index, callback) in callbacks.enumerated() {
      for (name, tensor) in callback.tensors { result["callbacks/\(index)/\(name)"] = tensor }
    }
    return result
  }
}

extension TrainingState.CallbackState {
  fileprivate var json: JSONValue {
    .object([
      ("class_name", .string(name)), ("config", configuration), ("state", state),
      ("is_given_again", .bool(isGivenAgain)),
    ])
  }

  fileprivate init(_ json: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    name = try json.member("class_name").plainText
    configuration = try json.member("config")
    state = try json.member("state")
    self.tensors = tensors
    isGivenAgain = try json.member("is_given_again").truth
  }
}

extension BatchMetrics {
  fileprivate var json: JSONValue {
    .array(([loss] + metrics).map { .array([JSONValue(exactly: $0.sum), JSONValue(exactly: $0.weight)]) })
  }

  fileprivate init(_ json: JSONValue) throws(RecurraError) {
    var sums: [WeightedSum] = []
    for pair in try json.elements {
      let numbers = try pair.elements
      guard numbers.count == 2 else { throw JSONValue.misfit("a sum and a weight", pair) }
      sums.append(WeightedSum(sum: try numbers[0].real, weight: try numbers[1].real))
    }
    guard let loss = sums.first else { throw JSONValue.misfit("the loss so far", json) }
    self.init(loss: loss, metrics: Array(sums.dropFirst()))
  }
}

extension RunRecord {
  fileprivate var json: JSONValue {
    .object([
      ("first_epoch", .integer(firstEpoch)), ("first_weights", .string(firstWeights)),
      ("is_stopped", .bool(isStopped)), ("is_complete", .bool(isComplete)), ("options", options.json),
    ])
  }

  fileprivate init(_ json: JSONValue) throws(RecurraError) {
    self.init(
      firstEpoch: try json.member("first_epoch").count, options: try RunOptions(json.member("options")),
      firstWeights: try json["first_weights"]?.plainText ?? "", isStopped: try json.member("is_stopped").truth,
      isComplete: try json.member("is_complete").truth)
  }
}

extension RunOptions {
  var json: JSONValue { .object(values.map { (name: $0.name, value: .string($0.text)) }) }

  init(_ json: JSONValue) throws(RecurraError) {
    for (name, value) in try json.members { self[name] = try value.plainText }
  }
}

extension History {
  fileprivate var json: JSONValue {
    let numbers = names.map { name in
      (name: name, value: JSONValue.array((columns[name] ?? []).map(JSONValue.init(exactly:))))
    }
    let parameters: [(name: String, value: JSONValue)] = [
      ("epochs", .integer(params.epochs)), ("steps", .integer(params.steps)), ("seed", JSONValue(params.seed)),
    ]
    var members: [(name: String, value: JSONValue)] = [
      ("epoch", .array(epoch.map { .integer($0) })), ("history", .object(numbers)), ("params", .object(parameters)),
    ]
    if let stop { members.append(("stop", .string(stop.rawValue))) }
    return .object(members)
  }

  fileprivate init(_ json: JSONValue) throws(RecurraError) {
    let parameters = try json.member("params")
    // How much was shown is left out: a run on a terminal is to leave the bytes of one elsewhere.
    self.init(
      .init(
        verbose: .auto, epochs: try parameters.member("epochs").count, steps: try parameters.member("steps").count,
        seed: try parameters.member("seed").seed))
    let epochs = try json.member("epoch").elements.map { value throws(RecurraError) in try value.count }
    var columns: [String: [Double?]] = [:]
    for (name, value) in try json.member("history").members {
      let numbers = try value.elements
      guard numbers.count <= epochs.count else { throw JSONValue.misfit("a number for each epoch", value) }
      columns[name] = try numbers.map { number throws(RecurraError) in number == .null ? nil : try number.real }
    }
    restore(epochs, columns)
    if let stop = json["stop"] { self.stop = Stop(rawValue: try stop.plainText) }
  }
}

extension NamedValues {
  /// What stands below a path, by the rest of its name.
  fileprivate func below(_ path: String) -> [String: Value] {
    var result: [String: Value] = [:]
    for (name, value) in self where name.hasPrefix(path) { result[String(name.dropFirst(path.count))] = value }
    return result
  }
}

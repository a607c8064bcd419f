internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// The data a subcommand works on.
enum DataFile {
  /// Reads inputs or targets; doubles become the model's type, for NumPy makes doubles unasked.
  static func read(_ path: String, for model: any Network) throws -> Tensor {
    let file = try InputSource.open(path)
    let tensor = try Tensor(numPy: file)
    guard tensor.dtype == .float64, model.dtype != .float64 else { return tensor }
    let numbers = tensor.scalars(as: Double.self)
    let limit = Double(Float.greatestFiniteMagnitude)
    if let index = numbers.firstIndex(where: { $0.isFinite && $0.magnitude > limit }) {
      let row = index / max(1, tensor.count / max(1, tensor.shape.first ?? 1))
      throw RecurraError(
        .badData, operation: file.operation, expected: "numbers that float32 can hold",
        got: "\(numbers[index]) in row \(row)")
    }
    return tensor.converted(to: .float32)
  }

  /// Reads the number of valid timesteps of each row.
  static func readLengths(_ path: String?) throws -> [Int]? {
    guard let path else { return nil }
    let file = try InputSource.open(path)
    let tensor = try Tensor(numPy: file)
    guard tensor.dtype == .int32, tensor.rank == 1 else {
      throw RecurraError(
        .badData, operation: file.operation, expected: "a vector of integers",
        got: "\(tensor.dtype) of shape \(tensor.shape)")
    }
    return tensor.scalars(as: Int32.self).map(Int.init)
  }

  /// Reads which timesteps of each row count.
  static func readMask(_ path: String?) throws -> SequenceMask? {
    guard let path else { return nil }
    let file = try InputSource.open(path)
    let tensor = try Tensor(numPy: file)
    do throws(RecurraError) {
      return try SequenceMask(steps: tensor)
    } catch {
      throw RecurraError(error.kind, operation: file.operation, expected: error.expected, got: error.got)
    }
  }

  /// Reads the inputs of a model, with the lengths of their rows and their masks.
  static func inputs(
    _ data: NamedOption, lengths: NamedOption, masks: NamedOption, for model: any Network
  ) throws -> LoadedInputs {
    let names = model.inputNames
    let paths = try data.texts(for: names, "inputs", isComplete: true).compactMap { $0 }
    let lengths = try lengths.texts(for: names, "inputs", isComplete: false)
    let masks = try masks.texts(for: names, "inputs", isComplete: false)
    let origin = [origin("x", paths, names), origin("lengths", lengths, names), origin("mask", masks, names)]
      .filter { !$0.isEmpty }.joined(separator: ", ")
    let batchAxis = model.batchAxes.input
    let values = try paths.map { try read($0, for: model).exchanged(batchAxis: batchAxis) }
    var joined: [SequenceMask] = []
    for (lengths, mask) in zip(lengths, masks) {
      let (lengths, mask) = (try readLengths(lengths), try readMask(mask))
      joined.append(try naming(origin) { () throws(RecurraError) in try SequenceMask(lengths, mask) })
    }
    return LoadedInputs(values: values, masks: joined, origin: origin, firstPath: paths[0])
  }

  /// Says which file is what: "x from a.npy"; of several inputs or outputs with their names.
  static func origin(_ what: String, _ paths: [String?], _ names: [String]) -> String {
    zip(names, paths).compactMap { name, path in
      path.map { "\(what)\(names.count > 1 ? " \(name.excerpt)" : "") from \(InputSource.name(of: $0))" }
    }.joined(separator: ", ")
  }

  /// Runs work on data and adds to its errors where the data came from.
  static func naming<Result>(
    _ origin: String, validation: String? = nil, _ work: () throws(RecurraError) -> Result
  ) throws(RecurraError) -> Result {
    do throws(RecurraError) {
      return try work()
    } catch {
      guard error.kind == .badData else { throw error }
      var origin = origin
      if let validation {
        // An error of a layer does not say in which data it has found what it got.
        let isKnown = error.operation.contains("fit")
        let isValidation = error.operation.contains("validation")
        origin = isValidation ? validation : isKnown ? origin : "\(origin); validation: \(validation)"
      }
      throw RecurraError(
        error.kind, operation: "\(error.operation), \(origin)", expected: error.expected, got: error.got)
    }
  }
}

/// The inputs of a model, and the files they came from.
struct LoadedInputs {
  let values: [Tensor]
  let masks: [SequenceMask]
  /// Names the files in errors: "x from a.npy, lengths from b.npy, mask from c.npy".
  let origin: String
  /// The file of the first input.
  let firstPath: String
}

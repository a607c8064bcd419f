internal import Recurra

/// A model of recurrent layers and a batch for it; every number follows from the case's name.
struct FingerprintCase: Sendable {
  /// What computes a step.
  enum Cell: String, CaseIterable {
    case rnn, lstm, gru
    /// Cells without fused gates.
    case reluRNN, hardLSTM, resetBeforeGRU
    /// Cells with parameters of their own, one with fused gates and one without.
    case peepholeLSTM, indRNN

    var isFused: Bool { self == .rnn || self == .lstm || self == .gru }
  }

  /// What is around the cell.
  enum Form: String, CaseIterable {
    case full, ragged, last, noBias, both, bothRagged, stack2, stack3Ragged, lookup, lookupBothRagged, deepStacks

    var isRagged: Bool { self == .ragged || self == .bothRagged || self == .stack3Ragged || self == .lookupBothRagged }
    var looksUp: Bool { self == .lookup || self == .lookupBothRagged }
    var layerCount: Int { self == .stack3Ragged ? 3 : self == .stack2 || self == .deepStacks ? 2 : 1 }
  }

  static let idCount = 40
  private static let batches = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64, 65, 100, 130]
  /// T, I, H: a vector and less, tiles and their ends, caches and beyond.
  private static let shapes = [
    (5, 3, 4), (7, 5, 9), (12, 60, 100), (9, 16, 32), (6, 33, 65), (20, 8, 64), (4, 100, 130), (11, 1, 17), (3, 7, 1),
    (8, 40, 48), (5, 64, 256),
  ]

  let cell: Cell
  let form: Form
  let dtype: DType
  let batch: Int
  let timesteps: Int
  let inputs: Int
  let units: Int

  /// Tells whether the bits depend on OpenBLAS' kernels, and so on the processor.
  var needsOpenBLAS: Bool { dtype == .float64 }

  var name: String {
    "\(cell)-\(form)\(dtype == .float64 ? "-float64" : "")-b\(batch)-t\(timesteps)-i\(inputs)-h\(units)"
  }

  /// Ten sizes for each fused cell and each form; three for the other cells, and for double precision.
  static let all: [FingerprintCase] = Cell.allCases.enumerated().flatMap { cellIndex, cell in
    Form.allCases.enumerated().flatMap { formIndex, form in
      (0..<(cell.isFused ? 13 : 3)).map { index in
        let (timesteps, inputs, units) = shapes[(index + formIndex) % shapes.count]
        return FingerprintCase(
          cell: cell, form: form, dtype: index < 10 ? .float32 : .float64,
          batch: batches[(7 * index + 3 * formIndex + cellIndex) % batches.count], timesteps: timesteps, inputs: inputs,
          units: units)
      }
    }
  }

  /// The model with its weights.
  func model() throws -> Sequential {
    var layers: [any Layer] = form.looksUp ? [Embedding(inputDim: Self.idCount, outputDim: inputs)] : []
    if form == .deepStacks {
      layers.append(Bidirectional([layer(isLast: false), layer(isLast: false)], merge: .sum))
    } else {
      for index in 0..<form.layerCount {
        let layer = layer(isLast: index == form.layerCount - 1)
        switch form {
        case .both, .lookupBothRagged: layers.append(Bidirectional(layer))
        case .bothRagged: layers.append(Bidirectional(layer, merge: .average))
        default: layers.append(layer)
        }
      }
    }
    let model = Sequential(layers)
    try model.build(inputShape: form.looksUp ? [nil, nil] : [nil, nil, inputs], dtype: dtype)
    try model.setWeights(
      model.weights.enumerated().map { index, weight in
        // Sums of about 1, where gates are neither open nor shut.
        let scale = weight.rank == 2 ? 1.7 / Double(weight.shape[0]).squareRoot() : 1
        return numbers("weights \(index)").tensor(weight.shape, scale: scale)
      })
    return model
  }

  /// One layer of the model; the last one gives out its states besides, unless they belong to a stack.
  private func layer(isLast: Bool) -> any RecurrentLayer {
    let (sequences, states) = (!isLast || form != .last, isLast)
    switch cell {
    case .rnn, .reluRNN:
      return SimpleRNN(
        units: units, activation: cell == .rnn ? .tanh : .relu, useBias: form != .noBias, returnSequences: sequences,
        returnState: states)
    case .lstm, .hardLSTM:
      return LSTM(
        units: units, recurrentActivation: cell == .lstm ? .sigmoid : .hardSigmoid, useBias: form != .noBias,
        returnSequences: sequences, returnState: states)
    case .peepholeLSTM:
      return LSTM(
        units: units, useBias: form != .noBias, returnSequences: sequences, returnState: states, usePeepholes: true)
    case .indRNN:
      return IndRNN(units: units, useBias: form != .noBias, returnSequences: sequences, returnState: states)
    case .gru, .resetBeforeGRU:
      return GRU(
        units: units, useBias: form != .noBias, returnSequences: sequences, returnState: states,
        resetAfter: cell == .gru)
    }
  }

  /// The inputs: vectors, or ids.
  var input: Tensor {
    form.looksUp
      ? numbers("ids").ids([batch, timesteps], below: Self.idCount)
      : numbers("x").tensor([batch, timesteps, inputs], scale: 1).converted(to: dtype)
  }

  /// The valid timesteps of each row, none among them.
  var lengths: [Int]? {
    form.isRagged ? numbers("lengths").ids([batch], below: timesteps + 1).scalars(as: Int32.self).map { Int($0) } : nil
  }

  /// Numbers of this case by what they are for.
  func numbers(_ purpose: String) -> Numbers { Numbers("\(name) \(purpose)") }
}

import Recurra
import RecurraCells
import RecurraLayers
import RecurraTensor
import RecurraTraining

/// The lesson's program: Embedding(60) → cell(100) → Dense(10, relu) → Dense(6, softmax), Adam, batches of 64, a
/// share of 0.3 for validation; 8,000 sequences of 50 out of 5,000 words, or 27.
struct Program {
  let name: ProgramName
  let cell: Case.Cell
  let isBidirectional: Bool
  let threads: Int
  let multiplier: MultiplierChoice
  let stopwatch: Stopwatch

  private static let (samples, timesteps, batch) = (8_000, 50, 64)

  /// Seconds of the parts of an epoch, found by elimination.
  private struct Shares {
    let epoch, recurrent, optimizer: Double
    var rest: Double { max(0, epoch - recurrent - optimizer) }
  }

  private var cellName: String { (isBidirectional ? "bi" : "") + cell.rawValue }

  func run(json: Bool) throws {
    Threads.count = threads
    MultiplierChoice.current = multiplier
    Report.timing("epochs of the program \(name.rawValue), \(cellName), \(Report.count(threads, "thread"))")
    let random = RandomSource(seed: 3)
    let shape = [Self.samples, Self.timesteps]
    let x = random.stream(0).uniform(shape, in: 0..<Double(name.vocabulary), dtype: .float64).converted(to: .int32)
    let y = random.stream(1).uniform([Self.samples], in: 0..<6, dtype: .float64).converted(to: .int32)
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
    let clock = ContinuousClock()
    // The first epoch fills the pools and packs the weights; it does not count.
    let epochs = try (0...max(3, stopwatch.repetitions / 2)).map { _ in
      let elapsed = try clock.measure {
        _ = try trainer.fit(x, y, batchSize: Self.batch, epochs: 1, validationSplit: 0.3, verbose: .silent)
      }
      return Self.seconds(elapsed)
    }.dropFirst().sorted()
    let shares = Shares(
      epoch: epochs[epochs.count / 2], recurrent: try recurrentSeconds(trainer, x[0..<Self.batch]),
      optimizer: try optimizerSeconds(trainer))
    let sequences = Double(Self.samples) / shares.epoch
    // Weights as they are: the second time all is packed, and multiplied with the table.
    let predictions = try (0...max(3, stopwatch.repetitions / 2)).map { _ in
      try clock.measure { _ = try trainer.predict(x, batchSize: Self.batch) }
    }.dropFirst().sorted()
    let predicted = Double(Self.samples) / Self.seconds(predictions[predictions.count / 2])
    guard !json else {
      let members: [(name: String, value: JSONLine.Value)] = [
        ("program", .text(name.rawValue)), ("cell", .text(cellName)), ("threads", .count(threads)),
        ("epoch_seconds", .number(shares.epoch)),
        ("min_epoch_seconds", .number(epochs[0])), ("sequences_per_second", .number(sequences)),
        ("predicted_sequences_per_second", .number(predicted)),
        ("recurrent_share", .number(shares.recurrent / shares.epoch)),
        ("optimizer_share", .number(shares.optimizer / shares.epoch)),
        ("rest_share", .number(shares.rest / shares.epoch)),
      ]
      Report.line(JSONLine(members).text)
      return
    }
    func percent(_ seconds: Double) -> String { Table.fixed(100 * seconds / shares.epoch, 1) + " %" }
    Report.line(
      """
      program \(name.rawValue), \(Table.left(cellName, 7)) \(Table.fixed(shares.epoch, 3)) s an epoch, \
      \(Table.fixed(sequences, 0)) sequences/s; embedding and recurrent layer \(percent(shares.recurrent)), optimiser \
      \(percent(shares.optimizer)), all else \(percent(shares.rest)); prediction \(Table.fixed(predicted, 0)) \
      sequences/s
      """)
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  private var model: Sequential {
    Sequential {
      Embedding(inputDim: name.vocabulary, outputDim: 60)
      if isBidirectional { Bidirectional(layer) } else { layer }
      Dense(units: 10, activation: .relu)
      Dense(units: 6, activation: .softmax)
    }
  }

  private var layer: any RecurrentLayer {
    switch cell {
    case .rnn: SimpleRNN(units: 100)
    case .lstm: LSTM(units: 100)
    case .gru: GRU(units: 100)
    case .peephole: LSTM(units: 100, usePeepholes: true)
    case .indrnn: IndRNN(units: 100)
    case .coupled: LSTM(units: 100, coupleGates: true)
    case .clipped: LSTM(units: 100, clip: 3, memoryClip: 10)
    case .layernorm: LayerNormLSTM(units: 100)
    case .layernormgru: LayerNormGRU(units: 100)
    case .mgu: MGU(units: 100)
    case .mingru: MinGRU(units: 100)
    case .minlstm: MinLSTM(units: 100)
    case .slstm: SLSTM(units: 100)
    case .projected: LSTM(units: 100, projectionUnits: 50)
    case .dropped: LSTM(units: 100, recurrentDropout: 0.2)
    case .composed: Recurrent(ComposedLSTM(), units: 100)
    case .held: Recurrent(LSTMCell(), units: 100, noise: RecurrentNoise(zoneout: 0.1, memoryZoneout: 0.1))
    }
  }

  /// The embedding and the recurrent layer alone, on the batches of an epoch: training steps on seven tenths, inference
  /// on the rest.
  private func recurrentSeconds(_ trainer: Trainer, _ ids: Tensor) throws -> Double {
    let layers = trainer.model.layers[...1]
    let parameters = layers.flatMap(\.parameters)
    var failure: (any Error)?
    func seconds(_ context: ForwardContext, _ then: (Tensor) -> Void) -> Double {
      stopwatch.time {
        do {
          then(try layers.reduce(Signal(ids)) { try $1.forward($0, context) }.value)
        } catch { failure = error }
      }.median * Double(Self.samples) / Double(Self.batch)
    }
    let training = ForwardContext(isTraining: true, isRecording: true, differentiatesParametersOnly: true)
    let trained = seconds(training) { output in
      _ = output.sparseGradients(withRespectTo: parameters.map(\.tracked), seed: .ones(output.shape))
    }
    let inferred = seconds(ForwardContext()) { _ in }
    if let failure { throw failure }
    return 0.7 * trained + 0.3 * inferred
  }

  /// The update of all parameters alone, as often as in an epoch.
  private func optimizerSeconds(_ trainer: Trainer) throws -> Double {
    let state = OptimizerState(.adam(), trainer.model.namedParameters)
    var gradients = state.parameters.map { Gradient.dense(.full($0.shape, 1e-3)) }
    var failure: (any Error)?
    let time = stopwatch.time {
      do { try state.update(&gradients) { "benchmark" } } catch { failure = error }
    }
    if let failure { throw failure }
    return time.median * (0.7 * Double(Self.samples) / Double(Self.batch)).rounded(.up)
  }
}

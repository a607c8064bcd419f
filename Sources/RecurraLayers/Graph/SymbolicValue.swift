internal import RecurraTensor
internal import Synchronization

/// A value of a model that is not there yet: what an input or a layer will give.
///
/// Layers that are called with it give symbolic values in turn, and `Model` makes a model of what leads from its inputs
/// to its outputs.
///
/// ```swift
/// let x = Input(shape: [nil, 8])
/// let h = LSTM(units: 16)(x)
/// let model = try Model(inputs: [x], outputs: [Dense(units: 1)(h)])
/// ```
public struct SymbolicValue: Sendable {
  /// What gives the value.
  let call: SymbolicCall
  /// Which of its outputs it is.
  let output: Int

  /// Makes an input of a model.
  ///
  /// - Parameters:
  ///   - shape: the extents behind the batch; nil for one that is not known, such as time.
  ///   - batchSize: the number of rows, where every call has the same; nil for any.
  ///   - name: the input's name; "input_layer" with a number when left out.
  public init(shape: [Int?], batchSize: Int? = nil, name: String? = nil) {
    call = SymbolicCall(.input(shape: [batchSize] + shape), name: name, inputs: [])
    output = 0
  }

  init(_ call: SymbolicCall, output: Int) {
    (self.call, self.output) = (call, output)
  }
}

/// An input of a model.
public typealias Input = SymbolicValue

/// An input, or a layer called with values that are not there yet.
final class SymbolicCall: Sendable {
  enum Kind: Sendable {
    case input(shape: [Int?])
    case layer(any Layer)
  }

  let kind: Kind
  let name: String?
  /// Grows from call to call: calls of a layer are numbered in the order of the program, as Keras numbers them.
  let serial: Int
  private static let serials = Atomic(0)
  private let storage: Guarded<[SymbolicValue]>

  init(_ kind: Kind, name: String?, inputs: [SymbolicValue]) {
    self.kind = kind
    self.name = name
    serial = Self.serials.wrappingAdd(1, ordering: .relaxed).newValue
    storage = Guarded(inputs)
  }

  /// What the layer is called with.
  var inputs: [SymbolicValue] { storage.withLock { $0 } }

  private func takeInputs() -> [SymbolicCall] { storage.exchange([]).map(\.call) }

  /// Lets go of what leads here without recursion: a thousand layers must not need as many stack frames.
  deinit {
    var pending = takeInputs()
    while var last = pending.popLast() {
      if isKnownUniquelyReferenced(&last) { pending += last.takeInputs() }
    }
  }
}

/// Layers applied to values that are not there yet.
extension Layer {
  /// Applies the layer to values of a graph, and gives its output; of several the first one.
  ///
  /// Called again, the layer has the same weights there, and their gradients add up.
  ///
  /// - Parameters:
  ///   - input: the first input.
  ///   - others: further ones, such as initial states.
  ///   - name: what the model calls the layer; its class in snake case when left out.
  public func callAsFunction(
    _ input: SymbolicValue, _ others: SymbolicValue..., name: String? = nil
  ) -> SymbolicValue {
    SymbolicValue(SymbolicCall(.layer(self), name: name, inputs: [input] + others), output: 0)
  }

  /// Applies the layer to values of a graph, and gives all its outputs: of a recurrent layer with `returnState` its
  /// output and the states.
  ///
  /// - Parameters:
  ///   - inputs: all inputs.
  ///   - name: what the model calls the layer; its class in snake case when left out.
  public func callAsFunction(_ inputs: [SymbolicValue], name: String? = nil) -> [SymbolicValue] {
    let call = SymbolicCall(.layer(self), name: name, inputs: inputs)
    return (0..<outputCount).map { SymbolicValue(call, output: $0) }
  }
}

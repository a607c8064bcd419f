public import RecurraTensor

/// Knows by name what a file may ask for: layers, and what training has of one's own.
///
/// A file only names things. What a name makes is decided here, so that a file makes nothing its reader does not know.
///
/// ```swift
/// var registry = Registry.standard
/// registry.register(Attention.self)
/// let model = try Sequential.load(from: "model.safetensors", registry: registry)
/// ```
public struct Registry: Sendable {
  private var layerTypes: [String: any Layer.Type] = [:]
  private var entries: [String: [String: any Sendable]] = [:]

  /// All layers of this package, by Keras' class names.
  public static let standard = Registry([
    Embedding.self, Dense.self, Dropout.self, ActivationLayer.self, Flatten.self, TimeDistributed.self,
    LayerNormalization.self, SimpleRNN.self, LSTM.self, GRU.self, RNN.self, IndRNN.self, MGU.self,
    MinGRU.self, MinLSTM.self, SLSTM.self, LayerNormLSTM.self, LayerNormGRU.self, Bidirectional.self, Sequential.self,
    Model.self, Add.self, Subtract.self, Multiply.self, Average.self, Maximum.self, Minimum.self, Concatenate.self,
    Dot.self, Softmax.self, Masking.self, Reshape.self, Permute.self, RepeatVector.self, ZeroPadding1D.self,
    Cropping1D.self, UpSampling1D.self, ReLU.self, LeakyReLU.self, ELU.self, PReLU.self, Rescaling.self,
    Normalization.self, BatchNormalization.self, GroupNormalization.self, RMSNormalization.self,
    UnitNormalization.self, Conv1D.self, DepthwiseConv1D.self, SeparableConv1D.self, MaxPooling1D.self,
    AveragePooling1D.self, GlobalMaxPooling1D.self, GlobalAveragePooling1D.self, SpatialDropout1D.self,
    GaussianNoise.self, GaussianDropout.self, AlphaDropout.self, Attention.self, AdditiveAttention.self,
    MultiHeadAttention.self, TiedDense.self, ActivityRegularization.self, TensorOperation.self,
  ])

  private init(_ types: [any Layer.Type]) {
    for type in types { register(type) }
  }

  /// Makes a layer of one's own known by its `typeName`; it takes the place of one with the same name.
  public mutating func register(_ type: any Layer.Type) { layerTypes[type.typeName] = type }

  /// Returns a registry that also knows a layer of one's own.
  public func adding(_ type: any Layer.Type) -> Registry {
    var result = self
    result.register(type)
    return result
  }

  /// The names of all layers that are known.
  package var layerNames: Set<String> { Set(layerTypes.keys) }

  /// What is known by a name among things of a kind, such as "loss"; nil when nothing is.
  package subscript(kind: String, name: String) -> (any Sendable)? {
    get { entries[kind]?[name] }
    set { entries[kind, default: [:]][name] = newValue }
  }

  /// Returns what is known by a name among things of a kind.
  ///
  /// - Throws: `badArgument` naming what is to be registered when nothing of that name and type is known.
  package func entry<Entry: Sendable>(
    _ kind: String, _ name: String, as type: Entry.Type = Entry.self
  ) throws(RecurraError) -> Entry {
    if let entry = self[kind, name] as? Entry { return entry }
    let known = (entries[kind] ?? [:]).filter { $1 is Entry }.keys.sorted()
    throw RecurraError(
      .badArgument, operation: "registry", expected: "a \(kind) \(name.excerpt), made known by registry.register(_:)",
      got: known.isEmpty ? "none" : "only \(known.joined(separator: ", "))")
  }

  /// Makes a layer from `{"class_name": …, "config": {…}}`, as Keras writes it.
  ///
  /// - Throws: `badArgument` for an unknown class, and for an argument that is unknown, wrong or not supported.
  public func layer(from json: JSONValue) throws(RecurraError) -> any Layer {
    guard case .string(let className)? = json["class_name"] else {
      throw RecurraError(.badArgument, operation: "layer", expected: "an object with a class_name", got: json.shortText)
    }
    guard let type = layerTypes[className] else {
      throw RecurraError(
        .badArgument, operation: "layer",
        expected: "one of \(layerTypes.keys.sorted().joined(separator: ", ")), or one made known by "
          + "registry.register(_:)",
        got: className.excerpt)
    }
    let arguments = LayerArguments(
      typeName: className, values: try json.arguments("\(className) config"), registry: self)
    let layer = try type.init(configuration: arguments)
    try layer.parameterRules?.read(arguments)
    try arguments.requireAllRead()
    return layer
  }
}

/// The former name of `Registry`.
@available(*, unavailable, renamed: "Registry")
public typealias LayerRegistry = Registry

extension Layer {
  /// The layer in the form that `Registry` and Keras read: class name and arguments, these in alphabetical order.
  public var json: JSONValue { json(adding: [:]) }

  func json(adding extra: [String: JSONValue]) -> JSONValue {
    let rules = parameterRules?.configuration ?? [:]
    let arguments = configuration.merging(rules) { $1 }.merging(extra) { $1 }.sorted { $0.key < $1.key }.map {
      (name: $0.key, value: $0.value)
    }
    return .object([("class_name", .string(Self.typeName)), ("config", .object(arguments))])
  }
}

internal import RecurraLayers
internal import RecurraTensor

/// Says a layer's arguments of Keras 1 and 2 in the words of Keras 3.
struct KerasArgumentsOfOld {
  let version: KerasVersion
  let className: String

  /// - Throws: `badArgument` for an argument that is honoured nowhere here, by its name.
  func modern(
    _ arguments: [(name: String, value: JSONValue)]
  ) throws(RecurraError) -> [(name: String, value: JSONValue)] {
    var result: [(name: String, value: JSONValue)] = []
    for (name, value) in arguments {
      if name == "time_major", value == .bool(true) {
        throw RecurraError(
          .badArgument, operation: className, expected: "time_major false: rows first, then timesteps", got: "true")
      }
      guard !Self.idle.contains(name) else { continue }
      var value = value
      if name == "axis", version.major < 3, case .array(let axes) = value, axes.count == 1 { value = axes[0] }
      let newName = version.major < 2 ? Self.firstNames(className)[name] ?? name : name
      result.append((Self.secondNames(className)[newName] ?? newName, activation(newName, value)))
    }
    func setDefault(_ name: String, _ value: JSONValue) {
      if !result.contains(where: { $0.name == name }) { result.append((name, value)) }
    }
    guard version.major < 3 else { return result }
    switch className {
    case "GRU":
      // The gate was applied before the product until Keras could choose.
      setDefault("reset_after", .bool(false))
      setDefault("recurrent_activation", Self.hardSigmoid)
    case "LSTM":
      setDefault("recurrent_activation", version < KerasVersion(.string("2.3")) ? Self.hardSigmoid : .string("sigmoid"))
    case "CuDNNGRU": result += [("reset_after", .bool(true))]
    default: break
    }
    return result
  }

  /// Keras' hard sigmoid was max(0, min(1, x/5 + 1/2)) until Keras 3 made it x/6 + 1/2.
  private static let hardSigmoid = JSONValue.string(Activation.clippedLine(alpha: 0.2, beta: 0.5).rawValue)

  private func activation(_ name: String, _ value: JSONValue) -> JSONValue {
    guard name.hasSuffix("activation"), value == .string("hard_sigmoid"), version.major < 3 else { return value }
    return Self.hardSigmoid
  }

  /// What changes no number.
  private static let idle: Set<String> = [
    "implementation", "unroll", "time_major", "consume_less", "ragged", "sparse", "batch_input_dtype", "input_dtype",
    "quantization_config",
  ]

  private static func firstNames(_ className: String) -> [String: String] {
    let recurrent = ["LSTM", "GRU", "SimpleRNN"].contains(className)
    var names = [
      "init": className == "Embedding" ? "embeddings_initializer" : "kernel_initializer",
      "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation", "bias": "use_bias",
      "W_regularizer": className == "Embedding" ? "embeddings_regularizer" : "kernel_regularizer",
      "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer",
      "W_constraint": className == "Embedding" ? "embeddings_constraint" : "kernel_constraint",
      "b_constraint": "bias_constraint", "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "p": "rate",
      "nb_filter": "filters", "filter_length": "kernel_size", "subsample_length": "strides", "border_mode": "padding",
      "pool_length": "pool_size", "stride": "strides",
    ]
    if recurrent || className == "Dense" { names["output_dim"] = "units" }
    return names
  }

  private static func secondNames(_ className: String) -> [String: String] {
    className == "LeakyReLU" ? ["alpha": "negative_slope"] : [:]
  }
}

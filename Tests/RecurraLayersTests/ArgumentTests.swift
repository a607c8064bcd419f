import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Arguments from JSON: defaults, null, numbers outside their ranges.
@Suite struct ArgumentTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  private func layer(_ className: String, _ config: String) throws -> any Layer {
    try Registry.standard.layer(from: parse(#"{"class_name": "\#(className)", "config": \#(config)}"#))
  }

  struct Default: Sendable, CustomTestStringConvertible {
    let className: String
    let config: String
    /// The layer as Swift makes it when only what must be said is said.
    let make: @Sendable () -> any Layer
    /// What Keras has for the arguments that have defaults.
    let keras: String
    var testDescription: String { className }
  }

  private static let recurrent =
    #""use_bias": true, "return_sequences": false, "return_state": false, "go_backwards": false, "#
    + #""zero_output_for_mask": false, "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}, "#
    + #""recurrent_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0}}, "#
    + #""bias_initializer": {"class_name": "Zeros", "config": {}}, "activation": "tanh""#

  static let defaults = basic + around

  private static let basic = [
    Default(
      className: "Embedding", config: #"{"input_dim": 3, "output_dim": 2}"#,
      make: { Embedding(inputDim: 3, outputDim: 2) },
      keras: #""mask_zero": false, "embeddings_initializer": {"class_name": "RandomUniform", "#
        + #""config": {"minval": -0.05, "maxval": 0.05}}"#),
    Default(
      className: "Dense", config: #"{"units": 2}"#, make: { Dense(units: 2) },
      keras: #""activation": "linear", "use_bias": true, "#
        + #""kernel_initializer": {"class_name": "GlorotUniform", "config": {}}, "#
        + #""bias_initializer": {"class_name": "Zeros", "config": {}}"#),
    Default(className: "Dropout", config: #"{"rate": 0.5}"#, make: { Dropout(rate: 0.5) }, keras: ""),
    Default(
      className: "Activation", config: #"{"activation": "relu"}"#, make: { ActivationLayer(.relu) }, keras: ""),
    Default(className: "Flatten", config: "{}", make: { Flatten() }, keras: ""),
    Default(
      className: "TimeDistributed", config: #"{"layer": {"class_name": "Flatten"}}"#,
      make: { TimeDistributed(Flatten()) }, keras: ""),
    Default(
      className: "LayerNormalization", config: "{}", make: { LayerNormalization() },
      keras: #""epsilon": 0.001, "center": true, "scale": true, "#
        + #""beta_initializer": {"class_name": "Zeros", "config": {}}, "#
        + #""gamma_initializer": {"class_name": "Ones", "config": {}}"#),
    Default(className: "SimpleRNN", config: #"{"units": 2}"#, make: { SimpleRNN(units: 2) }, keras: recurrent),
    Default(
      className: "LSTM", config: #"{"units": 2}"#, make: { LSTM(units: 2) },
      keras: recurrent + #", "recurrent_activation": "sigmoid", "unit_forget_bias": true"#),
    Default(
      className: "GRU", config: #"{"units": 2}"#, make: { GRU(units: 2) },
      keras: recurrent + #", "recurrent_activation": "sigmoid", "reset_after": true"#),
    Default(
      className: "RNN", config: #"{"layers": [{"class_name": "GRU", "config": {"units": 2}}]}"#,
      make: { RNN([GRU(units: 2)]) }, keras: #""dropout": 0.0, "residual": false"#),
    Default(
      className: "LayerNormLSTM", config: #"{"units": 2}"#, make: { LayerNormLSTM(units: 2) },
      keras: recurrent + #", "recurrent_activation": "sigmoid", "unit_forget_bias": true, "epsilon": 0.001"#),
    Default(
      className: "LayerNormGRU", config: #"{"units": 2}"#, make: { LayerNormGRU(units: 2) },
      keras: recurrent + #", "recurrent_activation": "sigmoid", "epsilon": 0.001"#),
    Default(
      className: "MGU", config: #"{"units": 2}"#, make: { MGU(units: 2) },
      keras: recurrent + #", "recurrent_activation": "sigmoid""#),
    Default(
      className: "MinGRU", config: #"{"units": 2}"#, make: { MinGRU(units: 2) },
      keras: recurrent.replacingOccurrences(of: "tanh", with: "linear") + #", "recurrent_activation": "sigmoid""#),
    Default(
      className: "MinLSTM", config: #"{"units": 2}"#, make: { MinLSTM(units: 2) },
      keras: recurrent.replacingOccurrences(of: "tanh", with: "linear")),
    Default(className: "SLSTM", config: #"{"units": 2}"#, make: { SLSTM(units: 2) }, keras: recurrent),
    Default(
      className: "IndRNN", config: #"{"units": 2}"#, make: { IndRNN(units: 2) },
      keras: recurrent.replacingOccurrences(of: "tanh", with: "relu")),
    Default(
      className: "Bidirectional", config: #"{"layer": {"class_name": "GRU", "config": {"units": 2}}}"#,
      make: { Bidirectional(GRU(units: 2)) }, keras: #""merge_mode": "concat""#),
    Default(
      className: "Sequential", config: #"{"layers": [{"class_name": "Flatten"}]}"#,
      make: { Sequential([Flatten()]) }, keras: #""name": "sequential""#),
    Default(className: "Add", config: "{}", make: { Add() }, keras: ""),
    Default(className: "Concatenate", config: "{}", make: { Concatenate() }, keras: #""axis": -1"#),
    Default(
      className: "Dot", config: #"{"axes": [2, 1]}"#, make: { Dot(axes: [2, 1]) }, keras: #""normalize": false"#),
    Default(className: "Softmax", config: "{}", make: { Softmax() }, keras: #""axis": -1"#),
  ]

  /// The names of all layers, in the order of errors; a model of several inputs and outputs has no default.
  static let names = (defaults.map(\.className) + ["Functional", "TensorOperation"]).sorted()

  @Test func theLastAxisMayBeAloneInAList() throws {
    func layer(_ axis: JSONValue) throws -> any Layer {
      try Registry.standard.layer(
        from: .object([
          ("class_name", .string("LayerNormalization")), ("config", .object([("axis", axis)])),
        ]))
    }
    for axis in [JSONValue.integer(-1), .number(-1), .array([.integer(-1)]), .null] { _ = try layer(axis) }
    for axis in [JSONValue.integer(1), .array([.integer(-2)]), .array([.integer(-1), .integer(-2)]), .string("-1")] {
      #expect(throws: RecurraError.self) { try layer(axis) }
    }
  }

  @Test func numbersThatAreNoneAreRefused() {
    for value in [Double.infinity, -.infinity, .nan] {
      let arguments = LayerArguments(typeName: "Own", values: ["x": .number(value)])
      let error = #expect(throws: RecurraError.self) { try arguments.number("x") }
      #expect(error?.kind == .badArgument && error?.operation == "Own argument x")
    }
    // Only a model freezes its layers: within a wrapper there is nobody who would.
    let inner = JSONValue.object([
      ("class_name", .string("LSTM")),
      ("config", .object([("units", .integer(2)), ("trainable", .bool(false))])),
    ])
    let frozen = JSONValue.object([
      ("class_name", .string("Bidirectional")), ("config", .object([("layer", inner)])),
    ])
    let error = #expect(throws: RecurraError.self) { try Registry.standard.layer(from: frozen) }
    #expect(error?.description.contains("trainable") == true)
  }

  @Test(arguments: defaults) func defaultsAreThoseOfSwiftAndOfKeras(_ example: Default) throws {
    let read = try layer(example.className, example.config)
    #expect(read.json == example.make().json)
    let keras = try parse("{\(example.keras)}")
    guard case .object(let members) = keras else { return }
    for (name, value) in members { #expect(read.configuration[name] == value, "\(name)") }
    // Nothing has a default that this table does not know.
    let given = try parse(example.config)
    for name in read.configuration.keys { #expect(keras[name] != nil || given[name] != nil, "\(name)") }
  }

  @Test func everyLayerOfThePackageHasADefaultHere() {
    let error = #expect(throws: RecurraError.self) { try layer("Nothing", "{}") }
    for className in Self.defaults.map(\.className) { #expect(error?.expected.contains(className) == true) }
    // A graph and an operation have no defaults: all of them must be said.
    let known = (error?.expected.split(separator: ", or one").first ?? "").split(separator: ",")
    #expect(known.count == Self.defaults.count + 2 && known.contains(" Functional"))
    #expect(known.contains(" TensorOperation"))
  }

  @Test func nullIsLinearForActivationsAndTheDefaultElsewhere() throws {
    #expect((try layer("LSTM", #"{"units": 2, "activation": null}"#) as? LSTM)?.cell.activation == .linear)
    #expect((try layer("LSTM", #"{"units": 2, "activation": null}"#) as? LSTM)?.cell.recurrentActivation == .sigmoid)
    let gates = try layer("LSTM", #"{"units": 2, "recurrent_activation": null}"#) as? LSTM
    #expect(gates?.cell.recurrentActivation == .linear && gates?.cell.activation == .tanh)
    #expect((try layer("GRU", #"{"units": 2, "activation": null}"#) as? GRU)?.cell.activation == .linear)
    #expect((try layer("SimpleRNN", #"{"units": 2, "activation": null}"#) as? SimpleRNN)?.cell.activation == .linear)
    #expect((try layer("Dense", #"{"units": 2, "activation": null}"#) as? Dense)?.activation == .linear)
    #expect((try layer("Activation", #"{"activation": null}"#) as? ActivationLayer)?.activation == .linear)
    for example in Self.defaults {
      let required = try parse(example.config)
      let layer = try layer(example.className, example.config)
      for name in layer.configuration.keys where required[name] == nil && !name.hasSuffix("activation") {
        // Keras' null for outputs that are kept apart.
        guard name != "merge_mode" else { continue }
        let config = example.config.dropLast() + (example.config == "{}" ? "" : ", ") + "\"\(name)\": null}"
        #expect(try self.layer(example.className, String(config)).json == layer.json, "\(example.className) \(name)")
      }
    }
    #expect(
      (try layer("Bidirectional", #"{"layer": {"class_name": "GRU", "config": {"units": 2}}, "merge_mode": null}"#)
        as? Bidirectional)?.merge == Bidirectional.Merge.none)
  }

  @Test(arguments: [
    ("Dropout", #"{"rate": 7}"#, "rate"), ("Dropout", #"{"rate": -0.1}"#, "rate"),
    ("Dropout", #"{"rate": 1e300}"#, "rate"),
    ("Dropout", #"{"rate": "0.5"}"#, "rate"), ("Dropout", #"{"rate": null}"#, "rate"), ("Dropout", "{}", "rate"),
    ("LSTM", #"{"units": 0}"#, "units"), ("LSTM", #"{"units": -1}"#, "units"), ("LSTM", #"{"units": 1.5}"#, "units"),
    ("LSTM", #"{"units": 2147483648}"#, "units"), ("LSTM", #"{"units": 1e19}"#, "units"),
    ("LSTM", #"{"units": true}"#, "units"),
    ("GRU", #"{"units": 9223372036854775807}"#, "units"), ("SimpleRNN", #"{"units": "4"}"#, "units"),
    ("Dense", #"{"units": 0}"#, "units"), ("Dense", #"{"units": [4]}"#, "units"),
    ("Embedding", #"{"input_dim": 0, "output_dim": 2}"#, "input_dim"),
    ("Embedding", #"{"input_dim": 3, "output_dim": -2}"#, "output_dim"),
    ("LayerNormalization", #"{"epsilon": -1e-9}"#, "epsilon"), ("LayerNormalization", #"{"axis": 1}"#, "axis"),
    ("LayerNormalization", #"{"axis": [-1, -2]}"#, "axis"),
    ("Dense", #"{"units": 2, "use_bias": 1}"#, "use_bias"), ("Dense", #"{"units": 2, "activation": 3}"#, "activation"),
    ("Dense", #"{"units": 2, "kernel_initializer": "nothing"}"#, "kernel_initializer"),
    ("Dense", #"{"units": 2, "kernel_initializer": 3}"#, "kernel_initializer"),
    ("Dense", #"{"units": 2, "kernel_initializer": {"config": {}}}"#, "kernel_initializer"),
    ("Dense", #"{"units": 2, "kernel_initializer": {"class_name": "Zeros", "config": 3}}"#, "kernel_initializer"),
    (
      "Dense", #"{"units": 2, "kernel_initializer": {"class_name": "RandomNormal", "config": {"stddev": -1}}}"#,
      "kernel_initializer"
    ),
    (
      "Dense", #"{"units": 2, "kernel_initializer": {"class_name": "RandomNormal", "config": {"stddev": "x"}}}"#,
      "stddev"
    ),
    (
      "Dense", #"{"units": 2, "kernel_initializer": {"class_name": "RandomNormal", "config": {"deviation": 1}}}"#,
      "deviation"
    ),
    (
      "Dense", #"{"units": 2, "kernel_initializer": {"class_name": "RandomUniform", "config": {"minval": 1}}}"#,
      "kernel_initializer"
    ),
    ("Dense", #"{"units": 2, "kernel_initializer": {"class_name": "Constant", "config": {"value": [1]}}}"#, "value"),
    ("Dense", #"{"units": 2, "bias_initializer": "orthogonal"}"#, "bias_initializer"),
    ("LSTM", #"{"units": 2, "activation": "softmax"}"#, "activation"),
    ("LSTM", #"{"units": 2, "stateful": 3}"#, "stateful"), ("LSTM", #"{"units": 2, "dropout": 1.5}"#, "dropout"),
    ("Bidirectional", #"{"layer": {"class_name": "Dense", "config": {"units": 2}}}"#, "layer"),
    ("Bidirectional", #"{"layer": {"class_name": "LSTM", "config": {"units": 2}}, "merge_mode": "max"}"#, "merge_mode"),
    ("Flatten", #"{"data_format": "channels_first"}"#, "data_format"), ("Flatten", "[]", "config"),
  ]) func whatIsOutsideItsRangeIsRefusedByName(_ className: String, _ config: String, _ name: String) throws {
    let error = #expect(throws: RecurraError.self) { try layer(className, config) }
    #expect(error?.kind == .badArgument)
    #expect("\(error?.description ?? "")".contains(className) && "\(error?.description ?? "")".contains(name))
  }

  @Test(arguments: ["4", "4.0", "4e0", "0.4E1"]) func exactWholeNumbersAreIntegersHoweverTheyAreWritten(_ text: String)
    throws
  {
    #expect((try layer("LSTM", #"{"units": \#(text)}"#) as? LSTM)?.options.units == 4)
    let model = try Sequential(
      configuration: parse(
        #"[{"class_name": "InputLayer", "config": {"batch_shape": [null, \#(text)]}}, {"class_name": "Flatten"}]"#))
    #expect(model.inputShape == [nil, 4])
  }

  @Test(arguments: [
    "[null, -3]", "[null, 2.5]", "[null, 2147483648]", "[null, \"3\"]", "[]", "3", "null", "[[3]]", "[null, true]",
  ]) func shapesThatAreNoneAreRefused(_ shape: String) throws {
    let descriptions = [
      #"[{"class_name": "InputLayer", "config": {"batch_shape": \#(shape)}}, {"class_name": "Flatten"}]"#,
      #"{"layers": [{"class_name": "Flatten"}], "build_input_shape": \#(shape)}"#,
    ]
    for (index, description) in descriptions.enumerated() where index == 0 || shape != "null" {
      let json = try parse(description)
      #expect(throws: RecurraError.self) { try Sequential(configuration: json) }
    }
  }

  @Test func shapesThatOverflowBehindAZeroAreRefused() throws {
    let json = try parse(
      #"""
      [{"class_name": "InputLayer", "config": {"batch_shape": [null, 0, 2147483647, 2147483647, 2147483647]}},
       {"class_name": "Flatten"}, {"class_name": "Dense", "config": {"units": 3}}]
      """#)
    #expect(throws: RecurraError.self) { try Sequential(configuration: json) }
    let flatten = Flatten()
    #expect(throws: RecurraError.self) { try flatten.outputShape(for: [nil, 0, Int.max, 2]) }
    #expect(try flatten.outputShape(for: [nil, 0, 1 << 20, 2]) == [nil, 0])
    #expect(try flatten.outputShape(for: [nil, nil, 1 << 20, 2]) == [nil, nil])
  }
}

import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

@Suite struct OptimizerConfigurationTests {
  /// Every setting away from its default, and different from every other.
  static let all: [Optimizer] = [
    .sgd(), .rmsprop(), .adam(), .adamW(), .adagrad(),
    .sgd(learningRate: 0.3, momentum: 0.6, nesterov: true, weightDecay: 0.05, clipping: .value(0.7)),
    .rmsprop(
      learningRate: 0.3, rho: 0.8, momentum: 0.6, epsilon: 1e-3, centered: true, weightDecay: 0.05, clipping: .norm(0.7)
    ),
    .adam(
      learningRate: 0.1 / 3, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, amsgrad: true, weightDecay: 0.05,
      clipping: .globalNorm(0.7)),
    .adamW(learningRate: 0.3, weightDecay: 0, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, amsgrad: true),
    .adagrad(learningRate: 0.3, initialAccumulatorValue: 0.4, epsilon: 1e-3, weightDecay: 0.05),
  ]

  @Test(arguments: all.indices) func comesBackFromItsText(index: Int) throws {
    let optimizer = Self.all[index]
    let text = optimizer.configuration.encoded()
    let again = try Optimizer(configuration: JSONValue(parsing: text))
    #expect(again == optimizer && again.name == optimizer.name && again.moments == optimizer.moments)
    #expect(again.configuration.encoded() == text)
    for other in Self.all.indices where other != index { #expect(Self.all[other] != optimizer) }
  }

  @Test func oneSettingThatDiffersMakesAnother() {
    let optimizer = Self.all[7]
    #expect(optimizer == Self.all[7])
    let changes: [(inout Optimizer) -> Void] = [
      { $0.learningRate = 0.5 }, { $0.weightDecay = 0.5 }, { $0.clipping = .norm(0.7) },
      { $0.clipping = .globalNorm(0.8) },
    ]
    for change in changes {
      var other = optimizer
      change(&other)
      #expect(other != optimizer)
    }
    #expect(.adam(beta1: 0.8) != Optimizer.adam() && .adam(weightDecay: 0.004) != Optimizer.adamW())
  }

  @Test func namesAreKeras() throws {
    let text = String(decoding: Self.all[7].configuration.encoded(), as: UTF8.self)
    #expect(
      text == #"{"class_name":"adam","config":{"amsgrad":true,"beta_1":0.8,"beta_2":0.95,"epsilon":0.001,"#
        + #""global_clipnorm":0.7,"learning_rate":0.03333333333333333,"weight_decay":0.05}}"#)
    let rmsprop = Self.all[6].configuration["config"]
    #expect(rmsprop?["rho"] == .number(0.8) && rmsprop?["clipnorm"] == .number(0.7))
    #expect(rmsprop?["centered"] == .bool(true) && rmsprop?["momentum"] == .number(0.6))
    #expect(Self.all[5].configuration["config"]?["clipvalue"] == .number(0.7))
    #expect(Self.all[9].configuration["config"]?["initial_accumulator_value"] == .number(0.4))
  }

  /// What Keras 3 writes for Adam(clipnorm=1.0).
  static let keras = """
    {"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "adam", "learning_rate": \
    0.0010000000474974513, "weight_decay": null, "clipnorm": 1.0, "global_clipnorm": null, "clipvalue": null, \
    "use_ema": false, "ema_momentum": 0.99, "ema_overwrite_frequency": null, "loss_scale_factor": null, \
    "gradient_accumulation_steps": null, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": false}, \
    "registered_name": null}
    """

  @Test func readsWhatKerasWrites() throws {
    let optimizer = try Optimizer(configuration: JSONValue(parsing: Array(Self.keras.utf8)))
    #expect(optimizer == .adam(learningRate: 0.0010000000474974513, clipping: .norm(1)))
    #expect(try Optimizer(configuration: .string("RMSprop")) == .rmsprop())
    // null is no decay; an argument that is left out keeps the default.
    func adamW(_ members: [(name: String, value: JSONValue)]) throws -> Optimizer {
      try Optimizer(configuration: .object([("class_name", .string("AdamW")), ("config", .object(members))]))
    }
    #expect(try adamW([("weight_decay", .null)]).weightDecay == 0 && adamW([]).weightDecay == 0.004)
  }

  @Test(arguments: [
    (#"{"class_name": "adam", "config": {"beta_1": 1.5}}"#, "beta1"),
    (#"{"class_name": "adam", "config": {"beta_1": 1}}"#, "beta1"),
    (#"{"class_name": "adam", "config": {"momentum": 0.5}}"#, "momentum"),
    (#"{"class_name": "sgd", "config": {"nesterov": 1}}"#, "nesterov"),
    (#"{"class_name": "sgd", "config": {"learning_rate": "fast"}}"#, "learning_rate"),
    (#"{"class_name": "sgd", "config": {"learning_rate": -1}}"#, "learning rate"),
    (#"{"class_name": "sgd", "config": {"clipnorm": 1, "clipvalue": 1}}"#, "clipvalue and clipnorm"),
    (#"{"class_name": "sgd", "config": {"clipnorm": 0}}"#, "clipping limit"),
    (#"{"class_name": "sgd", "config": {"use_ema": 1}}"#, "use_ema"),
    (#"{"class_name": "sgd", "config": {"gradient_accumulation_steps": 1}}"#, "gradientAccumulationSteps"),
    (#"{"class_name": "sgd", "config": 7}"#, "an integer"), (#"{"class_name": "soap"}"#, "soap"), ("7", "an integer"),
    ("{}", "an object"), (#"{"class_name": 3}"#, "an object"),
  ]) func whatDoesNotFitIsNamed(text: String, word: String) throws {
    let json = try JSONValue(parsing: Array(text.utf8))
    let error = #expect(throws: RecurraError.self) { try Optimizer(configuration: json) }
    #expect(error?.kind == .badArgument && error?.description.contains(word) == true, "\(error?.description ?? "")")
  }

  @Test func rangesAreWords() {
    let error = #expect(throws: RecurraError.self) { try Optimizer.adam(learningRate: -1).validate() }
    #expect(error?.description == "adam: expected a finite learning rate of 0 or more, got -1.0")
  }
}

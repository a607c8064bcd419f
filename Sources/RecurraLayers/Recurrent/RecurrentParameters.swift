internal import RecurraCells
internal import RecurraTensor

/// The parameters of a recurrent layer.
struct RecurrentParameters: Sendable {
  /// A parameter that the cell names, or what stands for one that is left out.
  private enum Named: Sendable {
    case trained(Parameter)
    case fixed(Tensor)
  }

  let inputs: Int
  let dtype: DType
  /// `[W; U]` of a gated cell.
  let weights: Parameter?
  let bias: Parameter?
  private let further: [Named]
  /// What a row begins with, [width] for each state, where that is learned.
  private let starts: [Parameter]
  private let packed = PackedWeights()
  /// What stands for the weights of a composed cell.
  private let none: Tensor

  init(
    of layer: some RecurrentLayer, inputs: Int, random: RandomSource, dtype: DType
  ) throws(RecurraError) {
    let (cell, options) = (layer.cell, layer.options)
    (self.inputs, self.dtype) = (inputs, dtype)
    none = .zeros([0, options.units], dtype: dtype)
    switch cell.arithmetic {
    case .composed: (weights, bias) = (nil, nil)
    case .gated(let cell):
      weights = try Self.weights(of: layer, cell, inputs: inputs, random: random, dtype: dtype)
      bias = options.useBias && cell.hasSlotBias ? try Self.bias(of: layer, cell, random: random, dtype: dtype) : nil
    }
    var named: [Named] = []
    for (index, parameter) in cell.parameters(inputs: inputs, units: options.units).enumerated() {
      guard options.useBias || !parameter.isBias else {
        named.append(.fixed(.zeros(parameter.shape, dtype: dtype)))
        continue
      }
      let initializer = options.initializer(parameter.start)
      // A vector is drawn as a row of a square matrix: its fans are its own length.
      let isRow = parameter.shape.count == 1 && initializer.fault(axes: 1, dtype: dtype) != nil
      try layer.checkInitializer(initializer, of: parameter.name, axes: isRow ? 2 : parameter.shape.count, dtype)
      let own = random.stream(3 + index)
      named.append(
        .trained(
          try layer.parameter(parameter.name, parameter.shape, dtype) {
            let count = parameter.shape[0]
            let drawn =
              isRow
              ? initializer([count, count], random: own, dtype: dtype).sliced(0..<1).reshaped([count])
              : initializer(parameter.shape, random: own, dtype: dtype)
            guard case .biasWithUnit(let gate) = parameter.start else { return drawn }
            return options.withUnit(gate, drawn)
          }))
    }
    further = named
    var starts: [Parameter] = []
    if options.learnsInitialState {
      for (index, width) in cell.stateWidths(units: options.units).enumerated() {
        let zeros = Tensor.zeros([width], dtype: dtype)
        starts.append(try layer.parameter("initial_state_\(index)", [width], dtype) { zeros })
      }
    }
    self.starts = starts
  }

  private static func weights(
    of layer: some RecurrentLayer, _ cell: any GatedCell, inputs: Int, random: RandomSource, dtype: DType
  ) throws(RecurraError) -> Parameter {
    let options = layer.options
    let (rows, columns) = (cell.weightRows(inputs: inputs, units: options.units), cell.gateCount * options.units)
    try layer.checkInitializer(options.kernelInitializer, of: "kernel", axes: 2, dtype)
    try layer.checkInitializer(options.recurrentInitializer, of: "recurrent kernel", axes: 2, dtype)
    let parts = [("kernel", 0..<inputs), ("recurrent_kernel", inputs..<rows)].filter { !$0.1.isEmpty }
    return try layer.parameter("weights", [rows, columns], dtype, parts: parts) {
      // Two matrices, drawn apart: the fan of W and the orthogonality of U are their own.
      let kernel = options.kernelInitializer([inputs, columns], random: random.stream(0), dtype: dtype)
      guard rows > inputs else { return kernel }
      let recurrent = options.recurrentInitializer([rows - inputs, columns], random: random.stream(1), dtype: dtype)
      return Tensor.concatenated([kernel, recurrent])
    }
  }

  private static func bias(
    of layer: some RecurrentLayer, _ cell: any GatedCell, random: RandomSource, dtype: DType
  ) throws(RecurraError) -> Parameter {
    let options = layer.options
    // Its gates' rows are drawn like one vector, whatever its shape.
    if case .chrono(let steps) = options.biasInitializer, cell.memoryGates != nil {
      guard (3...Int(Int32.max)).contains(steps) else {
        throw layer.failure(.badArgument, expected: "chrono with 3 steps or more", got: "\(steps)")
      }
    } else {
      try layer.checkInitializer(options.biasInitializer, of: "bias", axes: 1, dtype)
    }
    let shape = cell.biasShape(units: options.units)
    return try layer.parameter("bias", shape, dtype) {
      options.bias(shape, of: cell, random: random.stream(2), dtype: dtype)
    }
  }

  /// Those that the cell names and that are trained.
  var named: [Parameter] { further.compactMap { if case .trained(let parameter) = $0 { parameter } else { nil } } }
  /// All of them.
  var all: [Parameter] { [weights, bias].compactMap { $0 } + named + starts }
  /// The values of what a layer has besides kernels and bias, as `assignments` takes them.
  var furtherWeights: [Tensor] { (named + starts).map(\.value) }

  /// The states that rows begin with by themselves: what has been learned, or zeros of these widths.
  func startStates(_ context: ForwardContext, rows: Int, widths: [Int]) -> [Tensor] {
    starts.isEmpty
      ? widths.map { .zeros([rows, $0], dtype: dtype) }
      : starts.map { .zeros([rows, $0.shape[0]], dtype: dtype) + context.tensor($0) }
  }

  /// Tells whether rows begin with what has been learned.
  var learnsInitialState: Bool { !starts.isEmpty }

  /// Puts together what the cells need.
  func direction(
    _ context: ForwardContext, initialStates: [Tensor] = [], isReversed: Bool = false
  ) -> RecurrentDirection {
    var (value, version) = weights.map { context.versioned($0) } ?? (none, 0)
    // Matrices among them are packed along with the weights.
    for parameter in named { version &+= context.versioned(parameter).version }
    return RecurrentDirection(
      weights: value, bias: bias.map(context.tensor),
      parameters: further.map { named in
        switch named {
        case .trained(let parameter): context.tensor(parameter)
        case .fixed(let tensor): tensor
        }
      }, initialStates: initialStates, isReversed: isReversed, packed: packed, version: version)
  }

  /// Takes `kernel`, `recurrent_kernel`, `bias` and what the cell names from the front of a list.
  func assignments(
    for layer: some RecurrentLayer, from list: inout ArraySlice<Tensor>
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    var result: [(parameter: Parameter, value: Tensor)] = []
    if let weights {
      let (rows, columns) = (weights.shape[0], weights.shape[1])
      var value = try layer.takeWeight("kernel", [inputs, columns], dtype, from: &list)
      if rows > inputs {
        let recurrent = try layer.takeWeight("recurrent_kernel", [rows - inputs, columns], dtype, from: &list)
        value = .concatenated([value, recurrent])
      }
      result.append((weights, value))
    }
    for parameter in [bias].compactMap({ $0 }) + named + starts {
      result.append((parameter, try layer.takeWeight(parameter.name, parameter.shape, dtype, from: &list)))
    }
    return result
  }
}

extension RecurrentOptions {
  /// What draws a parameter's first value.
  fileprivate func initializer(_ start: CellParameter.Start) -> Initializer {
    switch start {
    case .kernel: kernelInitializer
    case .recurrentKernel: recurrentInitializer
    case .bias, .biasWithUnit: biasInitializer
    case .constant(let value): .constant(value)
    case .uniform(let range): .randomUniform(minimum: range.lowerBound, maximum: range.upperBound)
    }
  }
}

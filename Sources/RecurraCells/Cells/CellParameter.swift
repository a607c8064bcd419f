public import RecurraTensor

/// A parameter of a cell: its name, its shape, and what it starts as.
public struct CellParameter: Sendable, Equatable {
  /// What a parameter starts as.
  public enum Start: Sendable, Equatable {
    /// As the layer's kernel initialiser says.
    case kernel
    /// As the layer's recurrent initialiser says.
    case recurrentKernel
    /// As the layer's bias initialiser says; zeros that are not trained in a layer without a bias.
    case bias
    /// The same, but that the H numbers of a gate start at 1.
    case biasWithUnit(gate: Int)
    /// One value everywhere.
    case constant(Double)
    /// Drawn between two values.
    case uniform(ClosedRange<Double>)
  }

  /// Tells whether it is a bias, which a layer without one leaves out.
  public var isBias: Bool {
    switch start {
    case .bias, .biasWithUnit: true
    default: false
    }
  }

  /// The name, in files too.
  public let name: String
  /// The shape.
  public let shape: [Int]
  /// What it starts as.
  public let start: Start

  /// Describes a parameter.
  public init(_ name: String, _ shape: [Int], _ start: Start = .kernel) {
    (self.name, self.shape, self.start) = (name, shape, start)
  }
}

/// The parameters of a composed cell, by name.
public struct CellParameters: Sendable {
  private let values: [String: Tensor]
  /// The matrices, each packed once for all timesteps.
  private let products: [String: PackedProduct]

  init(_ parameters: [CellParameter], _ values: [Tensor]) {
    self.values = Dictionary(zip(parameters.map(\.name), values)) { first, _ in first }
    products = self.values.filter { $1.rank == 2 && $1.dtype == .float32 }.mapValues { _ in PackedProduct() }
  }

  /// The parameter of a name.
  ///
  /// - Precondition: the cell has named one so.
  public subscript(name: String) -> Tensor {
    let value = values[name]
    check(
      value != nil, "parameter", expected: "one of \(values.keys.sorted().joined(separator: ", "))", got: name)
    return value ?? Tensor(0)
  }

  /// Multiplies rows by the matrix of a name: what `x.matrixProduct(parameters[name])` gives, but that the matrix is
  /// packed once for all timesteps of a call, which is faster.
  ///
  /// - Shapes: `x` [B, I], the matrix [I, N]; result [B, N].
  /// - Precondition: the cell has named a matrix so, with as many rows as `x` has columns.
  public func product(_ x: Tensor, _ name: String) -> Tensor {
    let matrix = self[name]
    guard let product = products[name], MultiplierChoice.current != .openblas, x.dtype == .float32, x.rank == 2,
      x.count > 0, matrix.count > 0, x.shape[1] == matrix.shape[0]
    else { return x.matrixProduct(matrix) }
    return product(x, matrix, version: 0, adding: nil)
  }
}

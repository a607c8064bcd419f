public import RecurraTensor

/// A cell whose step is written in tensor operations: its gradient follows from theirs.
///
/// Whole sequences, both directions, padding, streaming, training and files come with it. A step costs the operations
/// that it consists of; a `GatedCell` is faster by far.
public protocol ComposedCell: RecurrentCell {
  /// Computes one timestep: the states behind it from the input, the states before it and the parameters.
  ///
  /// - Shapes: `x` [B, I]; each state [B, width]; result as `states`, the first of which is the output.
  /// - Precondition: a step gives as many states as it is given, of their shapes and type.
  func step(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor]
}

extension ComposedCell {
  /// In tensor operations.
  public var arithmetic: CellArithmetic { .composed(self) }
}

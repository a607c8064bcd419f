public import RecurraTensor

/// Runs one direction timestep by timestep and carries the state: for data that arrives as time goes by.
///
/// The results are those of the whole sequence, to the bit. Buffers and packed weights of a gated cell are made once; a
/// step allocates nothing but the tensor it returns. A stepper belongs to one stream of data: give each its own.
public final class RecurrentStepper<S: FloatingScalar> {
  /// What runs the cell.
  private enum Way {
    case gated(GatedStepper<S>)
    case composed(ComposedStepper)
  }
  private let way: Way
  private let inputShape: [Int]

  /// Makes a stepper for a number of sequences that advance together.
  ///
  /// - Parameters:
  ///   - cell: the arithmetic of a timestep.
  ///   - direction: weights, bias and the states to begin with; one that goes forward, for the future has not arrived.
  ///   - inputs: features of each timestep.
  ///   - batch: sequences.
  /// - Precondition: shapes agree, B ≥ 1, H ≥ 1, and their element type is that of the stepper.
  public init(_ cell: any RecurrentCell, _ direction: RecurrentDirection, inputs: Int, batch: Int = 1) {
    let name = "RecurrentStepper"
    check(!direction.isReversed, name, expected: "a direction that goes forward", got: "a reversed one")
    let units = direction.units(of: cell)
    check(batch >= 1 && units >= 1, name, expected: "a sequence and a unit", got: "\(batch) and \(units)")
    direction.check(cell, name, dtype: S.dtype, batch: batch, inputs: inputs, units: units)
    inputShape = [batch, inputs]
    way =
      switch cell.arithmetic {
      case .gated(let cell): .gated(GatedStepper(cell, direction, inputs: inputs, batch: batch))
      case .composed(let cell): .composed(ComposedStepper(cell, direction.detached, inputShape, S.dtype))
      }
  }

  /// Goes back to the initial states.
  public func reset() {
    switch way {
    case .gated(let stepper): stepper.reset()
    case .composed(let stepper): stepper.reset()
    }
  }

  /// Takes one timestep in and returns the new hidden state.
  ///
  /// - Shapes: `input` [B, I]; result [B, H].
  /// - Throws: `badData` for an input of another shape or type; the states stay as they were.
  public func step(_ input: Tensor) throws(RecurraError) -> Tensor {
    guard input.shape == inputShape, input.dtype == S.dtype else {
      throw RecurraError(
        .badData, operation: "step", expected: "\(S.dtype) \(inputShape)", got: "\(input.dtype) \(input.shape)")
    }
    switch way {
    case .gated(let stepper): return stepper.step(input)
    case .composed(let stepper): return stepper.step(input)
    }
  }

  /// The states as they stand, h (and c), each [B, width].
  public var states: [Tensor] {
    switch way {
    case .gated(let stepper): stepper.states
    case .composed(let stepper): stepper.states
    }
  }
}

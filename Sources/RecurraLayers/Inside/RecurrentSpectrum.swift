internal import RecurraCells
public import RecurraTensor

/// How a gate's part of U, the H × H matrix that meets the previous hidden state, stretches and turns it.
public struct RecurrentSpectrum: Sendable, Equatable {
  /// What the gate is called: "input", "forget" …; "slot 0" for a cell without gates.
  public let gate: String
  /// The largest magnitude of an eigenvalue: above 1 a linear loop grows without end, below 1 it forgets.
  public let spectralRadius: Double
  /// The singular values, in falling order.
  public let singularValues: [Double]
}

extension RecurrentLayer {
  /// Computes spectral radius and singular values of U, for each gate.
  ///
  /// - Throws: `badData` for a layer that is not built, or whose weights are not finite; `badArgument` for a cell
  ///   without U.
  /// - Complexity: about 35·G·H³ flops.
  public func recurrentSpectra() throws(RecurraError) -> [RecurrentSpectrum] {
    guard isBuilt else { throw failure(expected: "a built layer", got: "one that is not") }
    guard case .gated(let cell) = cell.arithmetic, let kernel = recurrentKernel else {
      throw failure(.badArgument, expected: "a cell that multiplies h by a matrix", got: "another")
    }
    let matrix = kernel.converted(to: .float64)
    var spectra: [RecurrentSpectrum] = []
    let names = cell.slotNames
    for gate in 0..<cell.gateCount {
      let part = matrix.sliced(gate * options.units..<(gate + 1) * options.units, axis: 1).contiguous
      let values = try part.eigenvalues()
      let squares = values.real.squared + values.imaginary.squared
      spectra.append(
        RecurrentSpectrum(
          gate: gate < names.count ? names[gate] : "gate \(gate)",
          spectralRadius: (squares.scalars(as: Double.self).max() ?? 0).squareRoot(),
          singularValues: try part.svd().s.scalars(as: Double.self)))
    }
    return spectra
  }
}

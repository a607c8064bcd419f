public import RecurraTensor

/// What a cell reads and writes at one timestep, going forward.
public struct GateForward<S: FloatingScalar> {
  /// Sequences to compute.
  public let rows: Int
  /// Units of each.
  public let units: Int
  /// Pre-activations in, gates out: [rows][slot · H + unit].
  public let gates: Rows<S>
  /// The states before the step: h, and the further ones side by side. Without further ones c is h.
  public let h, c: Rows<S>
  /// The states after the step.
  public let nextH, nextC: Rows<S>
  /// Left for a later phase's product, as wide as h.
  public let scratch: Rows<S>
  /// What the cell keeps for the way back; the gates where it keeps nothing.
  public let saved: Rows<S>
  /// The named parameters, one behind the other.
  public let parameters: UnsafePointer<S>
}

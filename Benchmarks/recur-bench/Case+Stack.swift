import RecurraCells
import RecurraLayers
import RecurraTensor

extension Case {
  /// Prepares layers one above the other, which a model may run at the same time, and returns the work of one run.
  func prepareStack(_ x: Tensor) -> () -> Void {
    let model = Sequential((0..<layers).map { _ in isBidirectional ? Bidirectional(layer) : layer as any Layer })
    return { _ = orExit { () throws(RecurraError) in try model(x) } }
  }

  private var layer: any RecurrentLayer { layer(of: recurrentCell) }

  private func layer(of cell: some RecurrentCell) -> any RecurrentLayer {
    Recurrent(cell, units: units, returnSequences: true)
  }
}

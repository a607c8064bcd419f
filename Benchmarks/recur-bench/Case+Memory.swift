import ArgumentParser
import Recurra

extension Case {
  /// Refuses a case that takes about more memory than there is: weights and their gradients, and for each step what the
  /// way back needs.
  static func requireMemory(batch: Int, timesteps: Int, inputs: Int, units: Int, layers: Int = 1) throws {
    let (rows, width) = (Double(batch) * Double(timesteps), Double(inputs) + Double(units))
    let bytes = 4 * Double(layers) * (4 * 4 * width * Double(units) + rows * (width + 8 * Double(units)))
    guard bytes < Double(MemoryLimit.byteCount) else {
      throw ValidationError("expected a case that the memory holds, got one of about \(bytes) bytes")
    }
  }
}

import RecurraFormats
import RecurraLayers
import RecurraTensor
import Testing

/// Damaged files: an error, or another model.
@Suite struct ONNXDamageTests {
  /// Reads and runs; errors of content are what is to be expected.
  private func attempt(_ bytes: [UInt8], _ test: ONNXCase) throws -> Bool {
    do {
      guard let graph = try ONNXCase.read(bytes).arrayGraph else { return true }
      _ = try graph.run(test.inputs)
      return true
    } catch {
      #expect([.badFile, .badData, .outOfMemory, .noInput].contains(error.kind), "\(error)")
      return false
    }
  }

  @Test("Cut at every byte, a model is refused or another one", arguments: ["lstm_clip_peepholes", "loop_captures"])
  func truncation(name: String) throws {
    let test = try ONNXCase(name)
    var refused = 0
    for end in 0..<test.model.count where try !attempt(Array(test.model[..<end]), test) { refused += 1 }
    #expect(refused > test.model.count / 2)
  }

  @Test(
    "With a bit turned, a model is refused or another one",
    arguments: ["torch_old_tagger", "loop_captures", "scan_captures", "function", "quantised"])
  func flips(name: String) throws {
    let test = try ONNXCase(name)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    var (read, refused) = (0, 0)
    for _ in 0..<1_000 {
      var bytes = test.model
      for _ in 0...(next() % 3) {
        let place = Int(next() % UInt64(bytes.count))
        bytes[place] ^= UInt8(1 << (next() % 8))
      }
      if try attempt(bytes, test) { read += 1 } else { refused += 1 }
    }
    #expect(read > 0 && refused > 0)
  }
}

package import RecurraTensor
package import Testing

/// Holds what `run` gives on one thread against what it gives on 2, 3 and 8, to the bit.
package func expectSameBitsOnAnyThreads(
  sourceLocation: SourceLocation = #_sourceLocation, _ run: () throws -> [Tensor]
) rethrows {
  let before = Threads.count
  defer { Threads.count = before }
  Threads.count = 1
  let single = try run()
  for threads in [2, 3, 8] {
    Threads.count = threads
    let found = try run()
    #expect(found.count == single.count, sourceLocation: sourceLocation)
    for (found, wanted) in zip(found, single) {
      expectIdentical(found, wanted, "\(threads) threads", sourceLocation: sourceLocation)
    }
  }
}

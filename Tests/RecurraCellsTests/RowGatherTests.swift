import CRecurraKernels
import Glibc
import RecurraCells
import RecurraTensor
import Synchronization
import TestSupport
import Testing

/// In a process of its own with a watchdog, as the threads' tests.
@Suite struct RowGatherTests {
  @Test("A row made in parts is what one thread makes of it, and whole when ranks part")
  func gather() async {
    await #expect(processExitsWith: .success) {
      alarm(120)
      Threads.ignoresCosts = true
      let turns = 60
      for (threads, count) in [(1, 5), (2, 2), (2, 15), (2, 31), (3, 50), (4, 100), (4, 301)] {
        Threads.count = threads
        let wanted = (0..<turns).reduce(into: GatheredRow(count: count)) { row, _ in row.advance(0..<count) }
        for heldUpTurn in [-1, 0, 1, 7] where heldUpTurn < 0 || threads > 1 {
          expectSooner {
            let gather = RowGather(ranks: threads, count: count)
            let alone = Counter()
            let row = Mutex<[Float]>([])
            Threads.runTeam(threads) { team in
              let (rank, size) = (team.rank, team.size)
              var own = GatheredRow(count: count)
              let bounds = (0...size).map { count * $0 / size }
              let owner = RowGather.Rank(gather, rank, bounds: bounds)
              let member = owner.pointer
              defer { withExtendedLifetime(owner) {} }
              own.write(to: recurra_row(member, 0))
              var (turn, goesOn) = (0, true)
              while turn < turns, goesOn {
                if rank == size - 1, turn == heldUpTurn { usleep(30_000) }
                if turn > 0 { recurra_row_take_rest(member, turn) }
                own.read(recurra_row(member, turn))
                own.advance(bounds[rank]..<bounds[rank + 1])
                own.write(to: recurra_row(member, turn + 1))
                turn += 1
                goesOn = recurra_row_hand_over(member, turn) != 0
              }
              guard rank == 0 else { return }
              recurra_row_take_rest(member, turn)
              own.read(recurra_row(member, turn))
              for _ in turn..<turns {
                own.advance(0..<count)
                alone.increment()
              }
              row.withLock { [values = own.values] in $0 = values }
            }
            #expect(row.withLock { $0 } == wanted.values, "\(threads) threads, \(count) floats")
            // Whoever was held up for so long is left; a busy machine may part them earlier, or at any time.
            return heldUpTurn < 0 || alone.value >= turns - heldUpTurn - 3
          }
        }
      }
    }
  }
}

/// Runs what holds up a rank until the others have left it as soon as they should, a few times at most: whoever
/// should have noticed may have been off its own processor just then.
private func expectSooner(_ attempt: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
  for _ in 0..<20 where attempt() { return }
  Issue.record("ranks never part as soon as they should", sourceLocation: sourceLocation)
}

/// A row of which every float of a turn depends on all floats of the turn before.
private struct GatheredRow {
  private(set) var values: [Float]

  init(count: Int) { values = (0..<count).map { Float($0 % 7) } }

  mutating func advance(_ part: Range<Int>) {
    let sum = values.reduce(0, +)
    for index in part { values[index] = (values[index] + sum).truncatingRemainder(dividingBy: 97) + Float(index % 3) }
  }

  mutating func read(_ row: UnsafeMutablePointer<Float>) {
    for index in values.indices { values[index] = row[index] }
  }

  func write(to row: UnsafeMutablePointer<Float>) {
    for index in values.indices { row[index] = values[index] }
  }
}

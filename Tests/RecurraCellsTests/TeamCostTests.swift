import RecurraCells
import Testing

/// An LSTM's recurrent weights multiplied with some rows take one core `work` nanoseconds, in panels of 8 units; two
/// threads meet in 190.
@Suite("Threads that share a step are as many as get done first")
struct TeamCostTests {
  @Test(
    "Few for small layers, all for large ones",
    arguments: [(1_333, 13, 4...8), (8_738, 32, 16...16), (34_952, 64, 16...16)])
  func row(work: Int, panels: Int, expected: ClosedRange<Int>) {
    let members = TeamCost(barrier: 190, rows: 1).ranks(16, work: work, panels: panels)
    #expect(expected.contains(members))
  }

  @Test func furtherRanksReadNoMoreRows() {
    #expect(TeamCost(barrier: 190, rows: 4).ranks(16, work: 13_981, panels: 32) == 16)
  }

  @Test func neverMoreThanThereAre() {
    let costs = TeamCost(barrier: 190, rows: 1)
    #expect((1...3).map { costs.ranks($0, work: 1_000_000, panels: 64) } == [1, 2, 3])
  }

  @Test func dearBarriersLeaveAPair() {
    let costs = TeamCost(barrier: 10_000, rows: 1)
    #expect(costs.ranks(16, work: 1_333, panels: 13) == 2)
    #expect(costs.of(2) == 10_000)
  }
}

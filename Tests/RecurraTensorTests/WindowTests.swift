import RecurraTensor
import TestSupport
import Testing

@Suite struct WindowTests {
  @Test("Windows of a plain series have one feature; the target follows each window")
  func plainSeries() throws {
    let series = Tensor.arange(0, 10, dtype: .float64)
    let (x, y) = try series.windows(length: 4, horizon: 2)
    #expect(x.shape == [5, 4, 1] && y.shape == [5, 2])
    #expect(x[0].doubles == [0, 1, 2, 3] && y[0].doubles == [4, 5])
    #expect(x[4].doubles == [4, 5, 6, 7] && y[4].doubles == [8, 9], "the last timestep is the last target")
    #expect(try series.windows(length: 9).x.shape == [1, 9, 1])
  }

  @Test(
    "Windows of several features, every third of them; both share the memory of the series", arguments: Form.allCases)
  func features(form: Form) throws {
    let series = form.make([11, 2])
    let rows = NaiveArray(series)
    let (x, y) = try series.windows(length: 3, horizon: 2, step: 3)
    #expect(x.shape == [3, 3, 2] && y.shape == [3, 2, 2])
    expectIdentical(x, NaiveArray([3, 3, 2]) { rows[[$0[0] * 3 + $0[1], $0[2]]] }.tensor())
    expectIdentical(y, NaiveArray([3, 2, 2]) { rows[[$0[0] * 3 + 3 + $0[1], $0[2]]] }.tensor())
    #expect(x.storage === series.storage && y.storage === series.storage)
  }

  @Test("Integers have windows too, and a window goes through later operations like any tensor")
  func operations() throws {
    let (x, y) = try Tensor.arange(0, 7, dtype: .int32).windows(length: 3, horizon: 1, step: 2)
    #expect(x.scalars(as: Int32.self) == [0, 1, 2, 2, 3, 4] && y.scalars(as: Int32.self) == [3, 5])
    #expect(x.reshaped([2, 3]).transposed().scalars(as: Int32.self) == [0, 2, 1, 3, 2, 4])
    #expect((x + 1)[1].scalars(as: Int32.self) == [3, 4, 5])
  }

  @Test("A timestep in several windows gets the gradient of each")
  func gradients() throws {
    for (shape, step) in [([9], 1), ([9], 2), ([9, 3], 2), ([5, 3], 1)] {
      expectGradients(
        of: { input in
          guard let (x, y) = try? input[0].windows(length: 3, horizon: 2, step: step) else { return input[0] * 0 }
          return x.squared.sum(axes: [0]).sum() + (y.squared * y).sum()
        }, at: [Tensor.varied(shape)], "\(shape) every \(step)")
    }
  }

  @Test(
    "Impossible lengths throw",
    arguments: [
      (0, 1, 1, "a length of 1 or more", "0"), (2, 0, 1, "a horizon of 1 or more", "0"),
      (2, 1, 0, "a step of 1 or more", "0"), (2, 1, -1, "a step of 1 or more", "-1"),
      (6, 1, 1, "a series of 6 and 1 timesteps or more", "6"), (2, 5, 1, "a series of 2 and 5 timesteps or more", "6"),
      (.max, .max, 1, "a series of \(Int.max) and \(Int.max) timesteps or more", "6"),
    ])
  func impossible(length: Int, horizon: Int, step: Int, expected: String, got: String) {
    let error = #expect(throws: RecurraError.self) {
      try Tensor.zeros([6]).windows(length: length, horizon: horizon, step: step)
    }
    #expect(error?.expected == expected && error?.got == got && error?.operation == "windows")
  }

  @Test("A step beyond the series leaves one window; other ranks are refused")
  func edges() throws {
    #expect(try Tensor.zeros([6, 2]).windows(length: 4, horizon: 2, step: .max).x.shape == [1, 4, 2])
    for shape in [[], [2, 3, 4]] {
      let error = #expect(throws: RecurraError.self) { try Tensor.zeros(shape).windows(length: 1) }
      #expect(error?.kind == .badData && error?.expected == "a series [T] or [T, F]")
    }
  }
}

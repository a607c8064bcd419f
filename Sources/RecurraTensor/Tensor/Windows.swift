extension Tensor {
  /// Cuts a series into overlapping windows and what follows each of them: the inputs and targets of a forecast.
  ///
  /// Window i holds the timesteps from i·step on, `length` of them; its target the `horizon` timesteps behind. So
  /// N = (T − length − horizon) / step + 1, rounded down.
  ///
  /// ```swift
  /// let (x, y) = try Tensor(validating: readings).windows(length: 24, horizon: 3)
  /// ```
  ///
  /// - Parameters:
  ///   - length: the timesteps of a window.
  ///   - horizon: the timesteps to forecast.
  ///   - step: the timesteps from the start of a window to the start of the next.
  /// - Shapes: a series [T] gives x [N, length, 1] and y [N, horizon]; [T, F] gives x [N, length, F] and y [N, horizon,
  ///   F].
  /// - Throws: `badArgument` for a length, horizon or step below 1; `badData` for a series with another number of axes,
  ///   and for one of fewer than length + horizon timesteps.
  /// - Complexity: O(1): windows share the memory of the series.
  public func windows(length: Int, horizon: Int = 1, step: Int = 1) throws(RecurraError) -> (x: Tensor, y: Tensor) {
    for (name, value) in [("length", length), ("horizon", horizon), ("step", step)] where value < 1 {
      throw RecurraError(.badArgument, operation: "windows", expected: "a \(name) of 1 or more", got: "\(value)")
    }
    guard rank == 1 || rank == 2 else {
      throw RecurraError(
        .badData, operation: "windows", expected: "a series [T] or [T, F]", got: "shape \(Shape.text(shape))")
    }
    // The sum of both may be too large for Int.
    guard length < shape[0], horizon <= shape[0] - length else {
      throw RecurraError(
        .badData, operation: "windows", expected: "a series of \(length) and \(horizon) timesteps or more",
        got: "\(shape[0])")
    }
    // A step beyond the series leaves one window, and strides that fit in Int.
    let step = Swift.min(step, shape[0])
    let count = (shape[0] - length - horizon) / step + 1
    let features = rank == 2 ? [shape[1]] : []
    let x = overlapping([count, length] + (rank == 2 ? features : [1]), from: 0, step)
    return (x, overlapping([count, horizon] + features, from: length, step))
  }

  /// Stretches of the first axis, each `step` behind the one before, the first one at `start`:
  /// [count, length] + features.
  private func overlapping(_ target: [Int], from start: Int, _ step: Int) -> Tensor {
    let result = Tensor(
      shape: target, strides: Self.windowStrides(strides, step, target.count), offset: offset + start * strides[0],
      dtype: dtype, storage: storage)
    let (source, rank) = (shape, target.count)
    return result.derived(from: [self]) { upstream, _ in
      let dense = Shape.rowMajorStrides(source)
      return [
        Tensor.zeros(source, dtype: upstream.dtype)
          .adding(upstream, at: start * dense[0], strides: Self.windowStrides(dense, step, rank))
      ]
    }
  }

  private static func windowStrides(_ series: [Int], _ step: Int, _ rank: Int) -> [Int] {
    Array([step * series[0], series[0], series.count > 1 ? series[1] : 1].prefix(rank))
  }
}

internal import RecurraTensor

/// Which timesteps each timestep of a convolution's or a pooling's output is made from.
///
/// With lengths each row has windows of its own, as if it stood alone, cut to its length: what lies behind its end is
/// never read. A mask of steps is not looked at and goes no further, as in Keras.
struct TimeWindows: Sendable {
  let size: Int
  let stride: Int
  let dilation: Int
  let padding: TimePadding

  init(size: Int, stride: Int, dilation: Int = 1, padding: TimePadding) {
    (self.size, self.stride, self.dilation, self.padding) = (size, stride, dilation, padding)
  }

  /// A batch laid out window by window.
  struct Unfolded {
    /// [B, T′, size, I].
    let values: Tensor
    /// The number of timesteps that each window holds, [B, T′, 1]; nil where it is always `size`.
    let counts: Tensor?
    let mask: SequenceMask
  }

  /// The timesteps from the first to the last one of a window.
  private var reach: Int { (size - 1) * dilation + 1 }

  /// The number of windows in a row of so many timesteps.
  func count(_ timesteps: Int) -> Int {
    let room = padding == .valid ? timesteps - reach + 1 : timesteps
    return room <= 0 ? 0 : (room - 1) / stride + 1
  }

  /// Where the first window begins in a row of so many timesteps: 0, or in front of it.
  private func start(_ timesteps: Int) -> Int {
    switch padding {
    case .valid: 0
    case .causal: 1 - reach
    case .same: -max(0, (count(timesteps) - 1) * stride + reach - timesteps) / 2
    }
  }

  /// Checks sizes, so that no product of them overflows, as TensorFlow's limits do.
  func check(_ layer: some Layer, sizeName: String) throws(RecurraError) {
    try layer.checkSetting(sizeName, size, in: LayerArguments.sizes)
    try layer.checkSetting("strides", stride, in: LayerArguments.sizes)
    try layer.checkSetting("dilationRate", dilation, in: LayerArguments.sizes)
  }

  /// Puts the number of windows in the place of the timesteps.
  func timesteps(_ inputShape: [Int?], _ layer: some Layer) throws(RecurraError) -> Int? {
    try layer.checkSequences(inputShape)
    guard let timesteps = inputShape[1] else { return nil }
    guard padding != .valid || timesteps >= reach else {
      throw layer.failure(expected: "at least \(reach) timesteps", got: text(of: inputShape))
    }
    return count(timesteps)
  }

  /// Lays a batch out window by window; `filler` stands where a window holds no timestep.
  func unfolded(_ input: Signal, filler: Double, _ layer: some Layer) throws(RecurraError) -> Unfolded {
    try layer.checkSequences(input)
    let x = input.value
    let (rows, timesteps, features) = (x.shape[0], x.shape[1], x.shape[2])
    _ = try self.timesteps(x.shape, layer)
    let windows = count(timesteps)
    let entries = MemoryLimit.bytes(rows, windows, size)
    guard MemoryLimit.bytes(rows, timesteps) < Int(Int32.max), entries < Int(Int32.max) else {
      throw layer.failure(expected: "fewer than 2³¹ timesteps", got: "\(x.shape)")
    }
    try layer.requireMemory([rows, windows, size, features], x.dtype)
    let lengths = input.mask.withoutSteps.lengths
    // One row of filler stands behind all timesteps.
    let missing = Int32(rows * timesteps)
    var indices = [Int32](repeating: missing, count: entries)
    var counts = [Float](repeating: 0, count: rows * windows)
    for row in 0..<rows {
      let length = lengths?[row] ?? timesteps
      let start = start(length)
      for window in 0..<count(length) {
        let place = row * windows + window
        for entry in 0..<size {
          let timestep = start + window * stride + entry * dilation
          guard timestep >= 0, timestep < length else { continue }
          indices[place * size + entry] = Int32(row * timesteps + timestep)
          counts[place] += 1
        }
      }
    }
    let table = Tensor.concatenated(
      [x.reshaped([rows * timesteps, features]), .full([1, features], filler, dtype: x.dtype)])
    let values = table.gathered(Tensor(indices, shape: [rows, windows, size]))
    let isWhole = counts.allSatisfy { Int($0) == size }
    return Unfolded(
      values: values,
      counts: isWhole ? nil : Tensor(counts, shape: [rows, windows, 1]).converted(to: x.dtype),
      mask: input.mask.withLengths(upTo: windows) { count($0) })
  }
}

/// How a convolution or a pooling treats the ends of a row.
public enum TimePadding: String, Sendable, CaseIterable {
  /// Only windows that lie within the row.
  case valid
  /// As many windows as timesteps, divided by the stride; the ends are padded alike.
  case same
  /// As many likewise; only the front is padded, so that no window looks ahead.
  case causal
}

extension LayerArguments {
  /// Reads a padding: "valid", "same" or, where it is allowed, "causal".
  func padding(_ name: String = "padding", allowsCausal: Bool = false) throws(RecurraError) -> TimePadding {
    let text = try string(name, default: "valid")
    let allowed = TimePadding.allCases.filter { allowsCausal || $0 != .causal }
    guard let padding = allowed.first(where: { $0.rawValue == text }) else {
      throw failure(
        name, expected: "one of \(allowed.map(\.rawValue).joined(separator: ", "))", got: .string(text))
    }
    return padding
  }

  /// Reads a size along time, which Keras writes as a list of one.
  func extent(_ name: String, default fallback: Int? = nil) throws(RecurraError) -> Int {
    let list = try integers(name, default: fallback.map { [$0] }, in: Self.sizes)
    guard list.count == 1 else { throw failure(name, expected: "one number", got: values[name] ?? .null) }
    return list[0]
  }
}

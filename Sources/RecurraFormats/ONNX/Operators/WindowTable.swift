internal import RecurraTensor

/// Which places of an image each window of a convolution or pooling reads: for images of any number of axes.
struct WindowTable: Sendable {
  /// The extents of the image, without channels.
  let image: [Int]
  /// The extents of a window.
  let kernel: [Int]
  /// The number of windows along each axis.
  let windows: [Int]
  /// The entries of a window, P windows side by side for each of K entries: a place of the image, −1 beside it.
  let places: [Int32]
  /// The entries of each window that lie within the image and its padding.
  let counts: [Float]

  var imageCount: Int { image.reduce(1, *) }
  var windowCount: Int { windows.reduce(1, *) }
  var entryCount: Int { windowCount == 0 ? 0 : places.count / windowCount }

  /// Lists the places.
  ///
  /// - Parameters:
  ///   - starts: Where the first window begins along each axis, 0 or less.
  ///   - ends: Where the padding behind the image ends.
  init(
    image: [Int], windows: [Int], kernel: [Int], strides: [Int], dilations: [Int], starts: [Int], ends: [Int]
  ) {
    (self.image, self.windows, self.kernel) = (image, windows, kernel)
    guard !windows.contains(0) else {
      (places, counts) = ([], [])
      return
    }
    let (entries, count) = (kernel.reduce(1, *), windows.reduce(1, *))
    // Per axis: the place along it of each entry of each window, −1 in the padding, −2 behind it.
    let along = image.indices.map { axis in
      (0..<kernel[axis]).map { entry in
        (0..<windows[axis]).map { window in
          let place = starts[axis] + window * strides[axis] + entry * dilations[axis]
          return place >= 0 && place < image[axis] ? place : place >= ends[axis] ? -2 : -1
        }
      }
    }
    var places = [Int32](repeating: -1, count: entries * count)
    var counts = [Float](repeating: 0, count: count)
    for entry in 0..<entries {
      let entryIndex = Self.index(entry, in: kernel)
      for window in 0..<count {
        let windowIndex = Self.index(window, in: windows)
        var (place, isPadding, isBehind) = (0, false, false)
        for axis in image.indices {
          let own = along[axis][entryIndex[axis]][windowIndex[axis]]
          if own < 0 { isPadding = true }
          if own == -2 { isBehind = true }
          place = place * image[axis] + max(own, 0)
        }
        if !isPadding { places[entry * count + window] = Int32(truncatingIfNeeded: place) }
        if !isBehind { counts[window] += 1 }
      }
    }
    (self.places, self.counts) = (places, counts)
  }

  private static func index(_ position: Int, in shape: [Int]) -> [Int] {
    var (rest, index) = (position, [Int](repeating: 0, count: shape.count))
    for axis in shape.indices.reversed() {
      index[axis] = rest % max(shape[axis], 1)
      rest /= max(shape[axis], 1)
    }
    return index
  }

  /// The number of entries of each window within the image.
  var insideCounts: [Float] {
    var counts = [Float](repeating: 0, count: windowCount)
    for (position, place) in places.enumerated() where place >= 0 { counts[position % windowCount] += 1 }
    return counts
  }

  /// Lays images out window by window.
  ///
  /// - Shapes: `x` [R, S] for R images of S numbers; result [R, K, P].
  func unfolded(_ x: Tensor, filler: Double = 0) -> Tensor {
    let dense = x.detached.contiguous
    let result =
      x.dtype == .float64
      ? unfold(dense, Double(filler)) : unfold(dense, Float(filler))
    return result.derived(from: [x]) { upstream, _ in [folded(upstream)] }
  }

  /// Adds windows up where they lie in their images: the gradient of `unfolded`, and a transposed convolution.
  ///
  /// - Shapes: `columns` [R, K, P]; result [R, S].
  func folded(_ columns: Tensor) -> Tensor {
    let dense = columns.detached.contiguous
    let result = columns.dtype == .float64 ? fold(dense, Double.self) : fold(dense, Float.self)
    return result.derived(from: [columns]) { upstream, _ in [unfolded(upstream)] }
  }

  private func unfold<S: FloatingScalar>(_ x: Tensor, _ filler: S) -> Tensor {
    let (size, count, rows) = (imageCount, places.count, x.shape[0])
    return unsafe Tensor([rows, entryCount, windowCount], of: S.self) { output in
      unsafe x.withPointer(of: S.self) { input in
        unsafe places.withUnsafeBufferPointer { places in
          for row in 0..<rows {
            let source = unsafe input + row * size
            let target = unsafe output + row * count
            for i in 0..<count {
              let place = unsafe Int(places[i])
              unsafe target[i] = place < 0 ? filler : source[place]
            }
          }
        }
      }
    }
  }

  private func fold<S: FloatingScalar>(_ columns: Tensor, _ type: S.Type) -> Tensor {
    let (size, count, rows) = (imageCount, places.count, columns.shape[0])
    return unsafe Tensor([rows, size], of: S.self) { output in
      unsafe output.update(repeating: 0, count: rows * size)
      unsafe columns.withPointer(of: S.self) { input in
        unsafe places.withUnsafeBufferPointer { places in
          for row in 0..<rows {
            let source = unsafe input + row * count
            let target = unsafe output + row * size
            for i in 0..<count where unsafe places[i] >= 0 { unsafe target[Int(places[i])] += source[i] }
          }
        }
      }
    }
  }
}

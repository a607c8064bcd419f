internal import RecurraTensor

/// What an index such as `x[:, 1:4, None]` takes of a tensor.
struct TensorIndex {
  /// The shape of the part.
  private(set) var shape: [Int?] = []
  private enum Step {
    case slice(axis: Int, start: Int, stop: Int, step: Int)
    case element(axis: Int, index: Int)
    case newAxis(Int)
  }
  /// What is done one after the other; axes are those of the tensor as it is then.
  private var steps: [Step] = []

  /// - Throws: `badData` for an index beyond the tensor, or one of another kind.
  init(_ call: OperationCall, _ tensor: [Int?]) throws(RecurraError) {
    let items = (call.argument(1, "key") ?? .none).elements
    let taken = items.filter { item in
      switch item {
      case .none, .text: false
      default: true
      }
    }.count
    guard taken <= tensor.count else {
      throw call.failure(expected: "at most \(tensor.count) indices", got: "\(taken)")
    }
    var rest = tensor[...]
    func keep(_ count: Int) {
      for _ in 0..<count { shape.append(rest.removeFirst()) }
    }
    for item in items {
      switch item {
      case .none:
        steps.append(.newAxis(shape.count))
        shape.append(1)
      case .text("..."): keep(tensor.count - taken)
      case .slice(let start, let stop, let step):
        let extent = rest.removeFirst()
        if let extent {
          let (first, end) = (Self.bound(start ?? 0, extent), Self.bound(stop ?? extent, extent))
          let count = max(0, end - first)
          steps.append(.slice(axis: shape.count, start: first, stop: max(first, end), step: step))
          shape.append((count + step - 1) / step)
        } else {
          let isWhole = (start ?? 0) == 0 && stop == nil && step == 1
          shape.append(isWhole ? .none : nil)
        }
      default:
        let extent = rest.removeFirst()
        guard let index = item.wholeNumber else {
          throw call.failure(expected: "whole numbers and slices as index", got: "a tensor")
        }
        if let extent {
          guard (-extent..<extent).contains(index) else {
            throw call.failure(expected: "an index within \(extent)", got: "\(index)")
          }
          steps.append(.element(axis: shape.count, index: index < 0 ? index + extent : index))
        }
      }
    }
    keep(rest.count)
  }

  private static func bound(_ bound: Int, _ extent: Int) -> Int {
    min(max(bound < 0 ? bound + extent : bound, 0), extent)
  }

  /// Takes the part.
  func part(of tensor: Tensor) -> Tensor {
    steps.reduce(tensor) { tensor, step in
      switch step {
      case .slice(let axis, let start, let stop, let step): tensor.sliced(start..<stop, axis: axis, step: step)
      case .element(let axis, let index): tensor.sliced(index..<index + 1, axis: axis).squeezed(axis)
      case .newAxis(let axis): tensor.expanded(at: axis)
      }
    }
  }
}

internal import RecurraLayers
internal import RecurraTensor

/// What the names of a pickle make of their arguments.
extension PickleReader {
  /// The value that Python would get from a call.
  mutating func call(_ function: PickleValue, _ arguments: PickleValue) throws(RecurraError) -> PickleValue {
    guard case .global(let global) = function, let elements = tuple(arguments) else {
      throw input.damaged("a name and its arguments", "\(function.kind) and \(arguments.kind)")
    }
    switch global {
    case .dictionary:
      guard let first = elements.first, case .container(let number) = first else { return container(.dictionary([])) }
      return container(.dictionary(try pairs(number)))
    case .size:
      guard elements.count == 1, integers(elements[0]) != nil else {
        throw input.damaged("the extents of a torch.Size", "other arguments")
      }
      return elements[0]
    case .set, .other, .type: return .other
    case .storage: throw input.damaged("a storage beside the pickle", "one within")
    case .rebuildParameter:
      guard case .tensor = elements.first else { throw input.damaged("the tensor of a parameter", "another value") }
      return elements[0]
    case .rebuildTensor: return .tensor(try tensor(elements, nil))
    case .rebuildTypedTensor:
      guard elements.count >= 7, case .global(.type(let format)) = elements[6] else {
        throw input.damaged("a tensor's type that is known", "other arguments")
      }
      return .tensor(try tensor(elements, format))
    }
  }

  /// An ordered dictionary's members as a list of pairs, or as another dictionary.
  private func pairs(_ number: Int) throws(RecurraError) -> [(key: PickleValue, value: PickleValue)] {
    switch containers[number] {
    case .dictionary(let members): return members
    case .list(let items), .tuple(let items):
      var members: [(key: PickleValue, value: PickleValue)] = []
      for item in items {
        guard let pair = sequence(item), pair.count == 2 else {
          throw input.damaged("pairs of a dictionary", item.kind)
        }
        members.append((key: pair[0], value: pair[1]))
      }
      return members
    }
  }

  private func sequence(_ value: PickleValue) -> [PickleValue]? {
    if case .container(let number) = value, case .list(let elements) = containers[number] { return elements }
    return tuple(value)
  }

  private func tensor(_ arguments: [PickleValue], _ type: ElementFormat?) throws(RecurraError) -> PickledTensor {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], let offset = arguments[1].integer,
      let shape = integers(arguments[2]), let strides = integers(arguments[3]), let format = type ?? storage.format
    else { throw input.damaged("a tensor's storage, offset, shape and strides", "other arguments") }
    guard shape.count <= 64, format.byteCount(of: shape) != nil, storage.format == nil || storage.format == format
    else {
      throw input.damaged("a tensor whose size fits in 64 bits, of its storage's type", "shape \(shape)")
    }
    let elements = StridedElements(elementByteCount: format.byteCount, shape: shape, strides: strides, offset: offset)
    let count = storage.format == nil ? storage.count / format.byteCount : storage.count
    guard elements.liesWithin(elementCount: count) else {
      throw input.damaged(
        "a tensor within its storage of \(count) elements", "shape \(shape) with strides \(strides) from \(offset) on")
    }
    return PickledTensor(storage: storage, format: format, offset: offset, shape: shape, strides: strides)
  }

  /// The storage that a persistent identity names: ("storage", its class, its key, a device, its count).
  func storage(_ identity: PickleValue) throws(RecurraError) -> PickledStorage {
    guard let parts = tuple(identity), parts.count >= 5, case .text("storage") = parts[0],
      case .global(.storage(let format)) = parts[1], case .text(let key) = parts[2], let count = parts[4].integer,
      count >= 0
    else { throw input.damaged("the class, key, device and count of a storage", identity.kind) }
    if parts.count > 5 {
      guard case .none = parts[5] else {
        throw input.damaged("a storage of its own; save the file anew with a newer PyTorch", "a view of another one")
      }
    }
    return PickledStorage(key: key, format: format, count: count)
  }
}

internal import RecurraLayers

/// Numbers that a pickle refers to, which lie beside it.
struct PickledStorage {
  /// Names the storage among those of the file.
  let key: String
  /// The type of the elements; nil for bytes of a type that each tensor says.
  let format: ElementFormat?
  /// How many elements it has, bytes where there is no type.
  let count: Int
}

/// A tensor as a pickle describes it: a part of a storage.
struct PickledTensor {
  let storage: PickledStorage
  let format: ElementFormat
  /// The first element in the storage.
  let offset: Int
  let shape: [Int]
  /// From one element to the next along each axis.
  let strides: [Int]
}

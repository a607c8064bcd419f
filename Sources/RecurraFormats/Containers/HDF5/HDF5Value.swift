/// What an attribute says.
package enum HDF5Value: Sendable, Equatable {
  case text(String)
  case texts([String])
  case numbers(StoredTensor)
  /// What is not read, in words.
  case refused(String)

  /// The text, where it is one.
  package var text: String? { if case .text(let text) = self { text } else { nil } }

  /// The texts; none where there are no elements, whose type h5py takes for numbers.
  package var texts: [String]? {
    switch self {
    case .texts(let texts): texts
    case .numbers(let tensor) where tensor.bytes.isEmpty: []
    default: nil
    }
  }
}

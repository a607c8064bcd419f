/// What a group has under a name.
package enum HDF5Member: Sendable {
  case group(HDF5Group)
  case dataset(HDF5Dataset)
  /// What is not read, in words: "a soft link".
  case refused(String)
}

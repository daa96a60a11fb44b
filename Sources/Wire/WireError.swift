/// Why bytes are not the frame they claim to be. Reaches as far as the datagram it came in: count
/// it and drop the datagram.
public enum WireError: Error, Hashable, Sendable {
  /// Fewer bytes than the layout needs.
  case truncated
  /// More bytes than the layout has.
  case trailingBytes
  case unknownVersion(UInt8)
  case checksumMismatch
  /// A flag that must be zero is set, or one that must be set is not.
  case forbiddenFlags(UInt16)
  /// The length in the header is not the datagram's.
  case lengthMismatch
  case unexpectedType(UInt8)
  /// A reserved byte is not zero.
  case reservedNotZero
  /// A value outside what the field may hold.
  case invalidValue
  /// Text that is not UTF-8.
  case notUTF8
}

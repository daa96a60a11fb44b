/// What explains a stream's payloads to a reader who never saw the source.
public struct Schema: Hashable, Sendable {
  /// MCAP's well-known name of the encoding: `protobuf`, or empty for opaque bytes.
  public var encoding: String
  /// The message's full name, such as `stt.load`.
  public var name: String
  /// For `protobuf`, a serialized `FileDescriptorSet`.
  public var data: [UInt8]

  public init(encoding: String, name: String, data: [UInt8]) {
    self.encoding = encoding
    self.name = name
    self.data = data
  }

  /// Bytes that explain themselves elsewhere, or not at all.
  public static let opaque = Schema(encoding: "", name: "", data: [])
}

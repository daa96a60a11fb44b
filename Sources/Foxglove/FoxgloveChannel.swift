import FoundationEssentials
import STTJSON

/// A stream as viewers are told of it.
public struct FoxgloveChannel: Hashable, Sendable {
  /// Unique in its server.
  public var id: UInt32
  public var topic: String
  /// How payloads are encoded: `protobuf`, `json`, or a name that means nothing to viewers.
  public var encoding: String
  public var schemaName: String
  /// For `protobuf`, a serialized `FileDescriptorSet`.
  public var schema: [UInt8]
  /// `protobuf`, or empty where there is no schema.
  public var schemaEncoding: String

  public init(
    id: UInt32, topic: String, encoding: String, schemaName: String, schema: [UInt8], schemaEncoding: String
  ) {
    self.id = id
    self.topic = topic
    self.encoding = encoding
    self.schemaName = schemaName
    self.schema = schema
    self.schemaEncoding = schemaEncoding
  }

  var json: JSONObject {
    var object = JSONObject()
    object.set("id", UInt64(id))
    object.set("topic", topic)
    object.set("encoding", encoding)
    object.set("schemaName", schemaName)
    // Binary schemas travel in Base64, others as they are.
    object.set(
      "schema",
      schemaEncoding == "protobuf" ? Data(schema).base64EncodedString() : String(decoding: schema, as: UTF8.self))
    object.set("schemaEncoding", schemaEncoding)
    return object
  }
}

/// Why a server can't be had.
public struct FoxgloveFailure: Error, CustomStringConvertible, Sendable {
  public let description: String
}

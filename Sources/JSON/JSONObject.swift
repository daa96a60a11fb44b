/// Writes one JSON object (RFC 8259), field by field in the order given.
///
/// For machine-readable output of programs that must not link Foundation.
public struct JSONObject: Sendable {
  private var fields: [String] = []

  public init() {}

  public mutating func set(_ key: String, _ value: String) { add(key, Self.quoted(value)) }
  public mutating func set(_ key: String, _ value: Int) { add(key, String(value)) }
  public mutating func set(_ key: String, _ value: UInt64) { add(key, String(value)) }
  public mutating func set(_ key: String, _ value: Int64) { add(key, String(value)) }
  public mutating func set(_ key: String, _ value: Bool) { add(key, value ? "true" : "false") }
  public mutating func set(_ key: String, _ value: JSONObject) { add(key, value.text) }
  public mutating func set(_ key: String, _ value: [JSONObject]) {
    add(key, "[" + value.map(\.text).joined(separator: ",") + "]")
  }

  public mutating func set(_ key: String, texts: [String]) {
    add(key, "[" + texts.map(Self.quoted).joined(separator: ",") + "]")
  }

  /// JSON has no infinities and no NaN; they become `null`.
  public mutating func set(_ key: String, _ value: Double) { add(key, value.isFinite ? "\(value)" : "null") }

  public mutating func setNull(_ key: String) { add(key, "null") }

  public var text: String { "{" + fields.joined(separator: ",") + "}" }

  private mutating func add(_ key: String, _ value: String) { fields.append(Self.quoted(key) + ":" + value) }

  /// `text` as a JSON string, in quotation marks.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

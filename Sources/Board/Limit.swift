/// The range of a configured number, its default, and why it is what it is.
public struct Limit<Value: Comparable & Sendable>: Sendable {
  public var minimum: Value
  public var maximum: Value
  /// What holds when the key is absent.
  public var usual: Value
  /// Why the range ends where it does, as the end of a sentence.
  public var reason: String

  public init(_ minimum: Value, _ maximum: Value, usual: Value, because reason: String) {
    precondition(minimum <= usual && usual <= maximum, "the usual value lies in the range")
    self.minimum = minimum
    self.maximum = maximum
    self.usual = usual
    self.reason = reason
  }

  public func contains(_ value: Value) -> Bool { minimum <= value && value <= maximum }
}

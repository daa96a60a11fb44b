import Glibc

/// A system call's refusal: which call, on what, and why.
public struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let call: String
  public let number: CInt

  public init(call: String, number: CInt) {
    self.call = call
    self.number = number
  }

  public var reason: String { String(cString: strerror(number)) }
  public var description: String { "\(call): \(reason)" }

  /// `result` unless it is a negated errno.
  @discardableResult
  static func check(_ result: CInt, _ call: String) throws(SystemFailure) -> CInt {
    if result < 0 { throw SystemFailure(call: call, number: -result) }
    return result
  }
}

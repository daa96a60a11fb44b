/// Why a file source can't be made as asked.
public enum FileSourceError: Error, Hashable, Sendable, CustomStringConvertible {
  case rate(Double, allowed: ClosedRange<Double>)
  case noAttributes
  case tooManyAttributes(Int, most: Int)
  case byteCount(String, Int, allowed: ClosedRange<Int>)

  public var description: String {
    switch self {
    case .rate(let rate, let allowed):
      "a rate of \(rate) Hz is not possible: choose \(allowed.lowerBound) to \(allowed.upperBound) Hz"
    case .noAttributes: "there is nothing to read: name at least one attribute"
    case .tooManyAttributes(let count, let most): "\(count) attributes are too many for one sample: at most \(most)"
    case .byteCount(let what, let count, let allowed):
      "\(what) of \(count) bytes is not possible: choose \(allowed.lowerBound) to \(allowed.upperBound)"
    }
  }
}

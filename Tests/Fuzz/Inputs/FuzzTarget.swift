/// What can be fuzzed: every parser of bytes that somebody else made, and the state machines behind them.
///
/// libFuzzer (`make fuzz`) and the tests (`Tests/Fuzz/Replay`) call the same function.
public enum FuzzTarget: String, CaseIterable, Sendable {
  case header
  // Handshake messages, docs/protocol.md 2.5 to 2.8.
  case hello
  case response
  case authProof = "auth-proof"
  case final
  case parameters
  // Session frames, docs/protocol.md 2.2.
  case data
  case packetAck = "packet-ack"
  case bundle
  case streamOpen = "stream-open"
  case control
  // Files.
  case recording
  case pair
  case configuration
  // State machines with valid keys.
  case handshake
  case session
  case collector

  /// Inputs near each one that are tried with it: many where a try costs less than libFuzzer's choosing of one.
  public var variationCount: Int {
    switch self {
    case .recording, .pair, .configuration: 3
    case .handshake, .session, .collector: 0
    default: 15
    }
  }

  /// Whether `bytes`, or an input near them, broke a promise; a trap is a finding of its own.
  public func run(_ bytes: UnsafeRawBufferPointer) -> Finding? {
    let input = [UInt8](bytes)
    var variations = Variations(of: input)
    return variations.search(input, count: variationCount, judge)
  }

  private func judge(_ input: [UInt8]) -> Finding? {
    switch self {
    case .header: return fuzzHeader(input)
    case .hello, .response, .authProof, .final, .parameters, .data, .packetAck, .streamOpen, .control:
      return fuzzLayouts(self, input)
    case .bundle: return fuzzBundle(input)
    case .recording: return fuzzRecording(input)
    case .pair: return fuzzPair(input)
    case .configuration: return fuzzConfiguration(input)
    case .handshake: return fuzzHandshake(input)
    case .session: return fuzzSession(input)
    case .collector: return fuzzCollector(input)
    }
  }
}

/// A promise that an input broke.
public struct Finding: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}

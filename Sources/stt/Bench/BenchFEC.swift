import ArgumentParser
import STTSession
import STTWire

/// Parity as an agent's configuration has it by default.
enum BenchFEC: String, ExpressibleByArgument, CaseIterable {
  case off, auto, on

  var parity: Parity {
    guard let shape = ParityShape(dataCount: 12, parityCount: 4) else { return .none }
    return switch self {
    case .off: .none
    case .auto: .automatic(shape)
    case .on: .always(shape)
    }
  }
}

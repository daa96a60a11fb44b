import ArgumentParser
import LinuxEvents
import STC

/// What `stt bench` measures.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract:
      "Measures the protocol here: throughput and latency on loopback, small samples, camera frames, recording to disk, handshakes, sessions, a bad link, a flood; and what is done with recordings.",
    discussion: """
      Without a further word it measures throughput on loopback, and takes the options of `stt bench throughput`.

      Exit codes: 0 measured; 1 a run failed.
      """,
    subcommands: [
      ThroughputBench.self, LatencyBench.self, SmallBench.self, CameraBench.self, RecordBench.self, HandshakeBench.self,
      SessionsBench.self, PeersBench.self, LossBench.self, FloodCommand.self, RecordingBench.self, ReplayBench.self,
    ], defaultSubcommand: ThroughputBench.self)
}

enum BenchCipher: String, ExpressibleByArgument, CaseIterable {
  case auto
  case aes = "aes-256-gcm"
  case chacha = "chacha20-poly1305"

  var suite: Suite {
    switch self {
    case .auto: Suite.preferred(aesInstructions: Processor.hasAESInstructions)
    case .aes: .aes256GCM
    case .chacha: .chaCha20Poly1305
    }
  }

  /// Of the one that is used.
  var name: String { (suite == .aes256GCM ? Self.aes : .chacha).rawValue }
}

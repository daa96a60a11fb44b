import ArgumentParser
import LinuxEvents
import STC
import STTBuffers
import STTJSON
import STTSession
import STTWire

struct HandshakeBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "handshake",
    abstract: "Measures how many handshakes a second one core of a collector can make.",
    discussion: """
      Real endpoints in one process, without sockets, each handshake of another device. The ceiling is what its public-key \
      operations cost alone in the same run: of each HYBRID handshake one X25519 key, one X25519 agreement and one \
      ML-KEM-768 encapsulation.

      Exit codes: 0 measured; 1 a handshake failed.
      """)

  @Option(help: "Handshakes of each mode.") var count = 2000
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (10...100_000).contains(count) else { throw ValidationError("--count is from 10 to 100000") }
  }

  func run() throws {
    do {
      let hybrid = try measure([.hybrid])
      let seed = try measure([.seed])
      let ceiling = try publicKeyOperations()
      report(hybrid, seed, ceiling)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  /// Microseconds of a collector's core, and of a device's, for one handshake; what both send for it and the session's
  /// first frames.
  private struct Cost {
    var collector = 0.0
    var device = 0.0
    var datagrams = 0.0
    var bytes = 0.0
  }

  private struct HandshakeFailed: Error, CustomStringConvertible {
    let number: Int
    var description: String { "handshake \(number) made no session" }
  }

  private func measure(_ modes: Set<HandshakeMode>) throws -> Cost {
    var random = SystemRandomNumberGenerator()
    let plan = BenchPlan(
      messageByteCount: 64, datagramByteCount: 1400, seconds: 2, suite: cipher.suite, secrets: random.bytes(96))
    let pool = BufferPool([SlabClass(byteCount: 2048, count: 64)])
    let rig = try EndpointRig(plan: plan, modes: modes, deviceCount: count, pool: pool)
    let start = Clocks.monotonic
    for number in 0..<count where !rig.connect(rig.device(number), counter: 1) { throw HandshakeFailed(number: number) }
    let all = Clocks.monotonic - start
    return Cost(
      collector: Double(rig.collectorTime) / 1000 / Double(count),
      device: Double(all - min(all, rig.collectorTime)) / 1000 / Double(count),
      datagrams: Double(rig.datagrams) / Double(count), bytes: Double(rig.datagramBytes) / Double(count))
  }

  /// Microseconds for those of one HYBRID handshake at the collector.
  private func publicKeyOperations() throws -> Double {
    var random = SystemRandomNumberGenerator()
    guard let device = EphemeralKey(entropy: random.bytes(32)), let kem = EncapsulationKey(entropy: random.bytes(64)) else {
      throw HandshakeFailed(number: 0)
    }
    let (point, kemKey) = (device.publicKey, kem.publicKey)
    let start = Clocks.monotonic
    for number in 0..<count {
      guard let key = EphemeralKey(entropy: random.bytes(32)), key.publicKey.count == 32, key.agree(with: point) != nil,
        Encapsulated.to(kemKey) != nil
      else { throw HandshakeFailed(number: number) }
    }
    return Double(Clocks.monotonic - start) / 1000 / Double(count)
  }

  private func report(_ hybrid: Cost, _ seed: Cost, _ ceiling: Double) {
    func rate(_ microseconds: Double) -> Double { microseconds > 0 ? 1e6 / microseconds : 0 }
    if format == .json {
      var root = JSONObject()
      root.set("hybridHandshakesPerSecondAndCore", rate(hybrid.collector))
      root.set("hybridCollectorMicroseconds", hybrid.collector)
      root.set("hybridDeviceMicroseconds", hybrid.device)
      root.set("ceilingHybridHandshakesPerSecondAndCore", rate(ceiling))
      root.set("ceilingHybridMicroseconds", ceiling)
      root.set("seedHandshakesPerSecondAndCore", rate(seed.collector))
      root.set("seedCollectorMicroseconds", seed.collector)
      root.set("seedDeviceMicroseconds", seed.device)
      root.set("hybridDatagrams", hybrid.datagrams)
      root.set("hybridBytes", hybrid.bytes)
      root.set("seedDatagrams", seed.datagrams)
      root.set("seedBytes", seed.bytes)
      root.set("handshakes", count)
      output(root.text + "\n")
      return
    }
    output(
      "  \(column("", 30))\(column("HYBRID", 12, right: true))\(column("its keys", 12, right: true))"
        + "\(column("SEED", 12, right: true))\n")
    func row(_ name: String, _ values: [String]) {
      output("  \(column(name, 30))" + values.map { column($0, 12, right: true) }.joined() + "\n")
    }
    row(
      "handshakes per second and core",
      [rounded(rate(hybrid.collector), 0), rounded(rate(ceiling), 0), rounded(rate(seed.collector), 0)])
    row("collector, microseconds", [rounded(hybrid.collector, 1), rounded(ceiling, 1), rounded(seed.collector, 1)])
    row("device, microseconds", [rounded(hybrid.device, 1), "", rounded(seed.device, 1)])
    row("datagrams, both ways", [rounded(hybrid.datagrams, 1), "", rounded(seed.datagrams, 1)])
    row("bytes of UDP payload, both ways", [rounded(hybrid.bytes, 0), "", rounded(seed.bytes, 0)])
  }
}

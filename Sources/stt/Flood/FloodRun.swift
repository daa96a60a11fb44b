import Glibc
import LinuxEvents
import LinuxUDP
import STC
import STTKeyring

/// What one kind of flood did, beside the same seconds without it.
struct FloodResult {
  var kind: FloodKind
  var offeredPerSecond = 0.0
  /// Bytes a second of the established stream that the collector took.
  var quietGoodput = 0.0
  var floodGoodput = 0.0
  var handshakes = 0
  /// Of those, how many took no longer than five seconds.
  var completed = 0
  var slowestHandshakeMilliseconds = 0.0
  /// Of the collector's resident memory in flooded seconds, beyond that of quiet ones.
  var memoryGrowthKiB = 0
  var floodGrowthKiB = 0
  var quietGrowthKiB = 0
  var quietCPUShare = 0.0
  var floodCPUShare = 0.0
  var publicKeyOperations: UInt64 = 0
  var responses: UInt64 = 0
  var retries: UInt64 = 0
  var floodBytes: UInt64 = 0
  var answerBytes: UInt64 = 0
  /// HELLO and AUTH_PROOF datagrams the collector read, of those that were sent to it.
  var handshakesRead: UInt64 = 0
  var floodDatagrams: UInt64 = 0

  var readShare: Double { floodDatagrams > 0 ? min(1, Double(handshakesRead) / Double(floodDatagrams)) : 0 }
  var goodputShare: Double { quietGoodput > 0 ? floodGoodput / quietGoodput : 0 }
  var completedShare: Double { handshakes > 0 ? Double(completed) / Double(handshakes) : 0 }
  /// What docs/protocol.md 2.5 promises and this run did not show.
  var broken: [String] {
    var broken: [String] = []
    if goodputShare < kind.leastGoodput { broken.append("goodput") }
    if completedShare < 0.95 { broken.append("handshakes") }
    if memoryGrowthKiB > 1024 { broken.append("memory") }
    if answerBytes > floodBytes { broken.append("amplification") }
    // A RESPONSE has an X25519 key pair; each completed handshake at most three operations more. Withheld HELLOs
    // are genuine: they may cause RESPONSEs, so many a second.
    if kind != .withheldHello, responses > UInt64(handshakes) * 6 { broken.append("public-key operations") }
    return broken
  }
}

/// The devices of a flood's measurement, and their collector.
final class FloodRun {
  private static let patience: UInt64 = 5_000_000_000
  private static let streamName = "flood-stream"

  private let rate: Int
  private let milliseconds: Int
  private let bytesPerSecond: Double
  private let site: CollectorSite
  private let streamer: FloodDevice
  private let callers: [FloodDevice]
  /// Where a flood goes whose seconds are to be quiet: the flooding process costs the machine the same.
  private let decoy: UDPSocket
  private var poller: Poller
  private let start: UInt64

  init(rate: Int, milliseconds: Int, megabytesPerSecond: Int, callerCount: Int) throws {
    self.rate = rate
    self.milliseconds = milliseconds
    bytesPerSecond = Double(megabytesPerSecond) * 1e6
    let pairs = try (0...callerCount).map { index in
      try PairFile.generate(name: index == 0 ? Self.streamName : "flood-\(index)")
    }
    let processors = Int(sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    let site = try CollectorSite(pairs, processor: processors > 1 ? 0 : nil, others: processors > 1 ? 1 : nil)
    self.site = site
    let devices = try pairs.enumerated().map { index, pair in
      try FloodDevice(pair, collector: site.address, slabCount: index == 0 ? 8 : 1)
    }
    streamer = devices[0]
    callers = Array(devices[1...])
    decoy = try UDPSocket(bind: .loopback(port: 0))
    poller = try Poller()
    for (index, device) in devices.enumerated() {
      try poller.add(device.socket.descriptor, .readable, token: UInt64(index))
    }
    start = Clocks.monotonic
    streamer.renew(at: 0)
  }

  /// Sessions, memory and handshakes to repeat, before anything is measured.
  func warmUp() throws {
    // Twice, and streaming: what is allocated once is allocated then.
    for _ in 0..<2 {
      hangUp()
      call(within: 500_000_000)
      try live(2_000_000_000) { false }
    }
    guard streamer.isConnected, callers.allSatisfy({ $0.connectedAt != nil }) else {
      throw CollectorSite.Failure(description: "the devices found no collector, before any flood")
    }
    hangUp()
    try live(300_000_000) { false }
  }

  func measure(_ kind: FloodKind, rounds: Int) throws -> FloodResult {
    var result = FloodResult(kind: kind)
    var quietBytes: UInt64 = 0
    var floodBytes: UInt64 = 0
    var (quietSeconds, floodSeconds, quietCPU, floodCPU) = (0.0, 0.0, 0.0, 0.0)
    for _ in 0..<rounds {
      let quiet = try window(kind, flooded: false, &result)
      (quietBytes, quietSeconds, quietCPU) = (quietBytes + quiet.bytes, quietSeconds + quiet.seconds, quietCPU + quiet.cpu)
      let flood = try window(kind, flooded: true, &result)
      (floodBytes, floodSeconds, floodCPU) = (floodBytes + flood.bytes, floodSeconds + flood.seconds, floodCPU + flood.cpu)
    }
    result.quietGoodput = Double(quietBytes) / quietSeconds
    result.floodGoodput = Double(floodBytes) / floodSeconds
    result.quietCPUShare = quietCPU / quietSeconds
    result.floodCPUShare = floodCPU / floodSeconds
    // What streaming and handshakes cost by themselves is not the flood's.
    result.memoryGrowthKiB = max(0, result.floodGrowthKiB - max(0, result.quietGrowthKiB))
    result.offeredPerSecond /= Double(rounds)
    return result
  }

  /// So many milliseconds in which every caller makes one handshake, with the flood here or elsewhere, and the
  /// time the last of them needs.
  private func window(
    _ kind: FloodKind, flooded: Bool, _ result: inout FloodResult
  ) throws -> (bytes: UInt64, seconds: Double, cpu: Double) {
    let length = UInt64(milliseconds) * 1_000_000
    call(within: length)
    try FloodMaterial.write(try material(kind), to: "\(site.directory)/flood")
    let flood = try ChildProcess(
      programDirectory() + "/stt",
      [
        "flood-end", "--port", "\(flooded ? site.address.port : decoy.local.port)", "--rate", "\(rate)",
        "--milliseconds", "\(milliseconds + 500)", "--material", "\(site.directory)/flood",
      ] + (kind.variedOffset.map { ["--varied", "\($0)"] } ?? []))
    // Until it has read its material and sends at its rate.
    try live(300_000_000) { false }
    let before = try site.status()
    let begun = Clocks.monotonic
    try live(length) { false }
    let after = try site.status()
    let seconds = Double(Clocks.monotonic - begun) / 1e9
    try live(Self.patience) { callers.allSatisfy { $0.connectedAt != nil } }
    if flooded {
      for caller in callers {
        result.handshakes += 1
        guard let connected = caller.connectedAt else { continue }
        let took = connected - caller.startsAt
        if took <= Self.patience { result.completed += 1 }
        result.slowestHandshakeMilliseconds = max(result.slowestHandshakeMilliseconds, Double(took) / 1e6)
      }
    }
    hangUp()
    guard let figures = flood.readLine().flatMap(FloodFigures.init(line:)), flood.wait() == 0 else {
      throw BenchRun.ChildFailed(which: "flooding")
    }
    try live(200_000_000) { false }
    let end = try site.status()
    if !flooded { result.quietGrowthKiB += end.residentKiB - before.residentKiB }
    if flooded {
      result.floodGrowthKiB += end.residentKiB - before.residentKiB
      result.offeredPerSecond += figures.rate
      result.floodBytes += figures.bytes
      result.floodDatagrams += figures.datagrams
      result.answerBytes += figures.answerBytes
      result.publicKeyOperations += end.publicKeyOperations - before.publicKeyOperations
      result.responses += end.number("responses") - before.number("responses")
      result.retries += end.number("retries") - before.number("retries")
      result.handshakesRead +=
        end.number("hellos") + end.number("proofs") - before.number("hellos") - before.number("proofs")
    }
    return (
      after.bytes(of: Self.streamName) - before.bytes(of: Self.streamName), seconds, after.cpuSeconds - before.cpuSeconds
    )
  }

  /// Every caller makes a handshake, one after the other in the time given.
  private func call(within length: UInt64) {
    let now = Clocks.monotonic + 300_000_000
    for (index, caller) in callers.enumerated() {
      caller.renew(at: now + length * UInt64(index) / UInt64(callers.count))
    }
  }

  private func hangUp() {
    for caller in callers {
      caller.close()
      caller.turn()
    }
  }

  private func material(_ kind: FloodKind) throws -> [[UInt8]] {
    switch kind {
    case .unknownHint: FloodMaterial.hellos(hints: [], tokens: true)
    case .knownHint:
      // What a device will use, and what it used last.
      FloodMaterial.hellos(
        hints: callers.flatMap { caller in (1...32).map { caller.keys.hint(counter: caller.counter + $0) } },
        tokens: false)
    case .replayedHello: callers.flatMap(\.seenHellos)
    case .withheldHello: callers.compactMap { $0.withheldHello() }
    case .replayedProof: callers.flatMap(\.seenProofs)
    case .sessionJunk, .unknownSession: FloodMaterial.junk(like: streamer.lastSealed)
    }
  }

  /// Lets every device do what it has to, for so long or until `isDone`.
  private func live(_ nanoseconds: UInt64, until isDone: () -> Bool) throws {
    let end = Clocks.monotonic + nanoseconds
    while Clocks.monotonic < end, !isDone() {
      streamer.stream(bytesPerSecond, since: start)
      streamer.turn()
      for caller in callers { caller.turn() }
      let now = Clocks.monotonic
      let next = callers.reduce(min(end, now + 1_000_000)) { min($0, max(now, $1.deadline)) }
      try poller.wait(until: next)
    }
  }
}

import ArgumentParser
import Glibc
import LinuxEvents
import STC
import STTBuffers
import STTJSON
import STTSession
import STTWire

struct SessionsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions",
    abstract: "Measures what many devices on one collector cost: memory of each, and throughput of all.",
    discussion: """
      Real endpoints in one process, without sockets, in SEED mode, whose sessions are those of HYBRID mode. First every device makes a session and falls silent: the memory the \
      process grew by is the collector's. Then a part of them streams in turn, beside one device alone on another \
      collector: what the collector's core spends on a gigabyte is compared.

      Exit codes: 0 measured; 1 a session could not be made.
      """)

  @Option(help: "Sessions.") var count = 10_000
  @Option(help: "How many of them stream in the second part.") var active = 1000
  @Option(help: ArgumentHelp("Bytes of each message.", valueName: "bytes")) var message = 16_384
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1400
  @Option(help: ArgumentHelp("Payload of each part.", valueName: "megabytes")) var megabytes = 500
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (1...100_000).contains(count) else { throw ValidationError("--count is from 1 to 100000") }
    guard (1...count).contains(active) else { throw ValidationError("--active is from 1 to --count, which is \(count)") }
    guard (16...65_000).contains(message) else { throw ValidationError("--message is from 16 to 65000") }
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (1...1_000_000).contains(megabytes) else { throw ValidationError("--megabytes is from 1 to 1000000") }
  }

  private struct Stalled: Error, CustomStringConvertible {
    var description: String { "no device's message arrives any more" }
  }

  private struct NoSession: Error, CustomStringConvertible {
    let number: Int
    var description: String { "device \(number) got no session" }
  }

  func run() throws {
    do {
      var random = SystemRandomNumberGenerator()
      let plan = BenchPlan(
        messageByteCount: message, datagramByteCount: datagram, seconds: 2, suite: cipher.suite, secrets: random.bytes(96))
      let one = try stream(of: 1, beside: 0, plan).secondsPerGigabyte
      let many = try stream(of: active, beside: count - active, plan)
      report(one, many)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private struct Measured {
    var secondsPerGigabyte = 0.0
    var bytesPerIdleSession = 0.0
  }

  private func stream(of active: Int, beside idle: Int, _ plan: BenchPlan) throws -> Measured {
    let pool = BufferPool([SlabClass(byteCount: 65_536 + 64, count: 256)])
    let rig = try EndpointRig(plan: plan, modes: [.seed], deviceCount: idle + active, pool: pool)
    var measured = Measured()
    // The devices' own memory goes back to the allocator, which gives it to the next.
    let before = ResidentMemory.byteCount
    for number in 0..<idle + active where !rig.connect(rig.device(number), counter: 1) { throw NoSession(number: number) }
    if idle + active > 1 {
      measured.bytesPerIdleSession =
        Double(ResidentMemory.byteCount - min(before, ResidentMemory.byteCount)) / Double(idle + active)
    }
    var devices: [(device: RigDevice, stream: Int)] = []
    for number in 0..<active {
      let device = rig.device(number)
      guard let stream = device.open(largestMessage: message), rig.connect(device, counter: 2) else {
        throw NoSession(number: number)
      }
      devices.append((device, stream))
    }
    let wanted = UInt64(megabytes) * 1_000_000
    // Rates and windows grow first.
    _ = try turn(devices, rig, pool, until: wanted / 4)
    rig.resetTime()
    let bytes = try turn(devices, rig, pool, until: wanted)
    measured.secondsPerGigabyte = Double(rig.collectorTime) / Double(bytes)
    return measured
  }

  /// Each device in turn sends 64 KiB; answers the bytes that arrived.
  private func turn(
    _ devices: [(device: RigDevice, stream: Int)], _ rig: EndpointRig, _ pool: borrowing BufferPool,
    until wanted: UInt64
  ) throws -> UInt64 {
    var arrived: UInt64 = 0
    var silence = 0
    _ = rig.takeBytes()
    while arrived < wanted {
      for (device, stream) in devices {
        while device.endpoint.outbox.byteCount < 65_536, var lease = pool.lease(atLeast: message) {
          lease.count = message
          device.endpoint.enqueue(
            time: MessageTime(monotonicNanoseconds: 0, wallNanoseconds: 0), head: nil, body: lease, on: stream)
        }
        rig.pass(.milliseconds(devices.count > 1 ? 0 : 1), device)
        while rig.exchange(device) {}
      }
      if devices.count > 1, let first = devices.first { rig.pass(.milliseconds(1), first.device) }
      let bytes = rig.takeBytes()
      // A round trip is a millisecond: nothing in a virtual minute is for ever.
      silence = bytes > 0 ? 0 : silence + 1
      guard silence < 60_000 / max(1, devices.count) + 100 else { throw Stalled() }
      arrived += bytes
    }
    return arrived
  }

  private func report(_ one: Double, _ many: Measured) {
    let ratio = many.secondsPerGigabyte > 0 ? one / many.secondsPerGigabyte : 0
    if format == .json {
      var root = JSONObject()
      root.set("sessions", count)
      root.set("activeSessions", active)
      root.set("bytesPerIdleSession", many.bytesPerIdleSession)
      root.set("collectorCPUSecondsPerGigabyte", many.secondsPerGigabyte)
      root.set("oneSessionCollectorCPUSecondsPerGigabyte", one)
      root.set("throughputShareOfOneSession", ratio)
      root.set("messageBytes", message)
      root.set("datagramBytes", datagram)
      output(root.text + "\n")
      return
    }
    func row(_ name: String, _ value: String) { output("  \(column(name, 44))\(column(value, 14, right: true))\n") }
    row("sessions", "\(count)")
    row("memory of an idle session", sizeText(UInt64(many.bytesPerIdleSession)))
    row("collector's CPU, \(active) of them streaming", rounded(many.secondsPerGigabyte, 3) + " s/GB")
    row("collector's CPU, one session alone", rounded(one, 3) + " s/GB")
    row("throughput, share of one session's", rounded(ratio * 100, 1) + " %")
  }
}

import ArgumentParser
import STTBoard
import STTImpairment

/// What is done to a direction's datagrams, as options.
struct LinkOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Datagrams lost, each by itself.", valueName: "percent")) var loss = 0.0
  @Option(
    help: ArgumentHelp(
      "Datagrams lost in bursts, and how many such a burst takes on average: 2/10.", valueName: "percent/length"))
  var bursts: BurstLoss?
  @Option(help: ArgumentHelp("Datagrams that come twice.", valueName: "percent")) var duplicate = 0.0
  @Option(help: ArgumentHelp("From one end to the other: 25ms.", valueName: "duration"))
  var delay = SpanOfTime(nanoseconds: 0)
  @Option(
    help: ArgumentHelp(
      "Up to so much more, drawn for each datagram, so that they overtake each other.", valueName: "duration"))
  var jitter = SpanOfTime(nanoseconds: 0)
  @Option(help: ArgumentHelp("Bits a second: 100Mbit. Unlimited by default.", valueName: "rate")) var rate: BitRate?
  @Option(
    help: ArgumentHelp(
      """
      What waits for a limited link, 512KiB say; more is dropped. By default what it carries in twice the delay, and \
      64 KiB at least.
      """,
      valueName: "size"))
  var queue: ByteSize?

  func validate() throws {
    for (name, value) in [("loss", loss), ("duplicate", duplicate)] where !(0...100).contains(value) {
      throw ValidationError("--\(name) is from 0 to 100 percent, not \(value)")
    }
    for (name, value) in [("delay", delay), ("jitter", jitter)] where value.nanoseconds > 60_000_000_000 {
      throw ValidationError("--\(name) is 60 s at most")
    }
    if let queue, queue.bytes < 1500 { throw ValidationError("--queue is 1500B at least: one datagram") }
  }

  var impairment: Impairment {
    Impairment(
      lossPercent: loss, bursts: bursts?.bursts, duplicatePercent: duplicate, delay: delay.nanoseconds,
      jitter: jitter.nanoseconds, bitsPerSecond: rate?.bitsPerSecond, queueByteCount: queue?.bytes)
  }
}

/// `25ms`, written with a unit.
struct SpanOfTime: ExpressibleByArgument {
  var nanoseconds: UInt64

  init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  init?(argument: String) {
    if argument == "0" {
      nanoseconds = 0
      return
    }
    guard let duration = Quantity.duration(argument) else { return nil }
    let parts = duration.components
    // A century at most, far from overflow.
    guard parts.seconds < 3_200_000_000 else { return nil }
    nanoseconds = UInt64(parts.seconds) * 1_000_000_000 + UInt64(parts.attoseconds / 1_000_000_000)
  }

  var defaultValueDescription: String { nanoseconds == 0 ? "0" : "\(nanoseconds / 1_000_000)ms" }
}

/// `100Mbit`, a second.
struct BitRate: ExpressibleByArgument {
  var bitsPerSecond: UInt64

  init(bitsPerSecond: UInt64) { self.bitsPerSecond = bitsPerSecond }

  init?(argument: String) {
    guard let rate = Quantity.bitsPerSecond(argument), (1000...1_000_000_000_000).contains(rate) else { return nil }
    bitsPerSecond = rate
  }

  var defaultValueDescription: String { "\(bitsPerSecond / 1_000_000)Mbit" }
}

/// `512KiB`.
struct ByteSize: ExpressibleByArgument {
  var bytes: Int

  init?(argument: String) {
    guard let bytes = Quantity.bytes(argument), bytes <= 1 << 40 else { return nil }
    self.bytes = bytes
  }
}

/// `2/10`: two percent of all datagrams, ten at a time.
struct BurstLoss: ExpressibleByArgument {
  var bursts: Impairment.Bursts

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let share = Double(parts[0]), let length = Double(parts[1]), (0...99).contains(share),
      (1...1_000_000).contains(length)
    else { return nil }
    bursts = Impairment.Bursts(sharePercent: share, length: length)
  }
}

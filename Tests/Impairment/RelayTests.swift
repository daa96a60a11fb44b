import LinuxEvents
import LinuxUDP
import STTBuffers
import STTImpairment
import Testing

private struct NoMemory: Error {}

/// A socket that sends and collects small numbered datagrams.
private final class Peer {
  let socket: UDPSocket
  private var receiving: ReceiveBatch
  private var poller: Poller
  private(set) var numbers: [UInt32] = []
  private(set) var sources: Set<UDPAddress> = []

  init() throws {
    socket = try UDPSocket(bind: .loopback(port: 0))
    _ = socket.requestReceiveBuffer(4 << 20)
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 4)])
    guard let receiving = ReceiveBatch(slabCount: 4, pool: pool) else { throw NoMemory() }
    self.receiving = receiving
    poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 0)
  }

  func send(_ numbers: Range<UInt32>, to address: UDPAddress) {
    var batch = SendBatch()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 8)
    defer { memory.deallocate() }
    for number in numbers {
      memory.storeBytes(of: number, as: UInt32.self)
      batch.append(
        unsafe: memory.baseAddress.unsafelyUnwrapped, byteCount: memory.count, segmentByteCount: memory.count, to: address)
      while !batch.flush(socket) {}
    }
  }

  /// Until `count` have come in all; a wait for what does not come ends after ten seconds.
  func receive(_ count: Int) throws {
    let limit = Clocks.monotonic + 10_000_000_000
    while numbers.count < count, Clocks.monotonic < limit {
      var fresh: [UInt32] = []
      var from: Set<UDPAddress> = []
      while receiving.receive(
        from: socket,
        { datagram, source, _ in
          fresh.append(datagram.loadUnaligned(as: UInt32.self))
          from.insert(source)
        })
      {}
      numbers += fresh
      sources.formUnion(from)
      if numbers.count < count { try poller.wait(until: limit) }
    }
  }

  /// What lies there now.
  func receiveRest() {
    var fresh: [UInt32] = []
    while receiving.receive(from: socket, { datagram, _, _ in fresh.append(datagram.loadUnaligned(as: UInt32.self)) }) {}
    numbers += fresh
  }
}

@Suite struct RelayTests {
  /// Which of `count` datagrams pass, by the same decisions without a network.
  private func expected(_ impairment: Impairment, seed: UInt64, count: UInt32) -> [UInt32] {
    var direction = ImpairedDirection(impairment, seed: seed)
    return (0..<count).filter { _ in
      if case .arrives = direction.pass(byteCount: 100, now: 0) { true } else { false }
    }
  }

  @Test func theSameSeedLosesTheSameDatagramsOnRealSockets() throws {
    let impairment = Impairment(lossPercent: 10, delay: 2_000_000)
    let passing = expected(impairment, seed: 3, count: 2000)
    #expect((150...250).contains(2000 - passing.count))
    for _ in 0..<2 {
      let (device, collector) = (try Peer(), try Peer())
      let relay = try ImpairmentRelay(to: [collector.socket.local], there: impairment, back: Impairment(), seed: 3)
      // In parts, so that no socket's buffer is the test.
      for part in stride(from: 0, to: 2000, by: 200) as StrideTo<UInt32> {
        device.send(part..<part + 200, to: relay.local)
        try collector.receive(passing.count { $0 < part + 200 })
      }
      #expect(collector.numbers == passing)
      device.receiveRest()
      #expect(device.numbers.isEmpty)
      let report = relay.report
      #expect(report.there.received == 2000)
      #expect(report.there.lost == UInt64(2000 - passing.count))
      #expect(report.there.forwarded == UInt64(passing.count))
      #expect(report.overruns == 0 && report.refused == 0 && report.crowdedOut == 0)
    }
  }

  @Test func answersFindTheirCallerAndEachCallerHasAPort() throws {
    let (first, second, collector) = (try Peer(), try Peer(), try Peer())
    let relay = try ImpairmentRelay(to: [collector.socket.local], there: Impairment(), back: Impairment(), seed: 1)
    first.send(1..<2, to: relay.local)
    try collector.receive(1)
    let firstPort = try #require(collector.sources.first)
    second.send(2..<3, to: relay.local)
    try collector.receive(2)
    let secondPort = try #require(collector.sources.subtracting([firstPort]).first)
    collector.send(20..<21, to: secondPort)
    collector.send(10..<11, to: firstPort)
    try first.receive(1)
    try second.receive(1)
    #expect(first.numbers == [10])
    #expect(second.numbers == [20])
    #expect(relay.report.callers == 2)
  }

  @Test func aStrangerCannotAnswer() throws {
    let (device, collector, stranger) = (try Peer(), try Peer(), try Peer())
    let relay = try ImpairmentRelay(to: [collector.socket.local], there: Impairment(), back: Impairment(), seed: 1)
    device.send(1..<2, to: relay.local)
    try collector.receive(1)
    let port = try #require(collector.sources.first)
    stranger.send(66..<67, to: .loopback(port: port.port))
    collector.send(7..<8, to: port)
    try device.receive(1)
    #expect(device.numbers == [7])
  }

  @Test func repetitionsAndJitterArriveInFull() throws {
    let (device, collector) = (try Peer(), try Peer())
    let impairment = Impairment(duplicatePercent: 100, delay: 1_000_000, jitter: 5_000_000)
    let relay = try ImpairmentRelay(to: [collector.socket.local], there: impairment, back: Impairment(), seed: 5)
    device.send(0..<300, to: relay.local)
    try collector.receive(600)
    #expect(collector.numbers.sorted() == (0..<600).map { $0 / 2 })
    #expect(collector.numbers != collector.numbers.sorted(), "nothing overtook anything")
    #expect(relay.report.there.repeated == 300)
  }

  /// Never sooner than decided; how late is the machine's.
  @Test func nothingArrivesBeforeItsDelay() throws {
    let (device, collector) = (try Peer(), try Peer())
    let relay = try ImpairmentRelay(
      to: [collector.socket.local], there: Impairment(delay: 30_000_000), back: Impairment(), seed: 1)
    let start = Clocks.monotonic
    device.send(0..<1, to: relay.local)
    try collector.receive(1)
    #expect(collector.numbers == [0])
    #expect(Clocks.monotonic - start >= 30_000_000)
  }

  /// A burst into a slow link: the queue holds what it can, and the rest is dropped, whatever the times.
  @Test func aBurstBeyondTheQueueIsDroppedByTheRelayAndCounted() throws {
    let (device, collector) = (try Peer(), try Peer())
    let impairment = Impairment(bitsPerSecond: 1000, queueByteCount: 1280)
    let relay = try ImpairmentRelay(to: [collector.socket.local], there: impairment, back: Impairment(), seed: 1)
    // 128 bytes with headers take a second each: the last of ten would wait for ten.
    device.send(0..<40, to: relay.local)
    let limit = Clocks.monotonic + 10_000_000_000
    while relay.report.there.received < 40, Clocks.monotonic < limit {}
    let report = relay.report
    #expect(report.there.received == 40)
    #expect(report.there.overflowed == 30)
    #expect(report.there.lost == 0)
    collector.receiveRest()
    #expect(collector.numbers.isEmpty)
  }

  @Test func aPortThatIsTakenIsNamed() throws {
    let taken = try UDPSocket(bind: .loopback(port: 0))
    let address = taken.local
    let failure = #expect(throws: UDPSocketError.self) {
      _ = try ImpairmentRelay(listen: address, to: [address], there: Impairment(), back: Impairment(), seed: 1)
    }
    #expect(failure?.description.contains("already in use") == true)
    _ = taken.descriptor
  }
}

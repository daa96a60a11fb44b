import STC
import STTBuffers
import STTSession
import STTWire
import Testing

@testable import STTIngest

/// Several receive threads' endpoints, each with its share of the devices, without threads.
@Suite struct SessionShareTests {
  /// Takes what streams hold, and keeps the numbers of messages.
  private struct Numbers: CollectorSink, ~Copyable {
    var peers: [Int] = []
    var numbers: [UInt64] = []
    private var peer = -1
    let isAccepting = true

    mutating func select(peer: Int, session: Int) { self.peer = peer }
    mutating func opened(_ open: StreamOpen) -> StreamAdmission? { StreamAdmission(token: 0, position: 0, durable: 0) }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
      peers.append(peer)
      numbers.append(number)
    }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
    mutating func ended(token: Int, end: UInt64) {}
    mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
  }

  private struct Nobody: MessageSink, ~Copyable {
    let isAccepting = true
    mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
    mutating func ended(token: Int, end: UInt64) {}
    mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
  }

  /// One receive thread.
  private final class Thread {
    var endpoint: CollectorEndpoint
    var sink = Numbers()

    init(_ share: SessionShare, _ offer: HandshakeOffer, _ now: MonotonicTime) {
      var random = SystemRandomNumberGenerator()
      endpoint = CollectorEndpoint(
        offer: offer, settings: Session.Settings(), mostSessions: 8, share: share, now: now, using: &random)
    }
  }

  private final class Device {
    var endpoint: DeviceEndpoint

    init(_ keys: PairKeys, _ offer: HandshakeOffer, _ now: MonotonicTime) {
      endpoint = DeviceEndpoint(keys: keys, offer: offer, settings: Session.Settings(), bootID: 1, now: now)
    }

    var isConnected: Bool { endpoint.isConnected }
  }

  /// Devices, and a collector whose datagrams go where the kernel, or an alias, leads them.
  private final class Fabric {
    let count: Int
    let threads: [Thread]
    var devices: [Device] = []
    private var keys: [PairKeys] = []
    private let offer = HandshakeOffer(modes: [.seed, .hybrid], suites: [.chaCha20Poly1305], maximumDatagram: 1400)
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    var names: [SessionID: Int] = [:]
    var handedOver: [Int] = []
    var declined = 0
    /// Session datagrams that reached another thread than their session's.
    var astray = 0
    var lost = 0
    var counter: UInt64 = 0
    private var random = SystemRandomNumberGenerator()

    init(_ count: Int, devices deviceCount: Int) throws {
      self.count = count
      let (start, offer) = (now, offer)
      let key = SessionShare.Key(using: &random)
      threads = (0..<count).map { Thread(SessionShare(thread: $0, of: count, key: key), offer, start) }
      let home = random.bytes(32)
      for index in 0..<deviceCount {
        let key = PairKeys(
          seed: try Seed(bytes: random.bytes(32)),
          pair: try Pair(initiatorID: random.bytes(32), responderID: home, epoch: 1))
        keys.append(key)
        for thread in threads.dropFirst() { #expect(thread.endpoint.addElsewhere() == index) }
        #expect(threads[0].endpoint.add(.init(keys: key, epoch: 1, lastCounter: 0), now: now) == index)
        devices.append(Device(key, offer, now))
      }
    }

    func connect(_ device: Int) {
      counter += 1
      now = now + .milliseconds(500)
      devices[device].endpoint.connect(counter: counter, wall: 0, now: now, using: &random)
      settle()
    }

    /// The device forgets its session.
    func restart(_ device: Int) { devices[device] = Device(keys[device], offer, now) }

    /// Until nobody has anything to say any more.
    func settle() {
      var isBusy = true
      var rounds = 0
      while isBusy, rounds < 200 {
        rounds += 1
        now = now + .milliseconds(20)
        isBusy = false
        for device in devices.indices {
          devices[device].endpoint.handleTimeout(now: now, using: &random)
          while speak(device) { isBusy = true }
        }
        for thread in threads {
          thread.endpoint.handleTimeout(now: now)
          note(thread)
          while answer(thread) { isBusy = true }
        }
      }
    }

    private func speak(_ device: Int) -> Bool {
      withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { memory in
        let length = devices[device].endpoint.transmit(into: memory, now: now, wall: 0)
        guard length > 0 else { return false }
        let datagram = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
        guard let header = try? FrameHeader(datagram: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))) else {
          return true
        }
        let first = header.type.isHandshake ? 0 : threads[0].endpoint.share.thread(of: header.session)
        guard let unknown = take(datagram, device, threads[first]) else { return true }
        guard let owner = names[unknown] else {
          lost += 1
          return true
        }
        astray += 1
        #expect(take(datagram, device, threads[owner]) == nil)
        return true
      }
    }

    private func take(_ datagram: UnsafeMutableRawBufferPointer, _ device: Int, _ thread: Thread) -> SessionID? {
      let unknown = thread.endpoint.receive(
        unsafe: datagram, from: address(device), now: now, wall: 0, using: &random, sink: &thread.sink
      ) { _, _, _ in true }
      note(thread)
      return unknown
    }

    private func address(_ device: Int) -> PeerAddress {
      PeerAddress(high: 0, low: 0xFFFF_0A00_0000 + UInt64(device), port: 4000)
    }

    private func answer(_ thread: Thread) -> Bool {
      withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { memory in
        guard let outgoing = thread.endpoint.transmit(into: memory, now: now, wall: 0) else { return false }
        note(thread)
        var nobody = Nobody()
        let device = Int(outgoing.address.low & 0xFF)
        devices[device].endpoint.receive(
          unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[..<outgoing.byteCount]), now: now, wall: 0,
          sink: &nobody)
        return true
      }
    }

    private func note(_ thread: Thread) {
      while let event = thread.endpoint.takeEvent() {
        switch event {
        case .handedOver(let handover):
          #expect(handover.thread != thread.endpoint.share.thread)
          handedOver.append(handover.thread)
          if !threads[handover.thread].endpoint.adopt(handover, now: now) {
            declined += 1
            thread.endpoint.withdraw(credential: handover.credential, counter: handover.counter)
          }
          note(threads[handover.thread])
        case .answers(let id): names[id] = thread.endpoint.share.thread
        case .answersNoMore(let id): names[id] = nil
        default: break
        }
      }
    }

    /// The device moves to another network and says something there.
    func move(_ device: Int) {
      now = now + .seconds(1)
      devices[device].endpoint.moved(now: now, using: &random)
      settle()
    }
  }

  @Test(arguments: [1, 2, 3, 8]) func everySessionIsOnItsDevicesThread(count: Int) throws {
    let fabric = try Fabric(count, devices: 5)
    for device in 0..<5 {
      fabric.connect(device)
      #expect(fabric.devices[device].isConnected)
    }
    for (index, thread) in fabric.threads.enumerated() {
      let own = (0..<5).filter { thread.endpoint.share.thread(of: $0) == index }
      #expect(thread.endpoint.sessionCount == own.count)
      for device in own { #expect(thread.endpoint.sessionsOfPeer[device].count == 1) }
    }
    #expect(fabric.handedOver.count == 5 - fabric.threads[0].endpoint.sessionCount)
    #expect(fabric.astray == 0 && fabric.lost == 0 && fabric.declined == 0)
  }

  @Test func aNewSessionReplacesTheOldOnTheSameThread() throws {
    let fabric = try Fabric(3, devices: 1)
    for _ in 0..<5 {
      fabric.restart(0)
      fabric.connect(0)
    }
    #expect(fabric.devices[0].isConnected)
    #expect(fabric.threads.map { $0.endpoint.sessionCount } == [0, 1, 0])
    #expect(fabric.handedOver == Array(repeating: 1, count: 5))
    // What the old ones were called nobody remembers: this one's name, and its next.
    #expect(fabric.names.count == 2)
  }

  @Test func aliasesLeadBackToTheSession() throws {
    let fabric = try Fabric(4, devices: 2)
    fabric.connect(0)
    fabric.connect(1)
    for _ in 0..<12 { fabric.move(0) }
    #expect(fabric.devices[0].isConnected)
    // Of twelve names one in four leads to its session by itself: all of them once in sixteen million runs.
    #expect(fabric.astray > 0)
    #expect(fabric.lost == 0)
    #expect(fabric.threads.map { $0.endpoint.sessionCount } == [0, 1, 1, 0])
    #expect(fabric.names.values.allSatisfy { $0 == 1 || $0 == 2 })
  }

  @Test func whereThereIsNoRoomTheHandshakeIsTakenBack() throws {
    let full = try Fabric(2, devices: 24)
    for device in 0..<24 where full.threads[0].endpoint.share.thread(of: device) == 1 { full.connect(device) }
    #expect(full.threads[1].endpoint.sessionCount == 8)
    #expect(full.declined > 0)
    #expect((0..<24).count { full.devices[$0].isConnected } == 8)
  }
}

import Glibc
import STTBuffers
import Testing

@testable import LinuxUDP

@Suite struct BatchTests {
  /// The usual full packet of a path of 1500 bytes, 46 to an entry, and a shorter last one.
  private static let segment = 1_400
  private static let entry = 46 * 1_400 + 100

  @Test(arguments: Loopback.all, [true, false])
  func cutEntriesArriveAsTheirDatagramsInOrder(address: UDPAddress, kernelCuts: Bool) throws {
    let receiver = try Endpoint(address)
    _ = receiver.requestReceiveBuffer(4 << 20)
    let sender = try Endpoint(address)
    let payload = Payload(byteCount: Self.entry)
    if !kernelCuts { sender.stopCutting() }
    sender.append(payload, byteCount: Self.entry, segment: Self.segment, to: receiver.local)
    #expect(sender.flush())
    let seen = try receiver.receive(47)
    #expect(seen.map(\.bytes) == payload.cut(Self.entry, into: Self.segment))
    #expect(seen.allSatisfy { $0.source == sender.local && $0.ecn == 0 })
    #expect(sender.refusedCount == 0)
  }

  @Test func whenTheKernelRefusesToCutAllGoesSinglyFromThenOn() throws {
    let receiver = try Endpoint(slabCount: 64)
    _ = receiver.requestReceiveBuffer(4 << 20)
    let sender = try Endpoint()
    sender.makeKernelRefuseCutting()
    let payload = Payload(byteCount: Self.entry)
    sender.append(payload, byteCount: 10, to: receiver.local)
    sender.append(payload, byteCount: Self.entry, segment: Self.segment, to: receiver.local)
    sender.append(payload, byteCount: 2_801, segment: Self.segment, to: receiver.local)
    #expect(sender.flush())
    #expect(!sender.cutsSegments && sender.refusedCount == 0)
    let expected =
      payload.cut(10, into: 10) + payload.cut(Self.entry, into: Self.segment) + payload.cut(2_801, into: Self.segment)
    #expect(try receiver.receive(51).map(\.bytes) == expected)
    // One for the first, one refused, and one for each of the others.
    #expect(sender.sendCallCount == 2 + 47 + 3)
  }

  @Test func theKernelCutsAndGathersInOneCallEach() throws {
    let receiver = try Endpoint()
    let sender = try Endpoint()
    let payload = Payload(byteCount: Self.entry)
    sender.append(payload, byteCount: Self.entry, segment: Self.segment, to: receiver.local)
    _ = sender.flush()
    guard sender.cutsSegments, receiver.gathersReceived else {
      try Test.cancel("this kernel has no UDP_SEGMENT or UDP_GRO")
    }
    #expect(sender.sendCallCount == 1)
    #expect(try receiver.receive(47).count == 47)
    #expect(receiver.receiveCallCount == 1)
  }

  @Test(arguments: [1, 2, 63, 64, 65, 200])
  func manySmallDatagramsOfDifferentSizesArrive(count: Int) throws {
    let receiver = try Endpoint()
    _ = receiver.requestReceiveBuffer(4 << 20)
    let sender = try Endpoint()
    let payload = Payload(byteCount: 4_096)
    for index in 0..<count {
      if sender.batchIsFull { #expect(sender.flush()) }
      sender.append(payload, from: index, byteCount: 1 + index, segment: 4_096, to: receiver.local)
    }
    #expect(sender.flush())
    #expect(sender.waitingCount == 0)
    let expected = (0..<count).map { Array(payload.memory[$0..<2 * $0 + 1]) }
    #expect(try receiver.receive(count).map(\.bytes) == expected)
  }

  @Test(.enabled(if: Loopback.hasIPv6, "this machine has no IPv6"))
  func oneBatchGoesToManyReceivers() throws {
    let first = try Endpoint()
    let second = try Endpoint(Loopback.ipv6)
    let sender = try Endpoint(.any(port: 0))
    let payload = Payload(byteCount: 100)
    sender.append(payload, byteCount: 10, to: first.local)
    sender.append(payload, from: 10, byteCount: 20, to: second.local)
    sender.append(payload, from: 30, byteCount: 30, to: first.local)
    #expect(sender.flush())
    #expect(sender.sendCallCount == 1)
    #expect(try first.receive(2).map(\.bytes) == [Array(payload.memory[0..<10]), Array(payload.memory[30..<60])])
    let seen = try second.receive(1)
    #expect(seen.map(\.bytes) == [Array(payload.memory[10..<30])])
    #expect(seen.first?.source == UDPAddress(high: 0, low: 1, port: sender.local.port))
  }

  @Test(.enabled(if: Loopback.hasIPv6, "this machine has no IPv6"))
  func anIPv4OnlySocketTalksWithADualOneAndRefusesIPv6() throws {
    let dual = try Endpoint(.any(port: 0))
    let plain = try Endpoint(UDPSocket(bind: .any(port: 0), sharesPort: false, withoutIPv6: true))
    let payload = Payload(byteCount: 9_000)
    plain.append(payload, byteCount: 9_000, segment: 1_000, to: .loopback(port: dual.local.port))
    plain.append(payload, byteCount: 9_000, segment: 1_000, to: UDPAddress(high: 0, low: 1, port: dual.local.port))
    plain.append(payload, byteCount: 7, to: .loopback(port: dual.local.port))
    #expect(plain.flush())
    #expect(plain.refusedCount == 9 && plain.lastRefusal == EAFNOSUPPORT)
    let seen = try dual.receive(10)
    #expect(seen.map(\.bytes) == payload.cut(9_000, into: 1_000) + [Array(payload.memory[0..<7])])
    #expect(seen.allSatisfy { $0.source == .loopback(port: plain.local.port) })

    dual.append(payload, byteCount: 5, to: .loopback(port: plain.local.port))
    #expect(dual.flush())
    #expect(try plain.receive(1).first?.source == .loopback(port: dual.local.port))
  }

  @Test(arguments: Loopback.all, [1, 2, 3])
  func ecnBitsArrive(address: UDPAddress, ecn: CInt) throws {
    let receiver = try Endpoint(address)
    let sender = try Endpoint(address)
    let isIPv6 = address != Loopback.ipv4
    // The six bits above are another field, DSCP, and must not show.
    var value = 0xFC | ecn
    let marked = setsockopt(
      sender.descriptor, CInt(isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP), isIPv6 ? IPV6_TCLASS : IP_TOS, &value, socklen_t(4))
    #expect(marked == 0)
    let payload = Payload(byteCount: 300)
    sender.append(payload, byteCount: 300, segment: 100, to: receiver.local)
    #expect(sender.flush())
    #expect(try receiver.receive(3).map(\.ecn) == [UInt8](repeating: UInt8(ecn), count: 3))
  }

  @Test(
    "marks go out and come in, cut by the kernel or singly, and on a socket for both families",
    arguments: [1, 2, 3] as [UInt8])
  func marksGoOut(ecn: UInt8) throws {
    for address in Loopback.all {
      let receiver = try Endpoint(address)
      for from in [address, .any(port: 0)] {
        for cuts in [true, false] {
          let sender = try Endpoint(from)
          if !cuts { sender.stopCutting() }
          let payload = Payload(byteCount: 1_000)
          sender.append(payload, byteCount: 300, segment: 100, ecn: ecn, to: receiver.local)
          sender.append(payload, byteCount: 200, segment: 100, to: receiver.local)
          sender.append(payload, byteCount: 7, ecn: ecn, to: receiver.local)
          #expect(sender.flush() && sender.refusedCount == 0)
          #expect(try receiver.receive(6).map(\.ecn) == [ecn, ecn, ecn, 0, 0, ecn])
        }
      }
    }
  }

  @Test(.enabled(if: Loopback.hasIPv6, "this machine has no IPv6"))
  func aDatagramTooLongForThePathIsCountedAndTheOthersGo() throws {
    let receiver = try Endpoint(Loopback.ipv6)
    let sender = try Endpoint(Loopback.ipv6)
    let payload = Payload(byteCount: SendBatch.largestEntry)
    sender.append(payload, byteCount: 11, to: receiver.local)
    // With IPv6's headers this is longer than loopback's 65,536 bytes, alone and in an entry of two.
    sender.append(payload, byteCount: 65_507, to: receiver.local)
    sender.append(payload, byteCount: 65_507, segment: 65_500, to: receiver.local)
    sender.append(payload, byteCount: 12, segment: 4, to: receiver.local)
    let cuts = sender.cutsSegments
    #expect(sender.flush())
    #expect(sender.refusedCount == 3)
    #expect(sender.lastRefusal == EMSGSIZE)
    #expect(sender.cutsSegments == cuts, "a refusal of the length is none of cutting")
    #expect(try receiver.receive(4).map(\.bytes.count) == [11, 4, 4, 4])
  }

  @Test func theLongestDatagramArrivesWhole() throws {
    let receiver = try Endpoint()
    let sender = try Endpoint()
    let payload = Payload(byteCount: SendBatch.largestEntry)
    sender.append(payload, byteCount: SendBatch.largestEntry, to: receiver.local)
    #expect(sender.flush())
    #expect(try receiver.receive(1).map(\.bytes) == [Array(payload.memory)])
    #expect(receiver.truncatedCount == 0)
  }

  @Test func aClosedPortIsNoErrorOfTheSocket() throws {
    let gone = try UDPSocket(bind: .loopback(port: 0)).local
    let other = try Endpoint()
    let payload = Payload(byteCount: 10)
    for _ in 0..<20 {
      other.append(payload, byteCount: 10, to: gone)
    }
    other.append(payload, byteCount: 10, to: other.local)
    #expect(other.flush())
    #expect(try other.receive(1).count == 1)
    #expect(other.refusedCount == 0)
  }

  @Test func nothingThereIsNoDatagramAndNoMore() throws {
    let receiver = try Endpoint()
    let more = receiver.read { _, _, _ in Issue.record("nothing was sent") }
    #expect(!more)
    #expect(receiver.receiveErrorCount == 0)
  }

  @Test func whatTheFullReceiveBufferLostIsCounted() throws {
    let receiver = try Endpoint()
    let room = receiver.requestReceiveBuffer(16_384)
    let sender = try Endpoint()
    let payload = Payload(byteCount: 1_000)
    var (sent, arrived) = (0, 0)
    for _ in 0..<2 {
      for _ in 0..<4 * room / 1_000 + 10 {
        if sender.batchIsFull { #expect(sender.flush()) }
        sender.append(payload, byteCount: 1_000, to: receiver.local)
        sent += 1
      }
      #expect(sender.flush())
      arrived += try receiver.receive(1).count
      #expect(arrived < sent)
      // The count of the lost comes with each one that was not, until more are lost.
      for _ in 0..<3 { sender.append(payload, byteCount: 1, to: receiver.local) }
      #expect(sender.flush())
      sent += 3
      var ends = 0
      while ends < 3 {
        let more = try receiver.receive(1)
        if more.isEmpty { break }
        arrived += more.count
        ends += more.count { $0.bytes.count == 1 }
      }
    }
    #expect(receiver.overrunCount == UInt64(sent - arrived))
  }

  @Test func aPoolTooSmallGivesNoBatchAndKeepsNothing() {
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 3)])
    let batch = ReceiveBatch(slabCount: 4, pool: pool)
    let isMissing = batch == nil
    #expect(isMissing)
    #expect(pool.outstanding == 0)
  }

  @Test func itsBuffersGoHomeWithTheBatch() {
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 3)])
    do {
      let batch = ReceiveBatch(slabCount: 3, pool: pool)
      #expect(pool.outstanding == 3)
      _ = consume batch
    }
    #expect(pool.outstanding == 0)
  }
}

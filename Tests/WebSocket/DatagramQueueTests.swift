import NIOCore
import STTWebSocket
import Testing

@Suite struct DatagramQueueTests {
  private func datagram(_ number: Int, _ count: Int = 936) -> ByteBuffer {
    ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: count)
  }

  @Test func datagramsLeaveInTheirOrder() {
    let queue = DatagramQueue()
    for number in 0..<5 { _ = queue.push(datagram(number)) }
    for number in 0..<5 { #expect(queue.pop() == datagram(number)) }
    #expect(queue.pop() == nil)
  }

  @Test func aFullQueueDropsTheOldestAndCountsThem() {
    let queue = DatagramQueue(byteCount: 3000)
    for number in 0..<10 { _ = queue.push(datagram(number)) }
    #expect(queue.droppedCount == 7)
    for number in 7..<10 { #expect(queue.pop() == datagram(number)) }
    #expect(queue.pop() == nil)
  }

  @Test func emptyDatagramsAreBoundedToo() {
    let queue = DatagramQueue(byteCount: 640)
    for _ in 0..<1000 { _ = queue.push(ByteBuffer()) }
    #expect(queue.droppedCount == 990)
  }

  @Test func oneTooLargeForTheQueueIsDroppedAlone() {
    let queue = DatagramQueue(byteCount: 3000)
    _ = queue.push(datagram(1))
    #expect(!queue.push(datagram(2, 3000)))
    #expect(queue.droppedCount == 1)
    #expect(queue.pop() == datagram(1))
  }

  @Test func whoeverDrainsIsToldOnceUntilItBegins() {
    let queue = DatagramQueue()
    #expect(queue.push(datagram(1)))
    #expect(!queue.push(datagram(2)))
    queue.beginDraining()
    #expect(queue.push(datagram(3)))
  }
}

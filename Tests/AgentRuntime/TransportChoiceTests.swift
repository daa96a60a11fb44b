import STTBoard
import Testing

@testable import STTAgentRuntime

@Suite struct TransportChoiceTests {
  private static let second: UInt64 = 1_000_000_000
  private static let retry = 300 * second

  private func automatic() -> TransportChoice { TransportChoice(.automatic, retry: Self.retry, now: 0) }

  /// As after eight seconds in which UDP said nothing.
  private func onWebSocket() -> TransportChoice {
    var choice = automatic()
    choice.choose(isConnected: false, isWebSocketUp: true, now: 8 * Self.second)
    return choice
  }

  @Test(arguments: [(false, 8), (true, 15)] as [(Bool, UInt64)])
  func udpIsGivenUpAfterItsPatienceAndNotBefore(isConnected: Bool, seconds: UInt64) {
    var choice = automatic()
    let end = seconds * Self.second
    #expect(choice.deadline(isConnected: isConnected, now: 0) == end)
    #expect(!choice.wantsWebSocket(isConnected: isConnected, now: end - 1))
    choice.choose(isConnected: isConnected, isWebSocketUp: true, now: end - 1)
    #expect(choice.path == .udp)
    #expect(choice.wantsWebSocket(isConnected: isConnected, now: end))
    choice.choose(isConnected: isConnected, isWebSocketUp: false, now: end)
    #expect(choice.path == .udp, "there is nothing to change to yet")
    choice.choose(isConnected: isConnected, isWebSocketUp: true, now: end)
    #expect(choice.path == .webSocket)
  }

  @Test func anAnswerOverUDPRenewsItsPatience() {
    var choice = automatic()
    choice.heard(on: .udp, now: 7 * Self.second)
    #expect(!choice.wantsWebSocket(isConnected: false, now: 14 * Self.second))
    choice.heard(on: .webSocket, now: 14 * Self.second)
    #expect(choice.wantsWebSocket(isConnected: false, now: 15 * Self.second))
  }

  @Test func udpIsLookedForAtIntervalsThreeProbesEach() {
    var choice = onWebSocket()
    let look = 8 * Self.second + Self.retry
    let probe1 = choice.takeProbe(now: look - 1)
    #expect(!probe1)
    let sent = (0...10).map { choice.takeProbe(now: look + $0 * Self.second / 2) }
    #expect(sent == [true, false, true, false, true, false, false, false, false, false, false])
    let probe2 = choice.takeProbe(now: look + 2 * Self.second + Self.retry)
    #expect(probe2)
  }

  @Test func whileTheWebSocketIsDownUDPIsLookedForAtOnce() {
    var choice = onWebSocket()
    choice.choose(isConnected: true, isWebSocketUp: false, now: 20 * Self.second)
    #expect(choice.path == .webSocket)
    let probe3 = choice.takeProbe(now: 25 * Self.second)
    #expect(probe3)
  }

  @Test func anAnsweredProbeBringsUDPBackAndEndsTheWebSocket() {
    var choice = onWebSocket()
    choice.probeAnswered(now: 400 * Self.second)
    #expect(choice.path == .udp)
    #expect(!choice.wantsWebSocket(isConnected: true, now: 401 * Self.second))
    let probe4 = choice.takeProbe(now: .max)
    #expect(!probe4)
  }

  @Test func aWebSocketThatOpensNoSessionIsGivenUpToo() {
    var choice = onWebSocket()
    choice.choose(isConnected: false, isWebSocketUp: true, now: 48 * Self.second - 1)
    #expect(choice.path == .webSocket)
    choice.choose(isConnected: false, isWebSocketUp: true, now: 48 * Self.second)
    #expect(choice.path == .udp)
  }

  @Test func aMoveToAnotherNetworkLooksForUDP() {
    var choice = onWebSocket()
    choice.moved(now: 9 * Self.second)
    let probe5 = choice.takeProbe(now: 9 * Self.second)
    #expect(probe5)
  }

  @Test func chosenTransportsNeverChange() {
    var direct = TransportChoice(.udp, retry: 0, now: 0)
    direct.choose(isConnected: false, isWebSocketUp: true, now: .max)
    #expect(direct.path == .udp && !direct.wantsWebSocket(isConnected: false, now: .max))
    var tunnel = TransportChoice(.webSocket, retry: 0, now: 0)
    tunnel.choose(isConnected: false, isWebSocketUp: false, now: .max)
    tunnel.probeAnswered(now: 0)
    #expect(tunnel.path == .webSocket && tunnel.wantsWebSocket(isConnected: false, now: 0))
    let probe6 = tunnel.takeProbe(now: .max - 1)
    #expect(!probe6)
  }
}

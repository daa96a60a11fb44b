import LinuxEvents
import STC
import STTIngest
import STTKeyring
import STTRecorder
import STTSession
import STTWire

/// What the receive threads of a collector share, and say to one another. A device's sessions are all on one of them;
/// the first also makes all handshakes, and decides who a device is (docs/decisions/0018).
final class ReceiveThreads: Sendable {
  /// By thread.
  let wakeups: [WakeupDescriptor]
  let orders: [Mailbox<SessionOrder>]
  let astray: [AstrayDatagrams]
  let tallies: [Tally]
  /// To the first thread.
  let news: Mailbox<SessionNews>
  let names = NameDirectory()

  private let share: SessionShare

  /// - Parameter share: of the first thread.
  init(share: SessionShare, deviceCount: Int) throws(SystemFailure) {
    self.share = share
    var wakeups: [WakeupDescriptor] = []
    for _ in 0..<share.count { wakeups.append(try WakeupDescriptor()) }
    self.wakeups = wakeups
    orders = wakeups.map { Mailbox(wakeup: $0) }
    astray = wakeups.map { AstrayDatagrams(wakeup: $0) }
    tallies = wakeups.map { _ in Tally(deviceCount: deviceCount) }
    news = Mailbox(wakeup: wakeups[0])
  }

  var count: Int { share.count }

  /// Of the thread that has the sessions of device `peer`.
  func tally(of peer: Int) -> Tally { tallies[share.thread(of: peer)] }

  var sessionCount: Int { tallies.reduce(0) { $0 + $1.sessions } }
}

/// What the first receive thread, which decides, asks of the one that has a device's sessions.
enum SessionOrder: Sendable {
  case adopt(Handover)
  case admit(session: Int, SessionID)
  case refuse(session: Int, SessionID, reason: String)
  case endSessions(peer: Int, epoch: UInt32)
  case offerSeed(SeedOffer)
  case note(RecordingEvent, peer: Int)
  /// Every session ends, and no more begin.
  case close
  /// What is on the disk is acknowledged: the thread may end.
  case leave
}

/// What a receive thread can't decide.
enum SessionNews: Sendable {
  case began(peer: Int, session: Int, SessionID)
  case shown(peer: Int, session: Int, SessionID, IdentityPublicKey)
  case missing(peer: Int, IdentityExchange.Flaw)
  case proven(peer: Int, epoch: UInt32)
  case stored(peer: Int, epoch: UInt32)
  case refused(peer: Int, epoch: UInt32, SeedUpdate.Refusal)
  /// There was no room for a session that was handed over.
  case declined(credential: Int, counter: UInt64)
  /// After ``SessionOrder/close``: what devices sent is with the recorder.
  case closed(thread: Int)
  /// The thread can't go on.
  case failed(String)
}

/// A seed for a device, if a session may carry it.
struct SeedOffer: Sendable {
  var peer: Int
  var seed: SeedEpoch
  /// The epoch a session has just been made with, if that is why.
  var connectedWith: UInt32?
  /// Where the device's owner finds the pair.
  var place: String
}

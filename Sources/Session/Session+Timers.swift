import STC
import STTWire

extension Session {
  /// When ``handleTimeout(now:outbox:)`` and ``transmit(into:now:wall:outbox:)`` must be called next,
  /// if nothing arrives before.
  public func deadline(now: MonotonicTime) -> MonotonicTime {
    if closing != nil, !closingSent { return now }
    guard end == nil else { return .never }
    if received.isDue(now: now) || streamAcknowledgementsDue { return now }
    var next = min(keepAliveDue, lastReceived + settings.idleTimeout)
    if let dueAt = received.dueAt { next = min(next, dueAt) }
    if let forgetAt = keys.forgetAt { next = min(next, forgetAt) }
    next = min(next, path.deadline, rekeyDue)
    if let lossTime { next = min(next, lossTime) } else { next = min(next, probeDeadline) }
    if pacingBlocked { next = min(next, pacer.due) } else { next = min(next, coverDue, parityDue) }
    return next
  }

  private var probeDeadline: MonotonicTime {
    guard sent.unresolvedCount > 0, let lastElicitingSent else { return .never }
    // A peer that refuses everything for a while still says that it lives, so that no silence ends the
    // session: what would be minutes of back-off ends with its refusal, within one interval.
    let longest = max(probeTimeout, settings.keepAliveInterval)
    return lastElicitingSent + min(longest, probeTimeout << UInt64(min(probeCount, 6)))
  }

  /// Does what time alone makes due: loss, probes, the end of a silent session.
  public mutating func handleTimeout(now: MonotonicTime, outbox: inout Outbox) {
    guard end == nil else { return }
    following = nil
    if now.since(lastReceived) >= settings.idleTimeout {
      finish(.silent)
      return
    }
    if let forgetAt = keys.forgetAt, now >= forgetAt {
      opener.forgetPrevious()
      keys.forgetAt = nil
    }
    if let lossTime {
      if now >= lossTime { detectLoss(now, outbox: &outbox) }
    } else if now >= probeDeadline {
      probe(now, outbox: &outbox)
    }
  }

  /// Nothing came back in time: send something that must be answered (RFC 9002 section 6.2).
  private mutating func probe(_ now: MonotonicTime, outbox: inout Outbox) {
    statistics.probeTimeouts += 1
    probeCount += 1
    probesOwed = 2
    ecn.probeTimeout(count: probeCount, now)
    if probeCount >= 3 {
      congestion.collapse()
      if path.current > path.base {
        path.fall(now)
        congestion.setDatagram(path.current)
      }
    }
    // The oldest go again in new packets. Their silence alone is no sign of congestion. After three times
    // all go, the most urgent first: the peer may be waiting for what says how to read the rest.
    let most = probeCount >= 3 ? Int.max : 2
    var mended = 0
    var number = sent.start
    while mended < most, number < sent.end {
      if sent.isUnresolved(number) {
        givenUp = (number, sent[number].sent)
        lose(number, now, congestive: false, outbox: &outbox)
        mended += 1
      }
      number += 1
    }
    sent.advance()
    lastElicitingSent = now
  }
}

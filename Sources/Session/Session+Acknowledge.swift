import BasicContainers
import STTWire

extension Session {
  /// Takes in a packet acknowledgement. `false`: it names packets that were never sent.
  mutating func takeAck(_ ack: borrowing PacketAck, _ now: MonotonicTime, outbox: inout Outbox) -> Bool {
    guard ack.largest < sent.end else { return false }
    let newest = ack.largest
    if sent.isUnresolved(newest) {
      let sample = now.since(sent[newest].sent)
      let delay = min(UInt64(ack.delayMicroseconds) * 1000, peerAcknowledgementDelay)
      roundTrip.add(sample: sample, delay: delay)
    } else if let givenUp, givenUp.number == newest {
      // Otherwise each probe would come too early for ever: what it gives up can't be measured.
      roundTrip.add(sample: now.since(givenUp.sent), delay: 0)
      self.givenUp = nil
    }
    let isNewest = sent.largestAcknowledged.map { newest > $0 } ?? true
    var any = false
    var markedCount = 0
    var index = 0
    while index < ack.wordCount {
      let from = ack.base + UInt64(index) * 64
      let named = ack.word(index)
      if let late = sent.takeLate(named, from: from) {
        reordering.noteLate(by: sent.end - late, now: now)
        lossShare.noteLate()
      }
      var word = named & sent.unresolvedWord(from: from)
      while word != 0 {
        let number = from + UInt64(word.trailingZeroBitCount)
        word &= word - 1
        if sent[number].isMarked { markedCount += 1 }
        acknowledge(number, outbox: &outbox)
        any = true
      }
      index += 1
    }
    sent.noteAcknowledged(newest)
    // Older acknowledgements may have overtaken one another (RFC 9000 section 13.4.2.1).
    if isNewest {
      let congested = ecn.acknowledged(marked: markedCount, ack.ecn)
      statistics.packetsMarked += congested
      congestion.marked(congested)
    }
    if any {
      probeCount = 0
      sent.advance()
      congestion.update(roundTrip: roundTrip, now: now)
    }
    detectLoss(now, outbox: &outbox)
    return true
  }

  private mutating func acknowledge(_ number: UInt64, outbox: inout Outbox) {
    let packet = sent[number]
    sent.resolve(number)
    congestion.acknowledged(Int(packet.byteCount), packet.stamp, sent: packet.sent)
    switch packet.content {
    case .open: outbox.acknowledgeOpen(Int(packet.stream))
    case .end: outbox.acknowledgeEnd(Int(packet.stream))
    case .control: control.acknowledged(packet.message)
    case .pathProbe:
      path.probeAcknowledged(Int(packet.byteCount))
      congestion.setDatagram(path.current)
    case .fragment, .bundle, .parity: path.acknowledged(Int(packet.byteCount))
    case .probe, .skip: break
    }
  }

  /// Finds packets that later ones have overtaken by too much (RFC 9002 section 6.1).
  mutating func detectLoss(_ now: MonotonicTime, outbox: inout Outbox) {
    lossTime = nil
    guard let largest = sent.largestAcknowledged else { return }
    reordering.forget(now)
    let delay = reordering.lossDelay(roundTrip)
    let threshold = reordering.packets
    var number = sent.start
    var lostAny = false
    while number < largest {
      if sent.isUnresolved(number) {
        let age = sent[number].sent
        if number + threshold <= largest || age + delay <= now {
          lose(number, now, congestive: true, outbox: &outbox)
          lostAny = true
        } else {
          lossTime = min(lossTime ?? .never, age + delay)
        }
      }
      number += 1
    }
    if lostAny { sent.advance() }
  }

  /// Gives a packet up and queues what it held.
  mutating func lose(_ number: UInt64, _ now: MonotonicTime, congestive: Bool, outbox: inout Outbox) {
    let packet = sent[number]
    sent.resolve(number)
    sent.noteLost(number)
    if packet.content == .pathProbe {
      // Too large is no sign of congestion (RFC 8899 section 3).
      congestion.forget(Int(packet.byteCount))
      path.probeLost(now)
      return
    }
    statistics.packetsLost += 1
    if packet.isMarked { ecn.lost(now) }
    if path.lost(Int(packet.byteCount), now) { congestion.setDatagram(path.current) }
    if congestive {
      congestion.lost(Int(packet.byteCount), packet.stamp)
      lossShare.noteLost()
    } else {
      congestion.forget(Int(packet.byteCount))
    }
    let stream = Int(packet.stream)
    switch packet.content {
    case .fragment:
      outbox.requeue(stream, LostRange(message: packet.message, offset: packet.offset, count: packet.count))
    case .bundle:
      for index in packet.runStart..<packet.runStart + UInt64(packet.runCount) {
        let run = sent.runs[index]
        for message in run.first..<run.first + UInt64(run.count) {
          outbox.requeue(Int(run.stream), LostRange(message: message, offset: 0, count: .max))
        }
      }
    case .open: outbox.requeueOpen(stream, offset: Int(packet.offset))
    case .end: outbox.requeueEnd(stream)
    case .control: control.lost(packet.message, offset: packet.offset)
    case .skip: outbox.requeueSkip(stream)
    case .probe, .pathProbe, .parity: break
    }
    if packet.holdsStreamAcks { incoming.repeatAcknowledgements() }
  }

  /// Takes in a stream acknowledgement. `false`: it makes no sense.
  mutating func takeStreamAck(_ ack: StreamAck, stream id: UInt16, outbox: inout Outbox) -> Bool {
    guard let index = outbox.index(of: id) else { return false }
    return outbox.acknowledge(index, ack)
  }
}

extension Outbox {
  func index(of id: UInt16) -> Int? {
    guard id >= firstStreamID, (id - firstStreamID) & 1 == 0 else { return nil }
    let index = Int(id - firstStreamID) / 2
    return index < streams.count ? index : nil
  }

  mutating func acknowledgeOpen(_ stream: Int) {
    guard case .sending(let next, let lost, let unacknowledged) = streams[stream].opening else { return }
    let left = unacknowledged - 1
    if left == 0, lost.isEmpty, next >= streams[stream].openBytes.count {
      streams[stream].opening = .open
    } else {
      streams[stream].opening = .sending(next: next, lost: lost, unacknowledged: left)
    }
  }

  mutating func requeueOpen(_ stream: Int, offset: Int) {
    guard case .sending(let next, let lost, let unacknowledged) = streams[stream].opening else { return }
    streams[stream].opening = .sending(next: next, lost: lost + [offset], unacknowledged: unacknowledged - 1)
  }

  mutating func acknowledgeEnd(_ stream: Int) { streams[stream].finAcknowledged = true }
  mutating func requeueSkip(_ stream: Int) { streams[stream].skipSent = 0 }
  mutating func requeueEnd(_ stream: Int) { streams[stream].finSent = false }

  /// Queues a part for sending again, unless nobody needs it any more.
  mutating func requeue(_ stream: Int, _ range: LostRange) {
    if streams[stream].wants(range.message) { streams[stream].lost.append(range) }
  }
}

import BasicContainers

/// The next part of a message whose parts follow one another, as long as nothing else is to be sent: found once for a
/// message instead of once for each of its parts.
struct FollowingPart {
  let stream: Int
  let part: OutgoingPart
  /// Bytes of the whole message.
  let total: Int
  /// When it was found: time makes other things due.
  let now: MonotonicTime
  /// Of ``Outbox/changes``.
  let changes: UInt64
  /// How large datagrams were.
  let datagramByteCount: Int
}

extension Outbox {
  /// Whether no other stream than `stream` has anything to send, and it has none of what comes between its parts.
  func isAlone(_ stream: Int) -> Bool {
    guard parities.isEmpty, coverStreams.isEmpty, streams[stream].lost.isEmpty else { return false }
    for index in 0..<streams.count {
      guard case .open = streams[index].opening else { return false }
      guard index == stream || streams[index].next >= streams[index].end && streams[index].lost.isEmpty else { return false }
    }
    return true
  }
}

extension Session {
  /// Takes note that `part` of a message of `total` bytes went out, and of what goes next if that is certain.
  ///
  /// - Parameter isCertain: `part` was such itself, so that nothing else is to be sent now.
  mutating func noteFollowing(
    _ part: OutgoingPart, of total: Int, _ stream: Int, _ now: MonotonicTime, isCertain: Bool, _ outbox: borrowing Outbox
  ) {
    let offset = part.offset + part.count
    guard !part.isRepeat, offset < total, isCertain || outbox.isAlone(stream) else {
      following = nil
      return
    }
    following = FollowingPart(
      stream: stream,
      part: OutgoingPart(
        message: part.message, offset: offset, count: min(part.count, total - offset), isWhole: false, isRepeat: false),
      total: total, now: now, changes: outbox.changes, datagramByteCount: datagramByteCount)
  }

  /// What was found to go next, if that is still so.
  mutating func takeFollowing(_ now: MonotonicTime, _ outbox: borrowing Outbox) -> FollowingPart? {
    guard let next = following else { return nil }
    if next.now == now, next.changes == outbox.changes, next.datagramByteCount == datagramByteCount { return next }
    following = nil
    return nil
  }
}

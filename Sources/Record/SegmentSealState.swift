/// What is known of a sealed file while it is walked.
public struct SegmentSealState: Sendable {
  public let note: SealNote
  /// Whether its batches can be opened.
  public let isOpened: Bool
  /// Seals seen, and the chain's head after the last, 32 bytes.
  public private(set) var count: UInt64 = 0
  public private(set) var head: [UInt8]
  /// Whether every seal's code was checked under the chain's own keys, and right.
  public private(set) var isAttested = true
  /// Whether the segment was ended by recovery after a crash: what came after its last seal is lost.
  public private(set) var isRecovered = false
  /// Whether its end was shown to be the true one; `nil` without a key to check it.
  public private(set) var isEndKnown: Bool?
  private var hasChainNote = false
  /// Metadata since the last seal: only what belongs at the end may stand there.
  private var unsealed: [String] = []

  init(_ note: SealNote, isOpened: Bool) {
    self.note = note
    self.isOpened = isOpened
    head = note.previousHead
  }

  mutating func note(_ head: [UInt8], isAttested: Bool?) {
    self.head = head
    count += 1
    if isAttested != true { self.isAttested = false }
    unsealed.removeAll()
  }

  /// Takes a metadata record; the last ones say where the chain ends.
  mutating func take<Opener: SegmentOpener>(
    _ name: String, _ map: [String: String], _ at: UInt64, _ opener: Opener
  ) throws {
    unsealed.append(name)
    if name == SealNote.recoveryName { isRecovered = true }
    guard name == SealNote.chainName else { return }
    let code = map[isRecovered ? "recovered" : "end"].flatMap { Digits.bytes($0) }
    guard !hasChainNote, map["seals"] == String(count), opener.hashes == false || map["head"] == Digits.text(head),
      map.count == 3, let code
    else {
      throw SegmentDamage(kind: .altered, offset: at, what: "the chain does not end where the file says")
    }
    hasChainNote = true
    isEndKnown = isRecovered ? opener.isRecovery(code, head) : opener.isEnding(code, head)
    guard isEndKnown != false else {
      throw SegmentDamage(
        kind: .altered, offset: at, what: "the file was ended by somebody else than its collector: its tail may be missing")
    }
  }

  func checkEnd(_ at: UInt64, hasChecksum: Bool) throws {
    let expected =
      isRecovered ? [SealNote.recoveryName, SealNote.positionsName, SealNote.chainName] : [SealNote.chainName]
    guard hasChainNote, unsealed == expected, hasChecksum != isRecovered else {
      throw SegmentDamage(kind: .altered, offset: at, what: "the end of the chain is missing")
    }
  }
}

public import STTRecord

/// Follows a folder's sealed segments: each names the head of the chain before it.
public struct SegmentChainCheck {
  private let isFolder: Bool
  private let removed: RemovedSegments?
  private var head: [UInt8]?
  private var heads: [[UInt8]: [UInt8]] = [:]

  /// - Parameters:
  ///   - isFolder: whether all segments of a folder are given, or one file.
  ///   - removed: what was removed from the folder's beginning.
  public init(isFolder: Bool, removed: RemovedSegments? = nil) {
    self.isFolder = isFolder
    self.removed = removed
  }

  /// Takes the next segment; adds a sentence for each that should be before it.
  public mutating func take(_ path: String, _ report: SegmentReport, _ missing: inout [String]) {
    guard let seal = report.seal else { return }
    let before = seal.note.previousHead
    let isFirst = before.allSatisfy { $0 == 0 }
    if let head, before != head {
      missing.append("\(path): does not follow the segment before it: one between them is missing, or cut short")
    } else if head == nil, isFolder, !isFirst, removed?.explains(before) != true {
      missing.append("\(path): is not the first of its folder: the segments before it are missing")
    }
    head = seal.head
    heads[seal.note.segment] = seal.head
  }

  /// - Parameter newest: what the collector's keystore remembers.
  public func finish(_ folder: String, _ newest: ChainHead?, _ missing: inout [String]) {
    guard isFolder, let newest else { return }
    if let found = heads[newest.segment] {
      guard let head = newest.head, head != found else { return }
      missing.append("\(folder): its newest segment is not as the collector closed it: its tail is missing")
    } else {
      missing.append("\(folder): segment \(Digits.text(newest.segment)) is missing, the newest the collector knows of")
    }
  }
}

/// Looks for heads that a device was told of among those of a recording.
public final class AnchorCheck {
  private var wanted: Set<[UInt8]>

  public init(_ heads: [[UInt8]]) { wanted = Set(heads) }

  /// The recording's chain has `head`.
  public func reached(_ head: [UInt8]) { wanted.remove(head) }

  public func isMissing(_ head: [UInt8]) -> Bool { wanted.contains(head) }
}

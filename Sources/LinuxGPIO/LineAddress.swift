/// How a line is found.
///
/// Numbers of chips change between kernels and with the order in which drivers start; names and labels don't.
public enum LineAddress: Hashable, Sendable {
  /// By the name the board's description gives the line (`GPIO17`).
  case name(String)
  /// By its position on a chip.
  case offset(UInt32)

  /// What the line is called in samples and messages.
  public var text: String {
    switch self {
    case .name(let name): name
    case .offset(let offset): "line\(offset)"
    }
  }
}

/// How lines are read. Lines are inputs only: an agent that is taken over must not move anything.
public struct LineSettings: Hashable, Sendable {
  public enum Edges: Hashable, Sendable { case both, rising, falling }
  public enum Bias: Hashable, Sendable { case asIs, disabled, pullUp, pullDown }

  /// Rising is from inactive to active.
  public var edges: Edges
  public var bias: Bias
  /// A low voltage counts as active.
  public var isActiveLow: Bool
  /// A level counts once it has lasted so long, in microseconds; 0 counts every edge.
  public var debounceMicroseconds: UInt32
  /// The kernel takes an edge's time from the wall clock, else from the monotonic one.
  public var isRealtime = false

  public init(
    edges: Edges = .both, bias: Bias = .asIs, isActiveLow: Bool = false, debounceMicroseconds: UInt32 = 0
  ) {
    self.edges = edges
    self.bias = bias
    self.isActiveLow = isActiveLow
    self.debounceMicroseconds = debounceMicroseconds
  }
}

/// Edges of GPIO lines of one chip. Lines are inputs; there is no way to drive one.
public struct GPIOInput: Hashable, Sendable {
  /// Which edges become messages; rising is from inactive to active.
  public enum Edge: String, CaseIterable, Hashable, Sendable {
    case both, rising, falling
  }

  /// What holds a line that nothing drives.
  public enum Bias: String, CaseIterable, Hashable, Sendable {
    /// Whatever was set before.
    case asIs = "as-is"
    case disabled
    case pullUp = "pull-up"
    case pullDown = "pull-down"
  }

  /// Which clock an edge's time is of, before the other is derived from it.
  public enum Clock: String, CaseIterable, Hashable, Sendable {
    case monotonic, realtime
  }

  /// Lines by the names the board gives them.
  public var lines: [String]
  /// The chip's label, name or path; `nil`: the chip that has the lines.
  public var chip: String?
  /// Lines by their place on ``chip``.
  public var offsets: [Int]
  public var edge: Edge
  public var bias: Bias
  /// Whether a low voltage counts as active.
  public var isActiveLow: Bool
  /// How long a level must last to count.
  public var debounce: Duration
  public var clock: Clock
  /// Pulses are counted, and told of each time so long has passed; `nil`: every edge is a message.
  public var countInterval: Duration?
}

/// The numbers of GPIO sources, each with its reason.
public enum GPIOLimits {
  public static let lineCount = 64
  public static let lineCountReason = "the kernel gives at most 64 lines in one request"
  public static let offset = Limit(0, 65_535, usual: 0, because: "no GPIO chip has more lines")
  public static let debounce = Limit<Duration>(
    .zero, .seconds(10), usual: .zero, because: "contacts settle within milliseconds, and 0 counts every edge")
  public static let count = Limit<Duration>(
    .milliseconds(1), .seconds(86_400), usual: .seconds(1),
    because: "more often each edge could be told of, and less often than once a day nobody looks")
}

extension GPIOInput {
  /// Reads the keys of a source of type `gpio`; `nil` when no line is named.
  init?(_ table: inout TableReader) {
    let linesRemedy = "Give names as gpioinfo lists them: lines = [\"GPIO17\", \"GPIO27\"]."
    lines = table.texts("lines", atMost: GPIOLimits.lineCount, because: GPIOLimits.lineCountReason, linesRemedy)
    let chipRemedy = "Give the chip's label (gpiodetect lists them), such as \"pinctrl-rp1\", or its path."
    chip = table.text("chip", chipRemedy)?.text
    offsets = table.integers(
      "offsets", GPIOLimits.offset, atMost: GPIOLimits.lineCount, because: GPIOLimits.lineCountReason)
    edge = table.choice("edge", usual: .both)
    bias = table.choice("bias", usual: .asIs)
    isActiveLow = table.flag("active_low", usual: false)
    debounce = table.duration("debounce", GPIOLimits.debounce)
    clock = table.choice("clock", usual: .monotonic)
    let isCounting = table.table["count"] != nil
    let interval = table.duration("count", GPIOLimits.count)
    countInterval = isCounting ? interval : nil
    for key in ["edge", "clock", "debounce"] where isCounting {
      guard let node = table.table[key] else { continue }
      table.fail(
        .conflict, key, at: node.position, "means nothing beside count",
        "Pulses are counted by their rising edges, at once: remove one of the two.")
    }
    for key in ["output", "value", "direction"] where table.table[key] != nil {
      guard let node = table.take(key) else { continue }
      table.fail(
        .conflict, key, at: node.position, "would drive the line",
        "Lines are inputs only: whoever takes the agent over must not be able to move anything. Remove it.")
    }
    if table.table["lines"] == nil, table.table["offsets"] == nil {
      table.missing("lines", "\(linesRemedy) Lines without a name are given by chip and offsets.")
    }
    if let node = table.table["offsets"], chip == nil {
      table.fail(.conflict, "offsets", at: node.position, "does not say of which chip", chipRemedy)
    }
    if let node = table.table["offsets"], lines.count + offsets.count > GPIOLimits.lineCount {
      table.fail(
        .outOfRange, "offsets", at: node.position, "and lines name more than \(GPIOLimits.lineCount) lines",
        "Make a second source: \(GPIOLimits.lineCountReason).")
    }
    if lines.isEmpty, offsets.isEmpty { return nil }
  }
}

import Glibc

/// The serial ports of this machine.
public enum SerialPorts {
  public struct Port: Hashable, Sendable {
    /// `/dev/ttyUSB0`: may change when ports are plugged in another order.
    public var path: String
    /// `/dev/serial/by-id/…` first, then by-path: names that stay.
    public var stablePaths: [String]
  }

  /// Ports with hardware behind them: not the consoles, nor the kernel's spare entries for UARTs.
  ///
  /// - Parameter root: another directory than `/` looks at a copy of its trees.
  public static func list(root: String = "") -> [Port] {
    let base = root + "/sys/class/tty"
    let names = entries(of: base).filter { name in
      guard name.hasPrefix("tty"), name.count > 4 else { return false }
      if name.hasPrefix("ttyS") { return smallText("\(base)/\(name)/type").map { $0 != "0" } ?? false }
      return access("\(base)/\(name)/device", F_OK) == 0
    }
    return names.sorted { ($0.count, $0) < ($1.count, $1) }.map { name in
      let path = "\(root)/dev/\(name)"
      return Port(path: path, stablePaths: links(to: path, root))
    }
  }

  private static func links(to path: String, _ root: String) -> [String] {
    guard let target = resolved(path) else { return [] }
    return ["by-id", "by-path"].flatMap { folder in
      let base = "\(root)/dev/serial/\(folder)"
      return entries(of: base).sorted().map { "\(base)/\($0)" }.filter { resolved($0) == target }
    }
  }
}

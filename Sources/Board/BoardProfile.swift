/// What a kind of board offers: its header's pins, its buses and what the installer must know.
///
/// A profile is data (`boards/<name>/board.toml`); the agent does not depend on one to run.
public struct BoardProfile: Hashable, Sendable {
  /// The directory's name, such as `raspberry-pi-5`.
  public var name: String
  /// What its maker calls it.
  public var title: String
  /// Whether the processor has AES instructions, which makes AES-256-GCM the faster cipher.
  public var hasAES: Bool
  /// What `gpiodetect` prints in brackets: stable across kernels, unlike the chip's number.
  public var gpioChipLabel: String
  /// Lines of that chip, on the header and off it.
  public var gpioLineCount: Int
  /// In the order of the pin numbers, from 1 without a gap.
  public var pins: [Pin]
  public var buses: [Bus]
  /// How a camera is reached, in a sentence for people.
  public var camera: String

  /// One pin of the header.
  public struct Pin: Hashable, Sendable {
    /// As printed beside the header, from 1.
    public var number: Int
    public var role: Role
    /// What else it can do, such as `I2C1 SDA`.
    public var functions: [String]
  }

  /// What a pin is wired to.
  public enum Role: Hashable, Sendable {
    case ground
    /// A supply output, in tenths of a volt (33, 50).
    case power(decivolts: Int)
    /// A line of the GPIO chip: its kernel name and its offset on the chip.
    case line(name: String, offset: Int)
  }

  /// The names of the roles, as profiles write them.
  enum Kind: String, CaseIterable {
    case ground
    case power
    case line
  }

  /// A serial bus that is wired to the header.
  public struct Bus: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
      case i2c
      case spi
      case uart
      case pwm
    }

    public var name: String
    public var kind: Kind
    /// The device file, or for PWM the sysfs directory.
    public var device: String
    /// Pin numbers, each of a line.
    public var pins: [Int]
    /// The line for the board's boot configuration that switches it on; empty when it is always on.
    public var enable: String
  }
}

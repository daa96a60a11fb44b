public import STTSample

/// One value in a small text file of sysfs or procfs, and the field it becomes.
///
/// The value is one word: of the first line, or of the first line that begins with ``line``. How
/// the word is read follows from the field's kind; the field gets `number × scale + offset`.
/// - `double`: a decimal number with or without fraction and exponent.
/// - `int64`, `uint64`, `fixed32`, `fixed64`: a whole number, exact as long as nothing is scaled,
///   else rounded to the nearest. `0x…` is read as hexadecimal.
/// - `bool`: `0`/`1`, `off`/`on`, `no`/`yes`, `false`/`true`, `disabled`/`enabled`, `down`/`up`,
///   `n`/`y`, in any case.
/// - `string`, `bytes`: the word as it stands, at most ``longestText`` bytes.
public struct Attribute: Hashable, Sendable {
  /// Bytes of text a field takes; longer words are left out.
  public static let longestText = 256

  public var path: String
  public var field: Field
  /// The line's beginning (`MemFree`, `cpu`, `eth0:`); blanks before it don't count, and a following
  /// colon is skipped. A beginning that ends in a letter or digit must end a word there. `nil` takes
  /// the first line.
  public var line: String?
  /// Which word, from 1, counted after ``line``'s text; words are parted by blanks.
  public var column: Int
  /// Reads whole numbers in base 16 even without `0x` (USB identifiers are written that way).
  public var isHexadecimal: Bool
  public var scale: Double
  public var offset: Double

  public init(
    _ path: String, _ field: Field, line: String? = nil, column: Int = 1, isHexadecimal: Bool = false,
    scale: Double = 1, offset: Double = 0
  ) {
    self.path = path
    self.field = field
    self.line = line
    self.column = column
    self.isHexadecimal = isHexadecimal
    self.scale = scale
    self.offset = offset
  }
}

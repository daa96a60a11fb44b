/// Bytes as words that people can read to each other: 16 bits become five letters, consonant, vowel,
/// consonant, vowel, consonant (D. S. Wilkerson, "A proposal for proquints").
public enum Proquint {
  private static let consonants = Array("bdfghjklmnprstvz".utf8)
  private static let vowels = Array("aiou".utf8)

  /// One word for every two bytes, parted by dashes; an odd last byte counts as followed by 0.
  /// Eight bytes, a seed's fingerprint, are four words such as `lusab-babad-gutih-tugad`.
  public static func words(_ bytes: [UInt8]) -> String {
    stride(from: 0, to: bytes.count, by: 2).map { index in
      word(UInt16(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt16(bytes[index + 1]) : 0))
    }.joined(separator: "-")
  }

  private static func word(_ value: UInt16) -> String {
    let letters = [
      consonants[Int(value >> 12)], vowels[Int(value >> 10 & 3)], consonants[Int(value >> 6 & 15)],
      vowels[Int(value >> 4 & 3)], consonants[Int(value & 15)],
    ]
    return String(decoding: letters, as: UTF8.self)
  }
}

/// Eight words, for the first sixteen bytes of an identity's fingerprint: what people compare.
public func identityWords(_ fingerprint: [UInt8]) -> String { Proquint.words(Array(fingerprint.prefix(16))) }

/// One AEAD key, ready to seal and open packets in place.
///
/// Two implementations: ``InPlaceEngine`` on the hot path, ``OracleEngine`` as its judge in tests
/// and as the fallback if a future swift-crypto stopped linking what the first one calls. Always a
/// generic argument, never an existential.
public protocol SealingEngine: ~Copyable {
  init(suite: Suite, key: Secret)

  /// Encrypts `prefix` where it lies and `body` into the memory right after it, and writes the
  /// 16-byte tag behind both. `prefix` has room for `body.count + 16` more bytes. `body` may be
  /// empty, and must not overlap the destination.
  func seal(
    unsafe prefix: UnsafeMutableRawBufferPointer, body: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
    additional: UnsafeRawBufferPointer)

  /// Decrypts `text` where it lies; the 16-byte tag follows it. `false`: not authentic, and `text`
  /// may have been overwritten.
  func open(
    unsafe text: UnsafeMutableRawBufferPointer, nonce: UnsafeRawPointer, additional: UnsafeRawBufferPointer
  ) -> Bool
}
